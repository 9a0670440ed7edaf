"""A page for each MQTT topic, from its line in the contract and the schema of its payload."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from site_reference.tables import Page, document, escaped, fence, table

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "reference/topics"

_CONTRACT = Path(__file__).resolve().parents[2] / "mqtt"
_LINE = re.compile(
    r"^\| `([^`]+)` \| ([^|]+), ([^|]+) \| (.+) \| \[([\w-]+)\]\([\w-]+\.schema\.json\) \|$",
    re.MULTILINE,
)
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "over {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "under {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches `{}`",
    "format": "a {}",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the contract."""

    name: str
    """Below a box's own root."""
    qos: str
    retained: str
    text: str
    schema: str
    """Name of the payload's schema."""


def topics() -> tuple[Topic, ...]:
    """Those of the contract, in its order."""
    text = (_CONTRACT / "README.md").read_text(encoding="utf-8")
    return tuple(Topic(*(one.strip() for one in found)) for found in _LINE.findall(text))


def pages() -> Iterator[Page]:
    """One for each topic, and one that lists them."""
    rows = []
    for topic in topics():
        yield Page(f"{FOLDER}/{topic.schema}.md", _topic(topic))
        link = f"[`{topic.name}`]({topic.schema}.md)"
        rows.append((link, topic.qos, topic.retained, escaped(topic.text)))
    yield Page(
        f"{FOLDER}/index.md",
        document(
            "# Topics",
            "All are below `{prefix}/{site}/{node}/`. How they belong together: "
            "[the MQTT contract](../../mqtt/README.md).",
            table(("topic", "QoS", "retained", "payload"), rows),
        ),
    )


def _topic(topic: Topic) -> str:
    schema = json.loads((_CONTRACT / f"{topic.schema}.schema.json").read_text(encoding="utf-8"))
    rows = [*_fields(schema, "")]
    direction = "To the box." if topic.text.startswith("JSON, to the box") else "From the box."
    return document(
        f"# `{topic.name}`",
        escaped(schema["description"]),
        f"{direction} QoS {topic.qos}, retained: {topic.retained}.",
        "" if rows else f"Payload: {_kind(schema)}.",
        table(("field", "needed", "value", "meaning"), rows) if rows else "",
        "## Schema",
        f"[{topic.schema}.schema.json](../../mqtt/{topic.schema}.schema.json)",
        fence(json.dumps(schema, indent=2, ensure_ascii=False), "json"),
    )


def _fields(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """The fields of an object, those of objects in it among them."""
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        text = escaped(one.get("description", ""))
        yield f"`{prefix}{name}`", "yes" if name in needed else "", _kind(one), text
        yield from _fields(one, f"{prefix}{name}.")
        yield from _fields(one.get("items", {}), f"{prefix}{name}[].")


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    if "oneOf" in schema and "type" not in schema:
        return " or ".join(_kind(one) for one in schema["oneOf"])
    kinds = schema.get("type", "any value")
    told = kinds if isinstance(kinds, str) else " or ".join(kinds)
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    return ", ".join((told, *limits))
