"""The tail beyond what was heard: a generalised Pareto distribution over a high threshold.

Maxima over a high level follow it in the limit, whatever the scores' distribution (Pickands,
Annals of Statistics 3, 1975; Coles, An Introduction to Statistical Modeling of Extreme Values,
2001). Two hours tell of an alarm a day only through it, and not exactly: so the whole posterior
of its two parameters is kept, on a grid, and with it the uncertainty of every rate.

The shape has a weak prior around 0, an exponential tail (as Martins and Stedinger, Water Resources
Research 36, 2000, have it for floods): twenty maxima alone would allow any nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from agent.watchlist.calibration.poisson import CONFIDENCE, DAY_H

if TYPE_CHECKING:
    from agent.detector.events import Seconds

FEWEST, MOST = 12, 60
"""Maxima that a tail is fitted to: with fewer it tells nothing, more are no tail."""
SHAPE_PRIOR_STD = 0.25

_SHAPES = np.linspace(-0.75, 0.75, 61)
_SCALES = np.geomspace(0.2, 6.0, 81)  # of the mean excess
_DRAWS = 2_000
_SEED = 0
_SMALLEST_SCALE = 1e-3
_EXPONENTIAL = 1e-9  # shapes nearer to 0 are 0
_HALVINGS = 24


@dataclass(frozen=True, slots=True)
class Tail:
    """Rates of maxima over any level at or over the lowest, as draws of the posterior."""

    level: float
    """Over which the tail was fitted."""
    count: int
    """Maxima that it was fitted to."""
    shape: Seconds
    """Draws of the shape: negative ends somewhere, positive is heavier than exponential."""
    scale: Seconds
    per_day: Seconds
    """Draws of the rate of maxima over the level."""

    @classmethod
    def fit(
        cls,
        excesses: Seconds,
        level: float,
        hours: float,
        *,
        dispersion: float = 1.0,
        prior_std: float = SHAPE_PRIOR_STD,
    ) -> Self:
        """Fit to what maxima exceed a level by.

        Args:
            excesses: not negative, at least two of them positive.
            level: the level.
            hours: in which they were heard.
            dispersion: how far they come in clusters (``events.dispersion``):
                so many of them tell as much as one.
            prior_std: of the shape's normal prior; infinite for none.

        Raises:
            ValueError: there is nothing to fit.
        """
        if len(excesses) == 0 or not float(excesses.mean()) > 0.0 or hours <= 0.0:
            raise ValueError(f"no tail in {len(excesses)} excesses and {hours:g} hours")
        shape, scale = np.meshgrid(
            _SHAPES, np.maximum(_SCALES * excesses.mean(), _SMALLEST_SCALE), indexing="ij"
        )
        shape, scale = shape.ravel(), scale.ravel()
        # The scale's own prior is flat in its logarithm, as the grid is.
        logs = log_density(excesses[:, None], shape, scale).sum(axis=0)
        logs = logs / dispersion - 0.5 * np.square(shape / prior_std)
        weight = np.exp(logs - logs.max())
        rng = np.random.default_rng(_SEED)
        drawn = rng.choice(len(weight), size=_DRAWS, p=weight / weight.sum())
        clusters = len(excesses) / dispersion
        per_day = rng.gamma(clusters, DAY_H * dispersion / hours, size=_DRAWS)
        return cls(level, len(excesses), shape[drawn], scale[drawn], per_day)

    def rates(self, threshold: float) -> Seconds:
        """Maxima a day at or over a threshold, one rate for each draw."""
        return self.per_day * survival(max(0.0, threshold - self.level), self.shape, self.scale)

    def bounds(
        self, threshold: float, confidence: float = CONFIDENCE
    ) -> tuple[float, float, float]:
        """Lower bound, expected value and upper bound of the rate a day; bounds are one-sided."""
        rates = self.rates(threshold)
        low, high = np.quantile(rates, (1.0 - confidence, confidence)).tolist()
        return low, float(rates.mean()), high

    def threshold(self, per_day: float, most: float, confidence: float = CONFIDENCE) -> float:
        """Lowest threshold whose rate is at most the wanted one with this confidence.

        Args:
            per_day: wanted rate.
            most: highest threshold that makes sense; given where even that is not enough.
            confidence: one-sided.
        """
        low, high = self.level, most
        if high <= low or np.quantile(self.rates(high), confidence) > per_day:
            return most
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            enough = np.quantile(self.rates(middle), confidence) <= per_day
            low, high = (low, middle) if enough else (middle, high)
        return high


def log_density(excess: Seconds, shape: Seconds, scale: Seconds) -> Seconds:
    """Logarithm of the generalised Pareto density; arrays are broadcast."""
    ratio = excess / scale
    exponential = np.abs(shape) < _EXPONENTIAL
    safe = np.where(exponential, 1.0, shape)
    inside = 1.0 + safe * ratio
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(inside > 0.0, -(1.0 + 1.0 / safe) * np.log(inside), -np.inf)
    density: Seconds = np.where(exponential, -ratio, logs) - np.log(scale)
    return density


def survival(excess: float, shape: Seconds, scale: Seconds) -> Seconds:
    """Probability of more than an excess; arrays are broadcast."""
    ratio = excess / scale
    exponential = np.abs(shape) < _EXPONENTIAL
    safe = np.where(exponential, 1.0, shape)
    inside = np.maximum(1.0 + safe * ratio, 0.0)
    with np.errstate(divide="ignore"):
        # Beyond its end a bounded tail has nothing.
        power = np.exp(-np.log(inside) / safe)
    left: Seconds = np.where(exponential, np.exp(-ratio), np.where(inside > 0.0, power, 0.0))
    return left
