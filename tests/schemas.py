"""The published schemas of what goes over MQTT."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FOLDER = Path(__file__).resolve().parents[1] / "docs" / "mqtt"


def schema(name: str) -> dict[str, Any]:
    """The schema of ``docs/mqtt/<name>.schema.json``."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.schema.json").read_text())
    return found


@cache  # a test that waits asks hundreds of times
def validator(name: str) -> Draft202012Validator:
    """Validates by the schema of ``docs/mqtt/<name>.schema.json``, which is valid itself."""
    allowed = schema(name)
    Draft202012Validator.check_schema(allowed)
    return Draft202012Validator(allowed)
