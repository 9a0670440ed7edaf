"""How well scores order items for queries: one value a query, so that it can be resampled.

Queries are captions and items recordings, or the other way round: transpose both arrays. Items of
equal score have no order, so wherever a rank counts the value is the expectation over all orders
of them (McSherry and Najork, "Computing information retrieval performance measures efficiently in
the presence of tied scores", ECIR 2008). No value depends on the order in which items are stored:
a model that scores everything alike gets exactly what a random order gets.

Queries that cannot be answered are left out of the values, the others keep their order. Which
ones depends on the relevance alone (:func:`has_relevant`, :func:`has_order`), never on the
scores: the values of two models stay paired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from agent.core.records import FloatArray
from training.data.arrays import Mask, Values


def recall_at(scores: FloatArray | Values, relevant: Mask, k: int) -> Values:
    """R@k: share of a query's relevant items that are among the ``k`` best.

    Args:
        scores: higher is better, shape ``(queries, items)``.
        relevant: same shape.
        k: depth; more than there are items means all of them.

    Returns:
        0 to 1 for each query with a relevant item, see :func:`has_relevant`. A query with more
        than ``k`` relevant items cannot reach 1.

    Raises:
        ValueError: shapes or types do not fit, a score is not finite, or ``k`` is below 1.
    """
    best = _ranked(scores, _binary(relevant), k)
    found = (best.within / best.size).sum(axis=1)
    kept = has_relevant(relevant)
    return _float64(found[kept] / relevant.sum(axis=1)[kept])


def precision_at(scores: FloatArray | Values, relevant: Mask, k: int) -> Values:
    """P@k: share of the ``k`` best items that are relevant.

    Args:
        scores: higher is better, shape ``(queries, items)``.
        relevant: same shape.
        k: depth; more than there are items means all of them.

    Returns:
        0 to 1 for each query with a relevant item, see :func:`has_relevant`. A query with fewer
        than ``k`` relevant items cannot reach 1.

    Raises:
        ValueError: as :func:`recall_at`.
    """
    best = _ranked(scores, _binary(relevant), k)
    return _float64((best.within / best.size).mean(axis=1)[has_relevant(relevant)])


def average_precision_at(scores: FloatArray | Values, relevant: Mask, k: int) -> Values:
    """AP@k, of which the mean is mAP@k: how early the relevant items come (Manning, IR, 8.4).

    The sum of the precisions at the relevant items among the ``k`` best, over the number of
    relevant items or ``k``, whichever is less: 1 where all of the ``k`` best are relevant.

    Args:
        scores: higher is better, shape ``(queries, items)``.
        relevant: same shape.
        k: depth; more than there are items means all of them.

    Returns:
        0 to 1 for each query with a relevant item, see :func:`has_relevant`.

    Raises:
        ValueError: as :func:`recall_at`.
    """
    best = _ranked(scores, _binary(relevant), k)
    # An item at this rank is relevant with this probability. Given that it is, the tied items
    # above it are a sample without it of those that are left.
    likely = best.within / best.size
    others = (best.within - 1.0) / np.maximum(best.size - 1, 1)
    found = best.before + 1.0 + (best.place - 1) * others
    ranks = np.arange(1, found.shape[1] + 1)
    kept = has_relevant(relevant)
    reachable = np.minimum(relevant.sum(axis=1), found.shape[1])[kept]
    return _float64((likely * found / ranks).sum(axis=1)[kept] / reachable)


def ndcg_at(
    scores: FloatArray | Values, gains: FloatArray | Values, k: int, *, rated: Mask | None = None
) -> Values:
    """nDCG@k with linear gain: gain over ``log2(1 + rank)``, relative to the best order.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.

    Args:
        scores: higher is better, shape ``(queries, items)``.
        gains: 0 and above, such as ratings, same shape; their unit cancels out.
        k: depth; more than there are items means all of them.
        rated: same shape; each query is judged on these items only, and what stands at the others
            is never looked at. ``None``: all items are rated.

    Returns:
        0 to 1 for each query with a gain above 0 among its rated items, see :func:`has_relevant`.

    Raises:
        ValueError: as :func:`recall_at`, or a gain is negative or not finite.
    """
    if rated is not None:
        _check_mask(rated, scores)
        _check_shapes(gains, scores)
        # Without a gain and behind everything they change neither the order nor the ideal.
        lowest = np.min(scores, where=rated, initial=np.inf, axis=1, keepdims=True)
        behind = np.nextafter(np.where(np.isfinite(lowest), lowest, 0.0), -np.inf)
        scores, gains = np.where(rated, scores, behind), np.where(rated, gains, 0.0)
    if not bool((np.isfinite(gains) & (gains >= 0.0)).all()):
        raise ValueError("gains hold a negative or non-finite number; write 0 for not relevant")
    best = _ranked(scores, gains, k)
    ideal = -np.sort(-gains.astype(np.float64), axis=1)[:, : best.size.shape[1]]
    discounts = 1.0 / np.log2(np.arange(2, ideal.shape[1] + 2))
    kept = has_relevant(gains)
    reached = (best.within / best.size) @ discounts
    return _float64(reached[kept] / (ideal @ discounts)[kept])


def kendall_tau(scores: FloatArray | Values, ratings: FloatArray | Values, rated: Mask) -> Values:
    """Kendall's tau-b of scores and ratings within each rated list.

    tau-b counts a pair that is tied on one side neither as agreement nor as disagreement. Scores
    that are all alike order nothing: their tau, 0 / 0 by its formula, is 0 here.

    Args:
        scores: higher is better, shape ``(queries, items)``.
        ratings: same shape.
        rated: same shape; what stands at unrated items is never looked at.

    Returns:
        -1 to 1 for each query with two different ratings, see :func:`has_order`.

    Raises:
        ValueError: shapes or types do not fit, or a score or rating is not finite.
    """
    _check_mask(rated, scores)
    _check_shapes(ratings, scores)
    _check_finite("scores", scores[rated])
    _check_finite("ratings", ratings[rated])
    return np.array(
        [
            _tau(scores[query, rated[query]], ratings[query, rated[query]])
            for query in np.flatnonzero(has_order(ratings, rated))
        ],
        dtype=np.float64,
    )


def has_relevant(relevance: Mask | FloatArray | Values) -> Mask:
    """Which queries have anything to find: shape ``(queries,)`` of ``(queries, items)``."""
    return np.asarray((relevance > 0).any(axis=1), dtype=np.bool_)


def has_order(ratings: FloatArray | Values, rated: Mask) -> Mask:
    """Which queries have two different ratings: ``(queries,)`` of ``(queries, items)``."""
    highest = np.max(ratings, where=rated, initial=-np.inf, axis=1)
    lowest = np.min(ratings, where=rated, initial=np.inf, axis=1)
    return np.asarray(highest > lowest, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What is known of the item at each rank: its tie. Arrays are ``(queries, k)``."""

    before: Values
    """Gain of all items that score higher."""
    within: Values
    """Gain of all items that score the same, itself included."""
    size: npt.NDArray[np.intp]
    """How many score the same, itself included; not cut at ``k``."""
    place: npt.NDArray[np.intp]
    """Its place among them, from 1."""


