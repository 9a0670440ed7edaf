"""Correlations and regressions of values that come in clusters.

Ratings of one caption depend on each other, and so do recordings of one source: what is drawn
again in a bootstrap is the cluster, never the single row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from training.data.arrays import Labels, Mask, Values
from training.evaluation.metrics import has_order, kendall_tau
from training.evaluation.significance import bootstrap_interval, holm, paired_permutation

RESAMPLES = 4_000
"""Of correlations, whose ranks are taken anew in each: the smallest p-value, .0005, is below .05
after Holm's correction over a hundred tests."""
_LEVEL = 0.95
_AT_ONCE_VALUES = 2_000_000
"""Values of one block of resamples: some tens of megabytes."""
_FEWEST_CLUSTERS = 3


@dataclass(frozen=True, slots=True)
class Association:
    """How two things go together, and where that may lie (95 %)."""

    value: float
    low: float
    high: float
    p: float
    rows: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One coefficient of a regression (95 %): change of the outcome for one standard deviation."""

    name: str
    value: float
    low: float
    high: float
    p: float


def can_vary(values: Values, clusters: Labels) -> bool:
    """Whether anything can go together with the values: three clusters, two values."""
    enough = len(np.unique(clusters)) >= _FEWEST_CLUSTERS
    return enough and len(np.unique(values)) > 1


def spearman(
    x: Values, y: Values, clusters: Labels, *, seed: int, resamples: int = RESAMPLES
) -> Association:
    """Spearman's rank correlation, with a percentile bootstrap over clusters.

    Ranks are taken anew in each resample. The p-value is twice the share of resamples on the
    other side of 0, the observed one counted: never 0.

    Args:
        x: shape ``(rows,)``.
        y: same shape.
        clusters: which cluster each row belongs to, same shape.
        seed: same seed, same interval.
        resamples: how often as many clusters are drawn with replacement.

    Raises:
        ValueError: shapes differ, a value is not finite, or :func:`can_vary` is false.
    """
    if not x.shape == y.shape == clusters.shape or x.ndim != 1:
        raise ValueError(f"shapes are {x.shape}, {y.shape} and {clusters.shape}; all are (rows,)")
    if not bool((np.isfinite(x) & np.isfinite(y)).all()):
        raise ValueError("values hold a non-finite number; leave out rows without a value")
    if not (can_vary(x, clusters) and can_vary(y, clusters)):
        raise ValueError("values are all alike or of fewer than 3 clusters: nothing to correlate")
    member = np.unique(clusters, return_inverse=True)[1]
    count = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE_VALUES // len(x))
    found = []
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=size)
        found.append(_weighted_spearman(x, y, drawn[:, member].astype(np.float64)))
    resampled = np.concatenate(found)
    value = float(_weighted_spearman(x, y, np.ones((1, len(x))))[0])
    low, high = np.quantile(resampled, [(1.0 - _LEVEL) / 2, (1.0 + _LEVEL) / 2])
    other = int((resampled * np.sign(value) <= 0.0).sum())
    p = min(1.0, 2.0 * (other + 1) / (resamples + 1))
    return Association(value, float(low), float(high), p, len(x), count)


def within_lists(scores: Values, ratings: Values, rated: Mask, *, seed: int) -> Association:
    """Kendall's tau-b within each list, mean over lists: what a caption's own level cannot make.

    Args:
        scores: shape ``(lists, items)``.
        ratings: same shape.
        rated: same shape; other items are not looked at.
        seed: same seed, same interval.

    Raises:
        ValueError: fewer than 3 lists hold two different ratings and two different scores.
    """
    scores, ratings = np.where(rated, scores, 0.0), np.where(rated, ratings, 0.0)
    varied = has_order(scores, rated) & has_order(ratings, rated)
    if int(varied.sum()) < _FEWEST_CLUSTERS:
        found = f"{int(varied.sum())} lists hold two different ratings and scores"
        raise ValueError(f"{found}; {_FEWEST_CLUSTERS} or more are needed")
    taus = kendall_tau(scores[varied], ratings[varied], rated[varied])
    interval = bootstrap_interval(taus, seed=seed)
    p = paired_permutation(taus, np.zeros_like(taus), seed=seed)
    rows = int(rated[varied].sum())
    return Association(interval.mean, interval.low, interval.high, p, rows, len(taus))


def regress(
    outcome: Values, columns: Mapping[str, Values], clusters: Labels, *, within: bool
) -> tuple[Effect, ...]:
    """Least squares on standardised columns, with errors that allow for clusters (CR1).

    Liang and Zeger, Biometrika 1986; small-sample factor and t-distribution as in Cameron and
    Miller, "A practitioner's guide to cluster-robust inference", JHR 2015.

    Args:
        outcome: shape ``(rows,)``.
        columns: each of the same shape, by name.
        clusters: which cluster each row belongs to.
        within: whether each cluster's own level is taken away first (fixed effects).

    Returns:
        An effect for each column, in its order: change of the outcome when the column rises by
        its standard deviation and the others stay.

    Raises:
        ValueError: too few clusters, or a column is a sum of others.
    """
    member = np.unique(clusters, return_inverse=True)[1]
    count = int(member.max()) + 1
    design = np.stack([_standard(column, name) for name, column in columns.items()], axis=1)
    if within:
        sizes = np.bincount(member)[member]
        outcome = outcome - np.bincount(member, outcome)[member] / sizes
        means = np.stack([np.bincount(member, column) for column in design.T], axis=1)
        design = design - means[member] / sizes[:, None]
        fixed = count
    else:
        design = np.concatenate([design, np.ones((len(outcome), 1))], axis=1)
        fixed = 0
    rows, width = design.shape
    if count <= width or rows <= width + fixed:
        raise ValueError(f"{count} clusters are too few for {width} columns")
    if np.linalg.matrix_rank(design) < width:
        raise ValueError(f"columns depend on each other: {', '.join(columns)}; leave one out")
    bread = np.linalg.inv(design.T @ design)
    slopes = bread @ design.T @ outcome
    pulls = design * (outcome - design @ slopes)[:, None]
    summed = np.stack([np.bincount(member, pull, count) for pull in pulls.T], axis=1)
    # Fixed effects that are nested in the clusters are not counted as parameters.
    factor = count / (count - 1) * (rows - 1) / (rows - width)
    errors = np.sqrt(np.diag(bread @ (summed.T @ summed) @ bread) * factor)
    reach = float(stats.t.ppf((1.0 + _LEVEL) / 2, count - 1))
    found = []
    for name, slope, error in zip(columns, slopes, errors, strict=False):
        p = float(2.0 * stats.t.sf(abs(slope) / max(error, 1e-300), count - 1))
        low, high = float(slope - reach * error), float(slope + reach * error)
        found.append(Effect(name, float(slope), low, high, p))
    return tuple(found)


def share_between(values: Values, groups: Labels, *, seed: int, resamples: int = 2_000) -> Effect:
    """Share of the variance that lies between groups (intraclass correlation, one-way ANOVA).

    The p-value is that of a permutation of the groups; the interval is theirs too: what chance
    alone gives in 95 of 100 shuffles. It may be below 0.
    """
    member = np.unique(groups, return_inverse=True)[1]
    if (
        not len(member)
        or int(member.max()) + 1 < _FEWEST_CLUSTERS
        or len(values) <= int(member.max()) + 1
    ):
        raise ValueError("fewer than 3 groups, or none with two values: nothing lies between them")
    rng = np.random.default_rng(seed)
    observed = _intraclass(values, member)
    chance = np.array([_intraclass(values, rng.permutation(member)) for _ in range(resamples)])
    p = (int((chance >= observed).sum()) + 1) / (resamples + 1)
    low, high = np.quantile(chance, [(1.0 - _LEVEL) / 2, (1.0 + _LEVEL) / 2])
    return Effect("between groups", observed, float(low), float(high), p)


def adjusted(found: Sequence[Association | Effect]) -> tuple[float, ...]:
    """Holm's p-values of all that was tested together."""
    return tuple(float(p) for p in holm([test.p for test in found]))


