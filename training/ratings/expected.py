"""What two views of a pair let expect of its rating: the model's, and its rated neighbours'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from agent.core.records import FloatArray
from training.data.arrays import Mask, Numbers, Values
from training.data.records import HIGHEST_RATING, LOWEST_RATING

_UNKNOWN = 50.0
"""What is expected of a pair where nothing at all is rated."""
_REACH = 0.1
"""Of a rating, in cosine: what lies so much farther counts 1/e of it."""
_PRIOR_WEIGHT = 0.1
"""Of the mean of all ratings, beside a rating of the pair itself, which weighs 1."""
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What there is to choose from; it knows no rating."""

    captions: FloatArray
    """Unit embeddings, ``(captions, size)``."""
    recordings: FloatArray
    """Unit embeddings, ``(recordings, size)``."""
    sources: tuple[str, ...]
    """Of each recording."""
    open: Mask
    """``(captions, recordings)``: pairs that may be chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Ratings so far; all three are as long."""

    captions: Numbers
    recordings: Numbers
    ratings: Values
    """0 to 100."""

    @classmethod
    def none(cls) -> Known:
        """Nothing is rated yet."""
        nothing = np.zeros(0, dtype=np.intp)
        return cls(nothing, nothing, np.zeros(0))


def expected_by_model(cosines: FloatArray, known: Known) -> Values:
    """Ratings as the model's cosines let expect them, ``(captions, recordings)``.

    Cosines are standardised over each caption's recordings, since captions differ in what they
    score on anything. The rating rises with them as the known ratings do (isotonic regression);
    with fewer than two known ratings evenly, from the lowest to the highest.
    """
    standard = _standardised(cosines)
    if len(known.ratings) < 2:  # noqa: PLR2004 - two points make a line
        low, high = standard.min(), standard.max()
        span = max(float(high - low), np.finfo(np.float64).tiny)
        spread: Values = (HIGHEST_RATING - LOWEST_RATING) * (standard - low) / span
        return LOWEST_RATING + spread
    at = standard[known.captions, known.recordings]
    order = np.argsort(at, kind="stable")
    fitted = isotonic_regression(known.ratings[order]).x
    expected: Values = np.interp(standard, at[order], fitted)
    return expected


def expected_by_neighbours(pool: Pool, known: Known) -> Values:
    """Ratings as the nearest rated pairs let expect them, ``(captions, recordings)``.

    A mean of all ratings, each weighed by how near its caption and its recording are; far from
    any it is the mean rating.
    """
    shape = (len(pool.captions), len(pool.recordings))
    if not len(known.ratings):
        return np.full(shape, _UNKNOWN)
    captions = _near(pool.captions, pool.captions[known.captions])
    recordings = _near(pool.recordings, pool.recordings[known.recordings])
    weighed = (captions * known.ratings) @ recordings.T
    weights = captions @ recordings.T
    prior = float(known.ratings.mean())
    expected: Values = (_PRIOR_WEIGHT * prior + weighed) / (_PRIOR_WEIGHT + weights)
    return expected


def _standardised(cosines: FloatArray) -> Values:
    values = cosines.astype(np.float64)
    spread = values.std(axis=1, keepdims=True)
    result: Values = (values - values.mean(axis=1, keepdims=True)) / np.maximum(
        spread, _LEAST_SPREAD
    )
    return result


def _near(points: FloatArray, rated: FloatArray) -> Values:
    """How much a rating counts for each point, 0 to 1, ``(points, ratings)``."""
    distances = 1.0 - (points @ rated.T).astype(np.float64)
    return np.exp(-distances / _REACH)
