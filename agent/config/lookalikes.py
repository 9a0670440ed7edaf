"""Signs that look like those of YAML and are not: full-width ones, blanks, dashes, curly quotes.

They are fine within a text. Where the file's structure is meant they are not seen by YAML, whose
own message then sends people elsewhere. A line is looked at only where something went wrong.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BLANKS = f"\t{_SPACES}"
_INVISIBLE = "\u00ad\u180e\u200b-\u200f\u2060\ufeff"
_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_BULLETS = f"{_DASHES}\u30fc\u30fb\uff65\u2022\u25cf"
_COLONS = "\uff1a\ufe55\ufe30\u2236\ua789"
_DOUBLE_QUOTES = "\u201c-\u201f\uff02\u301d-\u301f\u00ab\u00bb"
_SINGLE_QUOTES = "\u2018-\u201b\uff07"
_OPEN, _CLOSED = "\uff3b\u3010\u3014", "\uff3d\u3011\u3015"
_COMMAS = "\u3001\uff0c\uff64"
COMMA = re.compile(f"[{_COMMAS}]")
"""What parts the words of a Japanese text, and no items of a list."""

_TYPED = [
    (re.compile(f"[{signs}]"), typed)
    for signs, typed in (
        (_BLANKS, " "),
        (_INVISIBLE, ""),
        (_DASHES, "-"),
        (_COLONS, ":"),
        (_DOUBLE_QUOTES, '"'),
        (_SINGLE_QUOTES, "'"),
        (_OPEN, "["),
        (_CLOSED, "]"),
        (_COMMAS, ","),
    )
]
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET = 0xFEE0
_USUAL = [("fullwidth", "full-width"), ("hyphen-minus", "dash"), ("zero width", "zero-width")]
_NAMES = {"\t": "tab", "\u3000": "full-width space", "\ufeff": "byte-order mark"}

_WORD = "[A-Za-z_\uff21-\uff3a\uff41-\uff5a\uff3f]+"
_START = "^ *(?:- +)?"
_NAME_LETTERS = "\uff21-\uff3a\uff41-\uff5a\uff3f"
_QUOTES = f"{_DOUBLE_QUOTES}{_SINGLE_QUOTES}"
# A line's patterns in their order, each with where the sign stands and what to do about it.
_STRUCTURE = [
    (re.compile(pattern), where, remedy)
    for pattern, where, remedy in (
        ("^ *(?P<sign>\uff03)", "where a comment begins", "type '#'"),
        (f"^ *(?P<sign>[{_SPACES}])", "in the indentation", "indent by spaces alone"),
        ("^ *(?P<sign>\t)[ \t]*[^# \t]", "in the indentation", "indent by spaces alone"),
        (f"^ *(?P<sign>[{_INVISIBLE}])", "at the start of the line", "delete it"),
        (f"^ *(?P<sign>[{_BULLETS}])", "where a list's item begins", "type '-' and a space"),
        (
            f"{_START}(?P<sign>[{_QUOTES}]){_WORD}.? *[:{_COLONS}]",
            "in a field's name",
            "type {typed!r}",
        ),
        (
            f"{_START}[A-Za-z_]*(?P<sign>[{_NAME_LETTERS}])(?:{_WORD})? *[:{_COLONS}]",
            "in a field's name",
            "type {typed!r}",
        ),
        (
            f"{_START}[\"']?(?P<name>{_WORD})[\"']? *(?P<sign>[{_COLONS}])",
            "behind '{name}'",
            "type a colon and a space: '{name}: …'",
        ),
        (
            f"{_START}(?P<name>{_WORD}):(?P<sign>[{_BLANKS}{_INVISIBLE}])",
            "behind '{name}:'",
            "type a space: '{name}: …'",
        ),
        (
            f"{_START}{_WORD}: +(?P<sign>[{_OPEN}{_QUOTES}\uff5b])",
            "where a value begins",
            "type {typed!r}",
        ),
        (
            f"[\\[{{][^\\]}}]*(?P<sign>[{_CLOSED}\uff5d]) *$",
            "where a list ends",
            "type {typed!r}",
        ),
        (f"[\\]}}] *(?P<sign>[{_SPACES}{_INVISIBLE}])", "behind a list", "delete it"),
    )
]
_OPENING = re.compile(f"[{_OPEN}\uff5b]")
_NO_SPACE = re.compile(f"{_START}(?P<name>[a-z_]+):[^\\s/{_INVISIBLE}]")


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands in a line, and what to type instead."""

    found: str
    remedy: str


def in_structure(line: str) -> Finding | None:
    """What stands in a line where YAML expects a sign of its own; ``None`` if nothing."""
    for pattern, where, remedy in _STRUCTURE:
        if match := pattern.search(line):
            given = {"name": "", **match.groupdict(), "typed": typed(match["sign"])}
            found = f"holds {told(match['sign'])} {where.format(**given)}"
            return Finding(found, remedy.format(**given))
    if match := _NO_SPACE.match(line):
        name = match["name"]
        return Finding(f"has no space behind '{name}:'", f"type one: '{name}: …'")
    return None


def held(text: str) -> str | None:
    """Which character in a name or a value only looks right; ``None`` if none does."""
    character = next((one for one in text if typed(one) != one), None)
    return None if character is None else f"holds {told(character)}"


def opening(text: str) -> Finding | None:
    """The look-alike that kept a value from being a list or a table; ``None`` if none did."""
    if match := _OPENING.match(text):
        return Finding(f"begins with {told(match[0])}", f"type {typed(match[0])!r}")
    return in_structure(text)


def plain(text: str) -> str:
    """A name or a value as it is typed: no look-alikes, blanks or quotes around it."""
    return "".join(map(typed, text)).strip(" \"'").removeprefix("- ").strip()


def typed(character: str) -> str:
    """What to type for a look-alike, nothing for an invisible one; others are typed as they are."""
    for pattern, sign in _TYPED:
        if pattern.match(character):
            return sign
    if ord(character) in _FULL_WIDTH:
        return chr(ord(character) - _FULL_WIDTH_OFFSET)
    return character


def told(character: str) -> str:
    """A character by name and number, shown where it can be seen."""
    name = _NAMES.get(character) or unicodedata.name(character, "character").lower()
    for given, usual in _USUAL:
        name = name.replace(given, usual)
    shown = f" {character!r}" if character.isprintable() and not character.isspace() else ""
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name}{shown} (U+{ord(character):04X})"
