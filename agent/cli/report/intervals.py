"""How sure a share or a rate is that was counted: 95 % intervals.

A share has Wilson's score interval (JASA 22, 1927): it holds what it promises for small numbers
too, and stays within 0 and 1 (Brown, Cai and DasGupta, Statistical Science 16, 2001). A rate has
the exact one of Poisson's distribution (Garwood, Biometrika 28, 1936). Both take it that events
do not depend on each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.watchlist.calibration import poisson

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95
Z = 1.959963984540054
"""Of the normal distribution, for :data:`LEVEL` on both sides."""
DAY_S = 86_400.0

_EXACT_UP_TO = 100


@dataclass(frozen=True, slots=True)
class Share:
    """A share that was counted, and between what the true one probably lies."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.count / self.of


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a day that were counted, and between what the true rate probably lies."""

    count: int
    days: float
    low: float
    """A day, as is ``high``."""
    high: float

    @property
    def value(self) -> float:
        """Events a day."""
        return self.count / self.days


def share(count: int, of: int) -> Share | None:
    """A share with Wilson's interval; ``None`` of nothing.

    Raises:
        ValueError: the count is below 0 or above ``of``.
    """
    if not 0 <= count <= of:
        raise ValueError(f"count is {count}; write 0 to {of}")
    if of == 0:
        return None
    p, spread = count / of, Z * Z / of
    middle = (p + spread / 2.0) / (1.0 + spread)
    half = Z / (1.0 + spread) * math.sqrt(p * (1.0 - p) / of + spread / (4.0 * of))
    # Rounding must not move the ends off what the formula gives exactly.
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return Share(count, of, low, high)


def rate(count: int, days: float) -> Rate | None:
    """A rate with Poisson's interval; ``None`` where no time has passed.

    Raises:
        ValueError: the count is below 0.
    """
    if count < 0:
        raise ValueError(f"count is {count}; write 0 or more")
    if days <= 0.0:
        return None
    low, high = bounds(count)
    return Rate(count, days, low / days, high / days)


def bounds(count: int) -> tuple[float, float]:
    """Between what the mean of a number of events lies that was counted once."""
    sided = 0.5 + LEVEL / 2.0
    if count <= _EXACT_UP_TO:
        return poisson.lower(count, sided), poisson.upper(count, sided)
    # Wilson and Hilferty, PNAS 17, 1931: exact to a hundredth of an event for such counts.
    return _hilferty(count, -Z), _hilferty(count + 1, Z)


def _hilferty(count: int, z: float) -> float:
    return float(count * (1.0 - 1.0 / (9.0 * count) + z / (3.0 * math.sqrt(count))) ** 3)


def quantile(values: Sequence[float], q: float) -> float:
    """A quantile by linear interpolation between the values in order.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("values are empty; write one or more")
    return float(np.quantile(values, q))


def dispersion(counts: Sequence[int]) -> float | None:
    """Variance over mean of the counts of equal spans: 1 where events do not depend on each other.

    ``None`` for fewer than two spans, or without an event.
    """
    total, spans = sum(counts), len(counts)
    if spans < 2 or total == 0:  # noqa: PLR2004 - one value has no variance
        return None
    mean = total / spans
    return sum((count - mean) ** 2 for count in counts) / (spans - 1) / mean