def _weighted_spearman(x: Values, y: Values, weights: Values) -> Values:
    total = weights.sum(axis=1, keepdims=True)
    a, b = _ranks(x, weights), _ranks(y, weights)
    a -= (weights * a).sum(axis=1, keepdims=True) / total
    b -= (weights * b).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    together = (weights * a * b).sum(axis=1)
    # A resample of values that are all alike shows no relation.
    found: Values = np.divide(together, spread, out=np.zeros_like(together), where=spread > 0.0)
    return found


def _ranks(values: Values, weights: Values) -> Values:
    """Mid-ranks of samples in which each row stands as often as it weighs."""
    order = np.argsort(values, kind="stable")
    _, first, place = np.unique(values[order], return_index=True, return_inverse=True)
    mass = np.add.reduceat(weights[:, order], first, axis=1)
    middle = np.cumsum(mass, axis=1) - (mass - 1.0) / 2.0
    ranks = np.empty_like(weights)
    ranks[:, order] = middle[:, place]
    return ranks


def _standard(column: Values, name: str) -> Values:
    spread = float(column.std())
    if spread == 0.0:
        raise ValueError(f"{name} is the same everywhere; leave it out")
    standard: Values = (column - column.mean()) / spread
    return standard


def _intraclass(values: Values, member: npt.NDArray[np.intp]) -> float:
    sizes = np.bincount(member)
    groups, rows = len(sizes), len(values)
    means = np.bincount(member, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (groups - 1)
    inside = float(((values - means[member]) ** 2).sum()) / (rows - groups)
    typical = (rows - float((sizes**2).sum()) / rows) / (groups - 1)
    return (between - inside) / (between + (typical - 1.0) * inside)
