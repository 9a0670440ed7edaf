"""What a command says to people, in their language: the words, and which language that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.config import yaml_tree as yamlfile
from agent.config.yaml_tree import Scalar
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

_PLACE = re.compile(r"\{(\w+)\}")
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Of the locale of messages; the first that is set decides, as POSIX has it."""
_JAPANESE = re.compile(r"(ja|japanese)([_.@-].*)?", re.IGNORECASE)


class Language(StrEnum):
    """In which commands speak to people."""

    JA = "ja"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One language's texts by their keys."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """A text with its places filled in. Values are put in as they are: never read as text.

        Raises:
            KeyError: there is no such text, or a value for a place is missing.
        """
        return _PLACE.sub(lambda match: str(values[match[1]]), self.texts[key])


def texts_of(folder: Path, language: Language) -> Mapping[str, str]:
    """The texts of a language, from its file in a folder of the package.

    Raises:
        ConfigError: the file is missing or damaged.
    """
    problems: list[Problem] = []
    root = yamlfile.load(folder / f"{language.value}.yaml", problems)
    if problems:
        raise ConfigError(problems)
    return {
        entry.key: entry.value.text for entry in root.entries if isinstance(entry.value, Scalar)
    }


def language_of(environ: Mapping[str, str]) -> Language:
    """The language that a user's locale asks for: Japanese, or else English.

    The variables are read, not the locale itself, which need not be installed.
    """
    locale = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return Language.JA if _JAPANESE.fullmatch(locale) else Language.EN


def add_language(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--language``.

    Args:
        parser: of the command.
        what: the help says of it.
    """
    parser.add_argument("--language", choices=[one.value for one in Language], help=what)
