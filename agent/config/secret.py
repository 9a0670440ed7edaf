"""Passwords as files and standard input hold them: one line of text."""

from __future__ import annotations

import codecs
from contextlib import suppress

MAX_BYTES = 1_024


def password_of(raw: bytes) -> str:
    """The password that a file holds, without the line's end and without a byte-order mark.

    Args:
        raw: its first ``MAX_BYTES + 1`` bytes, or all of fewer.

    Raises:
        ValueError: there is none; says why and what to do, and nothing of what it holds. No other
            error stands behind it, which would.
    """
    found = None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("is UTF-16; save it as UTF-8")
    if len(raw) > MAX_BYTES:
        raise ValueError(f"over {MAX_BYTES} bytes; write the password on its first line")
    with suppress(UnicodeDecodeError):
        found = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    if found is None:
        raise ValueError("not UTF-8; save it as UTF-8")
    first, *rest = found.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not any((first, *rest)):
        raise ValueError("is empty; write the password on its first line")
    if not first:
        raise ValueError("its first line is empty; write the password there")
    if any(rest):
        raise ValueError("holds several lines; leave the password alone in it, on the first")
    return first
