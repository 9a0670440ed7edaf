"""How far people agree: Krippendorff's alpha, with an interval.

Krippendorff, "Computing Krippendorff's alpha-reliability", University of Pennsylvania, 2011. It
takes any number of people, answers that are missing, and yes and no as well as points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.data.arrays import Values

RESAMPLES, LEVEL = 2_000, 0.95
_SEVERAL = 2


class Scale(StrEnum):
    """How far two answers are apart."""

    NOMINAL = "nominal"
    """They are the same or not: yes and no."""
    INTERVAL = "interval"
    """By the square of their difference: points."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one kind of answer."""

    alpha: float
    """1: always; 0: as by chance; below: less than that."""
    low: float
    high: float
    """Where it may lie (95 %), by a bootstrap over what was answered."""
    units: int
    """That two people or more answered."""
    raters: int


def agreement(answers: Iterable[Mapping[str, float]], scale: Scale) -> Agreement | None:
    """Krippendorff's alpha.

    Args:
        answers: of each unit, by rater.
        scale: how far two answers are apart.

    Returns:
        ``None`` where nothing was answered by two, or all answers are the same: agreement by
        chance is then complete, and nothing can be above it.
    """
    shared = [own for own in answers if len(own) >= _SEVERAL]
    pieces = _pieces([list(own.values()) for own in shared], scale) if shared else None
    if pieces is None:
        return None
    alpha = pieces.alpha(np.ones((1, len(shared))))[0]
    if not np.isfinite(alpha):
        return None
    drawn = np.random.default_rng(0).multinomial(
        len(shared), np.full(len(shared), 1.0 / len(shared)), size=RESAMPLES
    )
    resampled = pieces.alpha(drawn.astype(np.float64))
    ends = np.quantile(
        resampled[np.isfinite(resampled)], [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]
    )
    raters = {name for own in shared for name in own}
    return Agreement(float(alpha), float(ends[0]), float(ends[1]), len(shared), len(raters))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Sums over each unit's answers, of which alpha is made however often a unit counts."""

    counts: Values
    """Answers, ``(units,)``."""
    apart: Values
    """Sum of differences within, over all ordered pairs, by ``answers - 1``, ``(units,)``."""
    parts: Values
    """Nominal: answers of each value. Interval: sum, and sum of squares. ``(units, parts)``."""
    scale: Scale

    def alpha(self, times: Values) -> Values:
        """Of each row of how often units count, ``(rows, units)``; NaN where it is not defined."""
        n = times @ self.counts
        observed = times @ self.apart / n
        parts = times @ self.parts
        if self.scale is Scale.NOMINAL:
            expected = np.square(n) - np.square(parts).sum(axis=1)
        else:
            expected = 2.0 * (n * parts[:, 1] - np.square(parts[:, 0]))
        # Sums of squares of the same numbers leave a little where nothing should be.
        defined = expected > 1e-9 * np.square(n)
        by_chance = np.where(defined, expected / (n * (n - 1.0)), 1.0)
        return np.where(defined, 1.0 - observed / by_chance, np.nan)


def _pieces(units: list[list[float]], scale: Scale) -> _Pieces:
    counts = np.array([float(len(own)) for own in units])
    apart, parts = [], []
    values = np.unique(np.concatenate([np.array(own) for own in units]))
    centre = float(values.mean())
    for own in units:
        answers = np.array(own)
        differences = answers[:, None] - answers[None, :]
        if scale is Scale.NOMINAL:
            apart.append(float((differences != 0.0).sum()) / (len(own) - 1.0))
            parts.append((answers[:, None] == values[None, :]).sum(axis=0).astype(np.float64))
        else:
            apart.append(float(np.square(differences).sum()) / (len(own) - 1.0))
            around = answers - centre
            parts.append(np.array([around.sum(), np.square(around).sum()]))
    return _Pieces(counts, np.array(apart), np.stack(parts), scale)
