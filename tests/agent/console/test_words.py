"""The words of the page: each in both languages, each asked for, and none asked for in vain."""

from __future__ import annotations

import re

from agent.core.records import Severity, SourceState, Verdict
from agent.run.health import State
from tests.words import STATIC, table

ENGLISH, JAPANESE = table("EN"), table("JA")

# Words whose keys the page puts together.
NAMED = {
    *Severity,
    *State,
    *(f"s_{state}" for state in (*SourceState, "null")),
    *(f"{verdict}Long" for verdict in Verdict),
}
MARKS = re.compile(r"[ae]\d+|p_\w+")


def quoted() -> set[str]:
    """Every text of the page's scripts that could be a key."""
    found: set[str] = set()
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'"(\w+)"', text.partition("const ALL =")[2] or text))
    return found


def test_each_word_is_there_in_both_languages() -> None:
    """With the same values in it."""
    filled = [
        {key: sorted(re.findall(r"\{\d\}", text)) for key, text in words.items()}
        for words in (ENGLISH, JAPANESE)
    ]
    assert filled[0] == filled[1]
    assert all(ENGLISH.values())
    assert all(JAPANESE.values())


def test_whatever_the_page_asks_for_is_there() -> None:
    """By its key, or by the state that it words."""
    asked = {
        key
        for path in STATIC.glob("*.js")
        for key in re.findall(r'\bt\("(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert sorted((asked | NAMED) - ENGLISH.keys()) == []


def test_no_word_is_left_over() -> None:
    """Each is named somewhere in the page's scripts."""
    unused = ENGLISH.keys() - quoted() - NAMED
    assert sorted(key for key in unused if not MARKS.fullmatch(key)) == []
