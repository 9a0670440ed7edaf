"""What people mistype in YAML, told from the lines as they stand."""

from __future__ import annotations

import re

from agent.config.lookalikes import Finding, in_structure

# A comment that hardly is one: its '#' touches a number or, one space behind the value, a word.
# Comments as people set them off ("  # so") are none of it.
_LINE_ENDS = r"\r\n\x85\u2028\u2029"
_LOST = re.compile(rf"(?:[ \t]+(?=#\d)|[ \t](?=# ?\d|#[^\W_]))(?P<comment>#[^{_LINE_ENDS}]*)")
_LOST_IN_LINE = re.compile(rf"[^\s#]{_LOST.pattern}")
_SHOWN_CHARACTERS = 40


def cut_off(text: str, at: int, *, empty: bool = False) -> Finding | None:
    """What is said of a comment that may have been meant as the end of a value.

    Args:
        text: the whole file.
        at: where the value ended.
        empty: whether nothing of the value is left.
    """
    match = _LOST.match(text, at)
    return None if match is None else _lost(match["comment"], empty=empty)


def in_lines(text: str, first: int, last: int) -> tuple[int, Finding] | None:
    """The first slip between two lines of a file, counted from 0, and its line.

    Only for lines with which something is wrong: within a text, all of it may be as it is.
    """
    lines = list(enumerate(text.splitlines()))[first : last + 1]
    for number, line in lines:
        if (finding := in_structure(line)) is not None:
            return number, finding
    for number, line in lines:
        if (match := _LOST_IN_LINE.search(line)) is not None:
            return number, _lost(match["comment"])
    return None


def _lost(comment: str, *, empty: bool = False) -> Finding:
    comment = comment.rstrip()
    cut = "…" if len(comment) > _SHOWN_CHARACTERS else ""
    shown = f"{comment[:_SHOWN_CHARACTERS]!r}{cut}"
    found = f"is empty, since {shown} is" if empty else f"ends before {shown}, since ' #' begins"
    return Finding(
        f"{found} a comment",
        "put the text in quotes if that belongs to it, or else write two spaces before '#' and "
        "one behind it",
    )
