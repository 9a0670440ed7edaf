"""The commands that people are told to type, as they stand in the code blocks of pages."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *sorted(ROOT.glob("README*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "systemd" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
)

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_JOINED = re.compile(r"\\\n\s*")
_ENDS = frozenset({"|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "(", ")", "|&"})
_PREFIXES = frozenset({"sudo", "exec", "env", "$", "then", "do", "nice"})
_ASSIGNMENT = re.compile(r"\w+=.*")


@dataclass(frozen=True, slots=True)
class Typed:
    """One command."""

    page: str
    words: tuple[str, ...]
    """The program first, without what stands in front of it."""

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def commands() -> Iterator[Typed]:
    """All commands of all pages, whatever program they are of."""
    for page in PAGES:
        for language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            name = page.relative_to(ROOT).as_posix()
            if language == "sh":
                lines = _JOINED.sub(" ", block).splitlines()
            else:
                lines = [line for line in block.splitlines() if line.lstrip().startswith("$ ")]
            for line in lines:
                yield from (Typed(name, words) for words in _commands_of(line))


def of(program: str) -> list[tuple[Typed, list[str]]]:
    """The commands of ``kikimimi``, ``training`` or ``export``, each with the words behind it."""
    found = []
    for one in commands():
        first, *rest = one.words
        if "-m" in rest and re.search(r"python[\d.]*$|torchrun$", first):
            first, *rest = rest[rest.index("-m") + 1 :]
        if first.removeprefix("/opt/kikimimi/").removeprefix(".venv/bin/") == program:
            found.append((one, rest))
    return found


def _commands_of(line: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return  # a text in quotes goes on in the next line
    command: list[str] = []
    for word in (*words, ";"):
        if word not in _ENDS:
            if command or not (word in _PREFIXES or _ASSIGNMENT.fullmatch(word)):
                command.append(word)
            continue
        if command:
            yield tuple(command)
        command = []
