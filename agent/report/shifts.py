"""The site's own shifts, and its days and weeks, on the site's own clock."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent import fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DAY_MINUTES = 1_440
MOST_SHIFTS = 12
_LOCALTIME = Path("/etc/localtime")
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


def zone_of(name: str, environ: Mapping[str, str]) -> tuple[tzinfo, str]:
    """A time zone and its name.

    Args:
        name: such as ``Asia/Tokyo``; the machine's own where it is empty.
        environ: the environment variables; ``TZ`` counts.

    Raises:
        ValueError: with what to write instead.
    """
    wanted = name or environ.get("TZ", "").removeprefix(":")
    if wanted:
        return zone_named(wanted), wanted
    try:
        path = _LOCALTIME.resolve()
        with path.open("rb") as file:
            zone = ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return zone_named("UTC"), "UTC"
    _, _, key = path.as_posix().partition("/zoneinfo/")
    return zone, key or os.fspath(_LOCALTIME)


def zone_named(name: str) -> ZoneInfo:
    """A time zone of the IANA's list.

    Raises:
        ValueError: with what to write instead.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("write a time zone such as Asia/Tokyo or Europe/Berlin") from error


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
