"""Reasons in the reader's language: what a part of the box says is wrong, on a terminal."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent import console
from agent.cli.check.wording import words
from agent.cli.words import Language
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.reasons import Value

_WORDS = Path(console.__file__).parent / "static" / "words.js"
_TABLE = re.compile(r"^const REASONS_JA = \{$(.*?)^\};$", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r'\b(\w+): ("(?:[^"\\]|\\.)*")')
_PLACE = re.compile(r"\{(\w+)\}")


@cache
def japanese() -> Mapping[str, str]:
    """By code: the Japanese text, as the console's page has it, where alone it is written."""
    table = _TABLE.search(_WORDS.read_text(encoding="utf-8"))
    return {code: json.loads(text) for code, text in _ENTRY.findall(table[1] if table else "")}


def _known() -> Mapping[str, str]:
    """Those of the box, and those of ``kikimimi check``."""
    return {**japanese(), **words(Language.JA).texts}


def told(text: str, language: Language) -> str:
    """A text as the reader wants it: a reason whose codes are all known, or else as it is.

    Args:
        text: English; a :class:`Reason`, or of whatever origin.
        language: the reader's.
    """
    known = _known()
    parts = text.parts if isinstance(text, Reason) else ()
    if language is Language.EN or not parts or any(part.code not in known for part in parts):
        return text
    return "".join(_filled(known[part.code], part.parameters, language) for part in parts)


def _filled(text: str, parameters: Mapping[str, Value], language: Language) -> str:
    """A text with its places filled in, reasons among them in the same language."""
    return _PLACE.sub(lambda place: told(str(parameters.get(place[1], "?")), language), text)
