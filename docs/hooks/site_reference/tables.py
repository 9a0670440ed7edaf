"""Pieces of Markdown that all pages of the reference are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":[a-z]+:`~?\.?([^`]+)`")
_LITERAL = re.compile(r"``([^`]+)``")
_CODE = re.compile(r"(`[^`]*`)")


@dataclass(frozen=True, slots=True)
class Page:
    """One generated page."""

    path: str
    """Below the folder of all pages, with slashes."""
    text: str
    """Markdown."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an empty cell stays empty.

    Args:
        head: titles of the columns.
        rows: Markdown of each cell, a cell for each title.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def prose(docstring: str) -> str:
    """A docstring as Markdown: roles and literals become code, signs of HTML are shown."""
    plain = _LITERAL.sub(r"`\1`", _ROLE.sub(r"`\1`", docstring)).replace("`None`", "`null`")
    return escaped(" ".join(plain.split()))


def escaped(text: str) -> str:
    """A text whose signs of HTML are shown as they are; code is left alone."""
    pieces = _CODE.split(text)
    return "".join(
        one if one.startswith("`") else one.replace("<", "&lt;").replace("*", r"\*")
        for one in pieces
    )


def fence(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def document(*blocks: str) -> str:
    """Blocks with an empty line between them; empty ones are left out."""
    return "\n\n".join(one for one in blocks if one) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
