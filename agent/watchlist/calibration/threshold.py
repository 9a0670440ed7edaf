"""From the maxima of ordinary sound to a threshold, and to what may be promised of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np

from agent.config.reader import Between
from agent.watchlist.calibration import poisson
from agent.watchlist.calibration.maxima import FLOOR, STEP
from agent.watchlist.calibration.poisson import DAY_H
from agent.watchlist.calibration.tail import FEWEST, MOST, Tail

if TYPE_CHECKING:
    from agent.detector.events import Seconds

_Quantity: TypeAlias = Annotated[float, Between(0.0, 1e12)]

HIGHEST = 100.0
"""No threshold is higher; the descriptions file does not take one either."""


class Kind(StrEnum):
    """What a threshold rests on."""

    EMPIRICAL = "empirical"
    """On maxima that were heard: no assumption but that the background stays as it is."""
    TAIL = "tail"
    """On a tail fitted to them: as good as the fit."""
    FIXED = "fixed"
    """On the number in the descriptions file."""
    UNCALIBRATED = "uncalibrated"
    """On nothing that was heard here: the bundle's threshold."""


@dataclass(frozen=True, slots=True)
class Rate:
    """False alarms a day: what to expect, and one-sided bounds with 90 % confidence each."""

    low: _Quantity
    expected: _Quantity
    high: _Quantity


@dataclass(frozen=True, slots=True)
class Chosen:
    """A threshold, and what it costs."""

    threshold: float
    kind: Kind
    rate: Rate | None
    """``None`` where nothing can be told."""


@dataclass(frozen=True, slots=True)
class Maxima:
    """Maxima of one description on ordinary sound."""

    values: Seconds
    """As :func:`agent.watchlist.calibration.maxima.maxima` gives them: largest first."""
    hours: float
    """In which they were heard: of the whole box, not of one of its microphones."""
    most: int
    """How many were asked for."""
    dispersion: float = 1.0
    """How far they come in clusters, at :attr:`level`."""

    def trimmed(self, count: int) -> Maxima:
        """Without the largest, as if they had been real errors."""
        return replace(self, values=self.values[count:], most=max(0, self.most - count))

    @property
    def tail_count(self) -> int:
        """How many of the largest are a tail; fewer than :data:`FEWEST` are none."""
        count = len(self.values)
        # Where the detector cannot raise more, the lowest maxima run into each other.
        return min(MOST, count - 1 if count >= self.most else count // 2)

    @property
    def level(self) -> float | None:
        """Over which the tail lies; ``None`` where there are too few maxima."""
        return float(self.values[self.tail_count]) if self.tail_count >= FEWEST else None

    def tail(self) -> Tail | None:
        """Fitted to the largest; ``None`` where there are too few."""
        level = self.level
        if level is None:
            return None
        excesses = self.values[: self.tail_count] - level
        if not excesses.mean() > 0.0:
            return None
        return Tail.fit(excesses, level, self.hours, dispersion=self.dispersion)

    def rate(self, threshold: float, tail: Tail | None) -> Rate | None:
        """What a threshold costs: by the tail over its level, else by what was counted."""
        if tail is not None and threshold >= tail.level:
            return Rate(*tail.bounds(threshold))
        return self.counted(threshold)

    def counted(self, threshold: float) -> Rate | None:
        """By what was counted alone."""
        known = len(self.values) < self.most or threshold >= self.values[-1]
        if not known or self.hours <= 0.0 or threshold < FLOOR:
            return None
        count = int(np.count_nonzero(self.values > threshold))
        days = self.hours / DAY_H
        clusters, share = count / self.dispersion, self.dispersion / days
        low = poisson.lower(int(clusters)) * share
        return Rate(low, count / days, poisson.upper(math.ceil(clusters)) * share)


def needed(wanted: float, hours: float) -> int:
    """How many maxima decide about a rate a day: those that may be heard, and those of a tail."""
    return max(poisson.allowed(wanted * hours / DAY_H) or 0, MOST) + 2


def choose(maxima: Maxima, wanted: float) -> Chosen | None:
    """The threshold for a wanted rate of false alarms a day.

    Counting decides where the hours allow it, a tail where they do not.

    Args:
        maxima: of the description; at least :func:`needed` were asked for.
        wanted: false alarms a day.

    Returns:
        ``None`` where too few events were heard to say anything.
    """
    expected = wanted * maxima.hours / DAY_H
    count = poisson.allowed(expected, dispersion=maxima.dispersion)
    if count is not None:
        # At the (count + 1)-th maximum there are at most ``count`` events.
        threshold = float(maxima.values[count]) if count < len(maxima.values) else FLOOR
        return Chosen(threshold, Kind.EMPIRICAL, maxima.counted(threshold))
    tail = maxima.tail()
    if tail is None:
        return None
    threshold = np.ceil(tail.threshold(wanted, HIGHEST) / STEP) * STEP
    return Chosen(float(threshold), Kind.TAIL, Rate(*tail.bounds(threshold)))


def fixed(maxima: Maxima, threshold: float, kind: Kind = Kind.FIXED) -> Chosen:
    """What a threshold that is given costs."""
    return Chosen(threshold, kind, maxima.rate(threshold, maxima.tail()))
