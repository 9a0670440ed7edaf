"""The site's own shifts, and its days and weeks, on the site's own clock."""

from __future__ import annotations

import io
import os
import re
import struct
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.config import fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY_MINUTES = 1_440
MOST_SHIFTS = 12
TZ = "TZ"
"""The environment variable that says which clock people here go by."""

_LOCALTIME = Path("/etc/localtime")
_REMEDY = "write a time zone such as Asia/Tokyo or Europe/Berlin"
_FROM_GREENWICH = re.compile(r"(UTC|GMT|Z)[-+0-9].*", re.IGNORECASE)
_SHIFT = re.compile(
    r"(.{1,40}?)\s+(\d{1,2})[:：](\d\d)\s*[-–—~〜～]\s*(\d{1,2})[:：](\d\d)", re.DOTALL
)
_BETWEEN = re.compile(r"[,、，;；]")


@dataclass(frozen=True, slots=True)
class Shift:
    """A part of each day."""

    name: str
    starts: int
    """Minutes after midnight on the site's clock, as is ``ends``."""
    ends: int
    """At most ``starts`` where it goes on past midnight."""

    def __contains__(self, minute: int) -> bool:
        """Whether a minute of the day belongs to it."""
        if self.starts < self.ends:
            return self.starts <= minute < self.ends
        return minute >= self.starts or minute < self.ends

    def __str__(self) -> str:
        return f"{self.name} {_clock(self.starts)}-{_clock(self.ends)}"


def shift(raw: str) -> Shift:
    """A shift, written as ``day 06:00-14:00``.

    Raises:
        ValueError: with what to write instead.
    """
    match = _SHIFT.fullmatch(raw.strip())
    if match is None:
        raise ValueError("write a name and two times, such as 'night 22:00-06:00'")
    name = fields.text(40)(match[1])
    starts, ends = (_minutes(match[i], match[i + 1]) for i in (2, 4))
    return Shift(name, starts % DAY_MINUTES, ends % DAY_MINUTES)


def shifts(raw: str) -> tuple[Shift, ...]:
    """Several shifts with commas between them.

    Raises:
        ValueError: with what to write instead.
    """
    found = tuple(shift(one) for one in _BETWEEN.split(raw) if one.strip())
    if not found:
        raise ValueError("write for example 'day 06:00-14:00, night 22:00-06:00'")
    if problem := conflict(found):
        raise ValueError(problem)
    return found


def conflict(given: Sequence[Shift]) -> str | None:
    """What keeps shifts from standing beside each other, if anything does."""
    if len(given) > MOST_SHIFTS:
        return f"write at most {MOST_SHIFTS} shifts"
    for i, one in enumerate(given):
        for other in given[:i]:
            if one.name == other.name:
                return f"give each shift its own name, not '{one.name}' twice"
            if any(minute in one and minute in other for minute in range(DAY_MINUTES)):
                return f"let '{other}' end before '{one}' starts"
    return None


def shift_at(given: Sequence[Shift], at: datetime) -> Shift | None:
    """The shift of a time on the site's clock, if it belongs to one."""
    minute = at.hour * 60 + at.minute
    return next((one for one in given if minute in one), None)


def shift_days(one: Shift, since: float, until: float, zone: tzinfo) -> float:
    """How much of a shift lies within a period, in days of 24 hours.

    Args:
        one: the shift.
        since: UTC, seconds since the epoch.
        until: likewise.
        zone: of the site; a shift may be shorter or longer when its clocks are set.
    """
    total_s = 0.0
    for day in days(since - 86_400.0, until, zone):
        start = _at(day, one.starts, zone)
        end = _at(day if one.starts < one.ends else day + timedelta(1), one.ends, zone)
        total_s += max(0.0, min(end, until) - max(start, since))
    return total_s / 86_400.0


def days(since: float, until: float, zone: tzinfo) -> Iterator[date]:
    """The days of a period on the site's calendar, also those that are cut."""
    day = datetime.fromtimestamp(since, zone).date()
    while midnight(day, zone) < until:
        yield day
        day += timedelta(1)


def midnight(day: date, zone: tzinfo) -> float:
    """UTC of the start of a day, seconds since the epoch."""
    return _at(day, 0, zone)


def zone_of_machine() -> tuple[tzinfo, str]:
    """The time zone of this machine and its name; UTC where it has none."""
    try:
        return _from_file(_LOCALTIME)
    except ValueError:
        return zone_named("UTC"), "UTC"


def zone_of_variable(raw: str) -> tuple[tzinfo, str]:
    """The time zone that ``TZ`` names, in any form that POSIX and the C library know.

    Args:
        raw: ``Asia/Tokyo``, ``:Asia/Tokyo``, ``JST-9``, ``CET-1CEST,M3.5.0,M10.5.0/3``, the path
            of a file, or nothing, which means UTC.

    Raises:
        ValueError: with what to write instead.
    """
    wanted = raw.strip().removeprefix(":")
    if not wanted:
        return zone_named("UTC"), "UTC"
    if wanted.startswith("/"):
        return _from_file(Path(wanted))
    return _named(wanted) or _posix(wanted), wanted


def zone_named(name: str) -> tzinfo:
    """A time zone of the IANA's list, or one in the notation of POSIX, such as ``JST-9``.

    Raises:
        ValueError: with what to write instead.
    """
    if zone := _named(name):
        return zone
    if _FROM_GREENWICH.fullmatch(name):
        # In TZ it means what POSIX says; whoever writes it here may mean the opposite.
        raise ValueError(f"{_REMEDY}: POSIX counts {name} westwards, most people eastwards")
    return _posix(name)


def _named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _posix(text: str) -> ZoneInfo:
    """A zone of POSIX's notation: the end of a file of zones, which Python reads with its rules."""
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    header = b"TZif2" + bytes(15) + counts
    utc = struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    try:
        footer = f"\n{text}\n".encode("ascii")
        return ZoneInfo.from_file(io.BytesIO(2 * (header + utc) + footer), key=text)
    except ValueError as error:
        raise ValueError(_REMEDY) from error


def _from_file(path: Path) -> tuple[tzinfo, str]:
    """A zone and its name, from a compiled file."""
    try:
        found = path.resolve()
        with found.open("rb") as file:
            zone = ZoneInfo.from_file(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{_REMEDY}, or the path of a file of zones") from error
    _, _, key = found.as_posix().partition("/zoneinfo/")
    return zone, key or os.fspath(path)


def zone_name(raw: str) -> str:
    """The name of a time zone that is known here.

    Raises:
        ValueError: with what to write instead.
    """
    zone_named(raw)
    return raw


def _minutes(hour: str, minute: str) -> int:
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise ValueError("write times from 00:00 to 24:00")
    return value


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _at(day: date, minute: int, zone: tzinfo) -> float:
    return datetime.combine(day, time(minute // 60, minute % 60), zone).timestamp()
