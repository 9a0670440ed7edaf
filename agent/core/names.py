"""Names from outside, as they are shown: files, and whatever else a message quotes.

A file's name is bytes. Those that are no UTF-8 (an archive that Windows packed in cp932) reach
Python as lone surrogates, which can be neither printed nor encoded, and a name may hold line
breaks and a terminal's control characters. :func:`shown` is what goes into messages, logs, JSON
and databases; :func:`named` finds the file again by what was shown.
"""

from __future__ import annotations

import re
import unicodedata

# Controls, invisible marks that change the order of what is read, surrogates, line separators.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What ``os.fsdecode`` makes of the bytes 0x80 to 0xff where they are no UTF-8.
_FIRST_BYTE, _LAST_BYTE, _BYTES = 0xDC80, 0xDCFF, 0xDC00
_FIRST_HIGH_CONTROL, _LAST_HIGH_CONTROL = 0x80, 0x9F
_SHOWN_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")


def shown(name: object) -> str:
    r"""A name on one line that every terminal, file and message can carry.

    Bytes that are no UTF-8 become ``\x93``, line breaks ``\n``, other controls ``\x1b`` or
    ``\u202e``. What was shown once stays as it is.

    Args:
        name: a path or a text.
    """
    text = str(name)
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    code = ord(character)
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - _BYTES:02x}"
    if _FIRST_HIGH_CONTROL <= code <= _LAST_HIGH_CONTROL:
        return f"\\u{code:04x}"  # apart from the byte of the same number
    if unicodedata.category(character) in _ESCAPED:
        return character.encode("unicode_escape").decode("ascii")
    return character


def named(text: str) -> str:
    r"""The name of a file of which a person wrote what was shown: ``\x93`` is that byte."""
    return _SHOWN_BYTE.sub(lambda found: chr(_BYTES + int(found[1], 16)), text)
