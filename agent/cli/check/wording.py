"""What ``kikimimi check`` finds by itself: English by code, so that it can be told in Japanese.

Findings of what reads the files of a site come in English and stay so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agent.cli.words import Language, Words, texts_of
from agent.core.errors import Problem
from agent.core.names import shown
from agent.core.reasons import Coded, Reason

FOLDER = Path(__file__).parent / "texts"


@cache  # asked for each finding
def words(language: Language) -> Words:
    """The texts of a language.

    Raises:
        ConfigError: the package's file is missing or damaged.
    """
    return Words(language, texts_of(FOLDER, language))


def problem(where: str, code: str, **values: object) -> Problem:
    """A finding of a code, and its remedy of ``CODE_remedy``.

    Args:
        where: the file with its field, or the setting.
        code: of ``texts/``.
        values: what both speak of; a reason among them is told in the reader's language, too.
    """
    return Problem(where, note(code, **values), note(f"{code}_remedy", **values))


def note(code: str, **values: object) -> Reason:
    """A text of a code."""
    safe = {
        name: value if isinstance(value, Reason) else shown(value) for name, value in values.items()
    }
    return Reason(words(Language.EN)(code, **safe), (Coded(code, safe),))
