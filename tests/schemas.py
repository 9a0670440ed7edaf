"""The published schemas of what goes over MQTT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1] / "docs" / "mqtt"


def schema(name: str) -> dict[str, Any]:
    """The schema of ``docs/mqtt/<name>.schema.json``."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.schema.json").read_text())
    return found