def _ranked(scores: FloatArray | Values, gains: FloatArray | Values, k: int) -> _Ranked:
    _check_shapes(gains, scores)
    _check_finite("scores", scores)
    if k < 1:
        raise ValueError(f"k is {k}; write 1 or more")
    queries, items = scores.shape
    order = np.argsort(-scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    sums = np.zeros((queries, items + 1))
    np.cumsum(np.take_along_axis(gains, order, axis=1), axis=1, dtype=np.float64, out=sums[:, 1:])
    rises = np.ones((queries, items + 1), dtype=np.bool_)
    rises[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    index = np.arange(items + 1)
    first = np.maximum.accumulate(np.where(rises, index, 0)[:, :-1], axis=1)
    after = np.where(rises, index, items)[:, 1:]
    after = np.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    first, after = first[:, :k], after[:, :k]
    before = np.take_along_axis(sums, first, axis=1)
    return _Ranked(
        before=before,
        within=np.take_along_axis(sums, after, axis=1) - before,
        size=after - first,
        place=index[: first.shape[1]] - first + 1,
    )


def _tau(scores: FloatArray | Values, ratings: FloatArray | Values) -> float:
    if scores.min() == scores.max():
        return 0.0
    return float(stats.kendalltau(scores, ratings, variant="b").statistic)


def _binary(relevant: Mask) -> Values:
    _check_mask(relevant, relevant)
    return relevant.astype(np.float64)


def _float64(values: npt.NDArray[np.floating]) -> Values:
    return np.asarray(values, dtype=np.float64)


def _check_mask(mask: Mask, scores: npt.NDArray[np.generic]) -> None:
    if mask.dtype != np.bool_:
        raise ValueError(f"the mask is of {mask.dtype}; write a bool array, such as ratings >= 50")
    _check_shapes(mask, scores)


def _check_shapes(values: npt.NDArray[np.generic], scores: npt.NDArray[np.generic]) -> None:
    if values.shape != scores.shape or scores.ndim != 2:  # noqa: PLR2004 - queries by items
        raise ValueError(
            f"scores are {scores.shape} and what they are judged by {values.shape}; "
            "both must be (queries, items)"
        )


def _check_finite(name: str, values: npt.NDArray[np.floating]) -> None:
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise ValueError(f"{name} hold {wrong} non-finite numbers; they cannot be ordered")
