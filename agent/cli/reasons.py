"""Reasons in the reader's language: what a part of the box says is wrong, on a terminal."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent import console
from agent.cli.words import Language
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = Path(console.__file__).parent / "static" / "words.js"
_TABLE = re.compile(r"^const REASONS_JA = \{$(.*?)^\};$", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r'\b(\w+): ("(?:[^"\\]|\\.)*")')
_PLACE = re.compile(r"\{(\w+)\}")


@cache
def japanese() -> Mapping[str, str]:
    """By code: the Japanese text, as the console's page has it, where alone it is written."""
    table = _TABLE.search(_WORDS.read_text(encoding="utf-8"))
    return {code: json.loads(text) for code, text in _ENTRY.findall(table[1] if table else "")}


def told(text: str, language: Language) -> str:
    """A text as the reader wants it: a reason whose codes are all known, or else as it is.

    Args:
        text: English; a :class:`Reason`, or of whatever origin.
        language: the reader's.
    """
    known = japanese()
    parts = text.parts if isinstance(text, Reason) else ()
    if language is Language.EN or not parts or any(part.code not in known for part in parts):
        return text
    return "".join(
        _PLACE.sub(lambda place: str(part.parameters.get(place[1], "?")), known[part.code])  # noqa: B023 - called at once
        for part in parts
    )
