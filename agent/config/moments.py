"""Times as people and programs write them: the one reader of all commands and messages."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from agent.config import fields

if TYPE_CHECKING:
    from datetime import tzinfo

AGO, DAY = "30d or 12h", "2026-05-01"
"""How a stretch of time and a day are written, for help and messages."""

_SHORTEST_S, _LONGEST_S = 1.0, 36_600 * 86_400.0
_DAY = r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d\d)(\d\d))"
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
_ZONE = r"([Zz]|[-+]\d\d:?\d\d)"
_TYPED = re.compile(rf"{_DAY}(?:(?:[Tt]| +|(?<=日)){_CLOCK} ?{_ZONE}?)?", re.ASCII)
_EXACT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[-+]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_LOOKS_LIKE_A_DAY = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}.*", re.ASCII)


def moment(raw: str, zone: tzinfo | None, now: float | None = None) -> float:
    """What somebody typed, as UTC, seconds since the epoch.

    Args:
        raw: a day (its beginning) as ``2026-05-01``, ``2026/5/1``, ``2026.5.1``, ``20260501`` or
            ``2026年5月1日``, with or without a time of the day, with or without ``Z`` or
            ``+09:00``; full-width characters too.
        zone: whose clock is meant where none is written; the machine's where ``None``.
        now: from which ``30d`` or ``12h`` is counted back; only a day or a time is meant where
            ``None``.

    Raises:
        ValueError: it is none of them; says what to write.
    """
    text = unicodedata.normalize("NFKC", raw).strip()
    if match := _TYPED.fullmatch(text):
        return _typed(match, zone)
    day = f"a day such as {DAY}, or a time such as {DAY}T06:00+09:00"
    if now is None or _LOOKS_LIKE_A_DAY.fullmatch(text):
        raise ValueError(f"write {day}")
    remedy = f"write a duration such as {AGO}, or write {day}"
    if text.isdecimal():  # thirty what?
        raise ValueError(remedy)
    try:
        return now - fields.duration(_SHORTEST_S, _LONGEST_S)(text)
    except ValueError:
        raise ValueError(remedy) from None


def exact(raw: str) -> float:
    """A time as programs write it (RFC 3339, UTC or with its offset), seconds since the epoch.

    Raises:
        ValueError: it is none; says what to write.
    """
    remedy = "write UTC as 2026-01-02T03:04:05Z, or with its offset: 2026-01-02T12:04:05+09:00"
    if not _EXACT.fullmatch(raw):
        raise ValueError(remedy)
    try:
        return datetime.fromisoformat(raw).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(remedy) from None


def _typed(match: re.Match[str], zone: tzinfo | None) -> float:
    year, *rest = match.groups()
    month, day = (int(one) for one in rest[:6] if one)
    hour, minute, second, fraction, offset = rest[6:]
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        found = datetime(  # noqa: DTZ001 - whose clock it is by comes next
            int(year), month, day, int(hour or 0), int(minute or 0), int(second or 0), microsecond
        )
        if offset is None:
            return found.replace(tzinfo=zone).timestamp() if zone else found.timestamp()
        return datetime.fromisoformat(f"{found.isoformat()}{offset.upper()}").timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"write a day such as {DAY}, or a time such as {DAY}T06:00+09:00, that exists"
        ) from None
