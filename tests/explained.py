"""Which settings a shipped file names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def in_file(path: Path) -> dict[str, Any]:
    """Names in a YAML file, in the place of each value those below it."""
    named: dict[str, Any] = _below(yaml.safe_load(path.read_text(encoding="utf-8")))
    return named


def of(settings: Any) -> dict[str, Any]:
    """Names of the fields of a dataclass, likewise."""
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    return {name: of(value) if is_dataclass(value) else None for name, value in values.items()}


def _below(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _below(inner) for name, inner in value.items()}
    return None
