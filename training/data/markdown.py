"""Markdown as reports are made of it: blocks with an empty line between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are written as they are."""
    lines = [heads, *rows]
    told = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([told[0], f"|{'---|' * len(heads)}", *told[1:]])


def document(blocks: Iterable[str]) -> str:
    """Paragraphs, headings, tables ... as one text."""
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"
