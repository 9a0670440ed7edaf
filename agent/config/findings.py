"""What is said of a value of a YAML file that is wrong, or that hardly is as it was meant."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import lookalikes
from agent.config.lookalikes import Finding
from agent.config.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN_CHARACTERS = 60


def joined(item: Node, given: Node | None) -> Finding | None:
    """Whether an item of a list was meant as several: '、' does not part them.

    Asked where a list in brackets has but one item, or where all parts end alike, as names of
    sounds do (…音、…音): sentences hold such commas rightly.
    """
    if not isinstance(item, Scalar) or not isinstance(given, Sequence):
        return None
    parts = [" ".join(part.split()) for part in lookalikes.COMMA.split(item.text) if part.strip()]
    alike = len(given.items) == 1 or len({part[-1] for part in parts}) == 1
    if len(parts) < 2 or not given.flow or item.quoted or not alike:  # noqa: PLR2004
        return None
    comma = lookalikes.told(lookalikes.COMMA.findall(item.text)[0])
    return Finding(
        f"is one text and holds {comma}",
        f"were {len(parts)} meant? Type ', ' to part them: [{', '.join(parts)}], or put the one "
        "text in quotes",
    )


def is_text(value: object) -> bool:
    """Whether a value is anything that people may write, so that half of it is valid too."""
    return isinstance(value, str | Path) and not isinstance(value, StrEnum)


def lost(node: Node | None) -> Finding | None:
    """What took away all of a value that is empty."""
    return node.doubt if isinstance(node, Scalar) and not node.text else None


def misnamed(name: str, near: str | None) -> Finding | None:
    """The look-alike in an unknown field's name, and what to type.

    Args:
        name: as it stands there.
        near: the field that was probably meant.
    """
    held = lookalikes.held(name)
    if held is None:
        return None
    indented = lookalikes.typed(name[0]) == " "
    remedy = "indent by spaces alone" if indented else f"type {near or lookalikes.plain(name)!r}"
    return Finding(f"is not a field and {held}", remedy)


def mistaken(node: Node, remedy: str) -> Finding:
    """What stands in place of a table or a list, and the look-alike that made it so."""
    slip = lookalikes.opening(node.text) if isinstance(node, Scalar) else None
    if slip is None:
        return Finding(shown(node), remedy)
    return Finding(f"{shown(node)} and {slip.found}", slip.remedy)


def mistyped(node: Scalar, convert: Callable[[str], object]) -> Finding | None:
    """The look-alikes in a value that would be right without them."""
    held, plain = lookalikes.held(node.text), lookalikes.plain(node.text)
    try:
        convert(plain)
    except ValueError:
        return None
    return Finding(f"{shown(node)} and {held}", f"type {plain!r}") if held else None


def shown(node: Node) -> str:
    """What stands there, short and on one line."""
    if isinstance(node, Sequence):
        return "is a list"
    if isinstance(node, Mapping):
        return "holds fields"
    if node.is_null or not node.text.strip():
        return "is empty"
    cut = "…" if len(node.text) > SHOWN_CHARACTERS else ""
    return f"is {node.text[:SHOWN_CHARACTERS]!r}{cut}"
