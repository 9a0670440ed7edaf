"""Whether a difference between models is more than the luck of the queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Values

RESAMPLES = 10_000
_AT_ONCE = 500
"""Resamples that are in memory together: some tens of megabytes for thousands of queries."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries and where it may lie."""

    mean: float
    low: float
    high: float
    level: float


def bootstrap_interval(
    values: Values, *, seed: int, resamples: int = RESAMPLES, level: float = 0.95
) -> Interval:
    """Percentile bootstrap of the mean over queries (Efron and Tibshirani, 1993, chapter 13).

    For two models on the same queries give the differences: the interval of each model alone is
    too wide to compare them.

    Args:
        values: one a query, shape ``(queries,)``.
        seed: same seed, same interval.
        resamples: how often as many queries are drawn with replacement.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: fewer than two values, one that is not finite, or a level out of range.
    """
    _check(values, resamples)
    return bootstrap_intervals(values[:, None], seed=seed, resamples=resamples, level=level)[0]


def bootstrap_intervals(
    columns: Values, *, seed: int, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[Interval, ...]:
    """:func:`bootstrap_interval` of several measures of the same queries, drawn once for all.

    Args:
        columns: shape ``(queries, measures)``.
        seed: same seed, same intervals, whatever stands in the other columns.
        resamples: how often as many queries are drawn with replacement.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: as :func:`bootstrap_interval`.
    """
    _check_columns(columns, resamples)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; write a number between 0 and 1, such as 0.95")
    queries = len(columns)
    means = columns.mean(axis=0)
    spread = columns - means
    chance = np.random.default_rng(seed)
    moved = np.empty((resamples, columns.shape[1]))
    for start in range(0, resamples, _AT_ONCE):
        rows = min(_AT_ONCE, resamples - start)
        drawn = chance.integers(queries, size=(rows, queries))
        drawn += queries * np.arange(rows)[:, None]
        # How often each query was drawn says all that a mean needs.
        times = np.bincount(drawn.ravel(), minlength=rows * queries).reshape(rows, queries)
        moved[start : start + rows] = times @ spread / queries
    ends = np.quantile(moved, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0) + means
    return tuple(
        Interval(float(mean), float(low), float(high), level)
        for mean, low, high in zip(means, *ends, strict=True)
    )


def paired_permutation(a: Values, b: Values, *, seed: int, resamples: int = RESAMPLES) -> float:
    """Two-sided p-value of the mean difference, if which value is whose were a coin's toss.

    The randomisation test of Smucker, Allan and Carterette (CIKM 2007): the sign of each query's
    difference is flipped at random. Where there are no more than ``resamples`` ways to flip them
    all are taken and the value is exact; else the observed way counts as one of those drawn, so
    that the value is never 0.

    Args:
        a: one model's values, shape ``(queries,)``.
        b: the other's, of the same queries in the same order.
        seed: same seed, same value.
        resamples: how many ways to flip are drawn.

    Raises:
        ValueError: shapes differ, fewer than two values, or one that is not finite.
    """
    if a.shape != b.shape:
        raise ValueError(f"values are {a.shape} and {b.shape}; both models need the same queries")
    _check(a, resamples)
    _check(b, resamples)
    return float(paired_permutations((a - b)[:, None], seed=seed, resamples=resamples)[0])


def paired_permutations(differences: Values, *, seed: int, resamples: int = RESAMPLES) -> Values:
    """:func:`paired_permutation` of several measures of the same queries, flipped alike.

    Args:
        differences: between two models, shape ``(queries, measures)``.
        seed: same seed, same values, whatever stands in the other columns.
        resamples: how many ways to flip are drawn.

    Returns:
        A p-value a measure: twice that of the nearer side, at most 1.

    Raises:
        ValueError: as :func:`paired_permutation`.
    """
    _check_columns(differences, resamples)
    queries, measures = differences.shape
    observed = differences.sum(axis=0)
    # Sums of the same numbers in another order differ by what rounding leaves.
    slack = _ROUNDING * np.abs(differences).sum(axis=0)
    above, below = np.zeros(measures, np.int64), np.zeros(measures, np.int64)
    exact = queries < resamples.bit_length() and 2**queries <= resamples
    ways = 2**queries if exact else resamples
    chance = np.random.default_rng(seed)
    for start in range(0, ways, _AT_ONCE):
        rows = min(_AT_ONCE, ways - start)
        if exact:
            flipped = np.arange(start, start + rows)[:, None] >> np.arange(queries) & 1
        else:
            flipped = chance.integers(2, size=(rows, queries), dtype=np.int8)
        sums = (1.0 - 2.0 * flipped) @ differences
        above += (sums >= observed - slack).sum(axis=0)
        below += (sums <= observed + slack).sum(axis=0)
    drawn = 0 if exact else 1
    nearer: Values = (np.minimum(above, below) + drawn) / (ways + drawn)
    return np.minimum(1.0, 2.0 * nearer)


def holm(p_values: Sequence[float] | Values) -> Values:
    """Adjusted p-values for several comparisons at once (Holm, 1979).

    Below a level ``x`` they find a difference where there is none with a probability of at most
    ``x`` over all comparisons together, whether or not these depend on each other.

    Args:
        p_values: one a comparison, any order.

    Returns:
        In the same order, at most 1.

    Raises:
        ValueError: one is not between 0 and 1.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if raw.ndim != 1 or not bool(((raw >= 0.0) & (raw <= 1.0)).all()):
        raise ValueError(f"p-values are {raw.tolist()}; write a list of numbers from 0 to 1")
    order = np.argsort(raw, kind="stable")
    stepped = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    # A comparison can only be told apart if all of smaller p-value were.
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def _check(values: Values, resamples: int) -> None:
    if values.ndim != 1 or len(values) < 2:  # noqa: PLR2004 - one value has no spread
        raise ValueError(f"values are {values.shape}; two queries or more are needed")
    _check_columns(values[:, None], resamples)


def _check_columns(values: Values, resamples: int) -> None:
    if values.ndim != 2 or len(values) < 2:  # noqa: PLR2004 - queries by measures
        raise ValueError(
            f"values are {values.shape}; write (queries, measures), of two queries or more"
        )
    if not bool(np.isfinite(values).all()):
        raise ValueError("values hold a non-finite number; leave out queries without a value")
    if resamples < 1:
        raise ValueError(f"resamples are {resamples}; write 1 or more")
