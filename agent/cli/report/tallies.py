"""Alerts counted by what people said of them, all together and in groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent.cli.report import intervals
from agent.cli.report.cases import Outcome
from agent.config.shifts import days, midnight, shift_at, shift_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, tzinfo

    from agent.cli.report.cases import Case
    from agent.cli.report.intervals import Rate, Share
    from agent.config.shifts import Shift

_WEEK_DAYS = 7
_SAME_SHARE = 0.1
"""Difference of the answered shares up to which two halves can be compared."""
_LEAST_TO_COMPARE = 8
"""Rejected alerts below which two halves of a period are not compared."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many alerts came to what."""

    confirmed: int = 0
    rejected: int = 0
    disputed: int = 0
    unsure: int = 0
    open: int = 0

    @property
    def alerts(self) -> int:
        """All of them."""
        return self.settled + self.unsettled

    @property
    def settled(self) -> int:
        """Of which people say yes or no."""
        return self.confirmed + self.rejected

    @property
    def unsettled(self) -> int:
        """Of which nothing is known either way."""
        return self.disputed + self.unsure + self.open

    @property
    def answered(self) -> int:
        """To which somebody answered, if only that they could not tell."""
        return self.alerts - self.open

    @property
    def precision(self) -> Share | None:
        """Confirmed ones among the settled; ``None`` where none is settled."""
        return intervals.share(self.confirmed, self.settled)

    @property
    def possible(self) -> tuple[float, float] | None:
        """Precision if all that is not settled were false, and if all of it were true."""
        if not self.alerts:
            return None
        return self.confirmed / self.alerts, (self.confirmed + self.unsettled) / self.alerts


def tally(cases: Iterable[Case]) -> Tally:
    """Count alerts."""
    counts = Counter(case.outcome for case in cases)
    return Tally(*(counts[outcome] for outcome in Outcome))


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that have something in common."""

    name: str
    tally: Tally
    days: float
    """Of 24 hours, in which they could have been raised."""

    @property
    def false_alarms(self) -> Rate | None:
        """Rejected ones a day: those that nobody answered are not among them."""
        return intervals.rate(self.tally.rejected, self.days)


@dataclass(frozen=True, slots=True)
class Span(Group):
    """Alerts of a day or a week; its name is the first day, in ISO's writing."""

    first: date
    last: date


def by_source(cases: Sequence[Case], names: Iterable[str], days_: float) -> tuple[Group, ...]:
    """Alerts of each source, also of those that raised none."""
    every = dict.fromkeys((*names, *sorted({case.source for case in cases})))
    return tuple(
        Group(name, tally(case for case in cases if case.source == name), days_) for name in every
    )


def by_shift(
    cases: Sequence[Case], given: Sequence[Shift], period: tuple[float, float], zone: tzinfo
) -> tuple[Group, ...]:
    """Alerts of each shift; of none, under an empty name, where there are such alerts or hours."""
    if not given:
        return ()
    groups: dict[Shift | None, list[Case]] = {shift: [] for shift in given}
    for case in cases:
        at = datetime.fromtimestamp(case.starts_at, zone)
        groups.setdefault(shift_at(given, at), []).append(case)
    lengths = {shift: shift_days(shift, *period, zone) for shift in given}
    between = (period[1] - period[0]) / intervals.DAY_S - sum(lengths.values())
    return tuple(
        Group(shift.name if shift else "", tally(found), lengths[shift] if shift else between)
        for shift, found in groups.items()
    )


def by_day(
    cases: Iterable[Case], period: tuple[float, float], zone: tzinfo, part: float = 1.0
) -> tuple[Span, ...]:
    """Alerts of each day of the site's calendar; the first and last may be cut.

    Args:
        cases: of the period.
        period: UTC, seconds since the epoch.
        zone: of the site.
        part: of each day for which is listened.
    """
    return _spans(cases, period, zone, part=part, start_of=lambda day: day, length=1)


def by_week(
    cases: Iterable[Case], period: tuple[float, float], zone: tzinfo, part: float = 1.0
) -> tuple[Span, ...]:
    """Alerts of each week from Monday on; as :func:`by_day`."""
    return _spans(
        cases,
        period,
        zone,
        part=part,
        start_of=lambda day: day - timedelta(day.weekday()),
        length=_WEEK_DAYS,
    )


def _spans(
    cases: Iterable[Case],
    period: tuple[float, float],
    zone: tzinfo,
    *,
    part: float,
    start_of: Callable[[date], date],
    length: int,
) -> tuple[Span, ...]:
    groups: dict[date, list[Case]] = {start_of(day): [] for day in days(*period, zone)}
    for case in cases:
        groups[start_of(datetime.fromtimestamp(case.starts_at, zone).date())].append(case)
    spans = []
    for first, found in groups.items():
        start = max(midnight(first, zone), period[0])
        end = min(midnight(first + timedelta(length), zone), period[1])
        last = first + timedelta(length - 1)
        lasted = part * (end - start) / intervals.DAY_S
        spans.append(Span(first.isoformat(), tally(found), lasted, first, last))
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class Change:
    """False alarms of the second half of a period beside the first."""

    before: int
    after: int
    answered_before: float
    """Share of the alerts that were answered, as is ``answered_after``."""
    answered_after: float
    sure: bool
    """Whether more than chance: the interval of the second half's share does not hold one half."""

    @property
    def comparable(self) -> bool:
        """Whether about as large a share was answered in both halves."""
        return abs(self.answered_after - self.answered_before) <= _SAME_SHARE

    @property
    def rising(self) -> bool:
        """Whether there are more in the second half."""
        return self.after > self.before


def change(cases: Sequence[Case], period: tuple[float, float]) -> Change | None:
    """Whether false alarms became more or fewer; ``None`` where there are too few to tell.

    Given their number, those of the second half follow a binomial distribution, of one half where
    nothing has changed (Przyborowski and Wilenski, Biometrika 31, 1940).
    """
    middle = (period[0] + period[1]) / 2.0
    before = tally(case for case in cases if case.starts_at < middle)
    after = tally(case for case in cases if case.starts_at >= middle)
    total = before.rejected + after.rejected
    part = intervals.share(after.rejected, total)
    if part is None or total < _LEAST_TO_COMPARE:
        return None
    return Change(
        before=before.rejected,
        after=after.rejected,
        answered_before=before.answered / max(before.alerts, 1),
        answered_after=after.answered / max(after.alerts, 1),
        sure=not part.low <= 0.5 <= part.high,  # noqa: PLR2004 - one half
    )
