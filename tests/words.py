"""The words of the console's page, as ``words.js`` has them."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "agent" / "console" / "static"


def table(name: str) -> dict[str, str]:
    """One of its tables; none of them has a word twice."""
    text = (STATIC / "words.js").read_text(encoding="utf-8")
    begin = text.index(f"const {name} = {{")
    found = re.findall(r'\b(\w+): "((?:[^"\\]|\\.)*)"', text[begin : text.index("\n};", begin)])
    assert len(found) == len(dict(found))
    return dict(found)
