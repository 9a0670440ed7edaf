"""Which threshold would have kept false alarms away, and what it would have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.cli.report import intervals
from agent.cli.report.cases import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.report.cases import Case
    from agent.cli.report.intervals import Share

LEAST_REJECTED, LEAST_CONFIRMED = 10, 10
"""Fewer tell nothing: the best of many thresholds always looks good on a handful of alerts."""
LEAST_REMOVED = 5
LEAST_REMOVED_SHARE = 0.2
MOST_LOST_SHARE = 0.1
_STEP = 0.1
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Option:
    """One threshold and what it would have done to the alerts that people judged."""

    threshold: float
    removed: int
    """Rejected alerts that would not have been raised."""
    lost: int
    """Confirmed alerts that would not have been raised."""


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The thresholds that are worth thinking of, and the alerts that they are judged by."""

    rejected: tuple[float, ...]
    """Scores, ascending."""
    confirmed: tuple[float, ...]
    options: tuple[Option, ...]
    """Ascending; each removes more than the one before and loses as many or more."""
    best: Option | None
    """The one to try; ``None`` where none is clearly worth it."""

    @property
    def lost_at_most(self) -> Share | None:
        """Share of confirmed ones that the best would lose, with its interval."""
        if self.best is None:
            return None
        return intervals.share(self.best.lost, len(self.confirmed))

    @property
    def enough(self) -> bool:
        """Whether enough alerts were judged to tell."""
        return len(self.rejected) >= LEAST_REJECTED and len(self.confirmed) >= LEAST_CONFIRMED


def latest(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Those of one description whose scores can be compared: of the newest wording and bundle.

    Args:
        cases: of one description, oldest first.
    """
    if not cases:
        return ()
    newest = cases[-1].alert
    return tuple(
        case
        for case in cases
        if case.alert.provenance.bundle == newest.provenance.bundle
        and case.alert.description == newest.description
    )


def tradeoff(cases: Sequence[Case]) -> Tradeoff:
    """What higher thresholds would have done, on a grid of tenths.

    The best one loses no confirmed alert and removes the most rejected ones; where that removes
    next to nothing, the one with the largest difference between the shares that it removes and
    loses, if it loses at most a tenth. Lower thresholds are never among them: what an alert was
    not raised for is not known.

    Args:
        cases: of one description, :func:`latest`.
    """
    rejected = tuple(sorted(case.score for case in cases if case.outcome is Outcome.REJECTED))
    confirmed = tuple(sorted(case.score for case in cases if case.outcome is Outcome.CONFIRMED))
    grid = sorted({_over(score) for score in rejected} | {_under(score) for score in confirmed})
    front: dict[int, Option] = {}
    for threshold in grid:
        lost = sum(score < threshold for score in confirmed)
        removed = sum(score < threshold for score in rejected)
        # The lowest of those that do the same: a real error is not to be missed without a gain.
        if lost not in front or removed > front[lost].removed:
            front[lost] = Option(threshold, removed, lost)
    options: list[Option] = []
    for option in front.values():
        if option.removed > (options[-1].removed if options else 0):
            options.append(option)
    found = Tradeoff(rejected, confirmed, tuple(options), None)
    if not found.enough:
        return found
    return Tradeoff(rejected, confirmed, tuple(options), _best(found))


def _best(found: Tradeoff) -> Option | None:
    wanted = max(LEAST_REMOVED, math.ceil(LEAST_REMOVED_SHARE * len(found.rejected)))
    bearable = [
        option
        for option in found.options
        if option.removed >= wanted and option.lost <= MOST_LOST_SHARE * len(found.confirmed)
    ]
    if not bearable:
        return None
    if bearable[0].lost == 0:
        return bearable[0]
    return max(
        bearable,
        key=lambda option: (
            option.removed / len(found.rejected) - option.lost / len(found.confirmed)
        ),
    )


def _over(score: float) -> float:
    """The lowest tenth above a score."""
    return round((math.floor(score / _STEP + _ROUNDING) + 1) * _STEP, 1)


def _under(score: float) -> float:
    """The highest tenth that a score still reaches."""
    return round(math.floor(score / _STEP + _ROUNDING) * _STEP, 1)
