"""Retrieval figures of each query: what is averaged, compared and resampled elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    Scores: TypeAlias = npt.NDArray[np.float64]
    Relevance: TypeAlias = npt.NDArray[np.bool_]
    PerQuery: TypeAlias = npt.NDArray[np.float64]


def recall_at(scores: Scores, relevant: Relevance, depth: int) -> PerQuery:
    """Whether one of a query's items is among its best, 1 or 0; R@k of audio retrieval.

    Args:
        scores: shape ``(queries, items)``; items of equal score keep their order.
        relevant: same shape.
        depth: how many of the best items are looked at.

    Raises:
        ValueError: a query has no relevant item, or the shapes differ.
    """
    hit: PerQuery = _best(scores, relevant, depth).max(axis=1).astype(np.float64)
    return hit


def average_precision_at(scores: Scores, relevant: Relevance, depth: int) -> PerQuery:
    """How early a query's items come (Manning et al., Introduction to Information Retrieval, 8.4).

    Arguments and errors are those of :func:`recall_at`.
    """
    found = _best(scores, relevant, depth)
    precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    reachable = np.minimum(depth, relevant.sum(axis=1))
    figures: PerQuery = (precision * found).sum(axis=1) / reachable
    return figures


def ndcg_at(scores: Scores, gains: Scores, depth: int) -> PerQuery:
    """Graded relevance found, of what could be (Järvelin and Kekäläinen, 2002); linear gain.

    Args:
        scores: shape ``(queries, items)``; items of equal score keep their order.
        gains: relevance of each item, 0 or more, same shape.
        depth: how many of the best items are looked at.

    Returns:
        Shape ``(queries,)``; 1 for a query without any relevant item, since no order of nothing
        is wrong.

    Raises:
        ValueError: the shapes differ.
    """
    _check(scores, gains)
    discounts = 1.0 / np.log2(np.arange(2, min(depth, scores.shape[1]) + 2))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    found = (np.take_along_axis(gains, order, axis=1) * discounts).sum(axis=1)
    ideal = (-np.sort(-gains, axis=1)[:, :depth] * discounts).sum(axis=1)
    figures: PerQuery = np.divide(found, ideal, out=np.ones_like(found), where=ideal > 0.0)
    return figures


def _best(scores: Scores, relevant: Relevance, depth: int) -> Relevance:
    """Whether each of the best items is relevant, best first."""
    _check(scores, relevant)
    if not relevant.any(axis=1).all():
        raise ValueError("a query has no relevant item; leave it out")
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    found: Relevance = np.take_along_axis(relevant, order, axis=1)
    return found


def _check(scores: Scores, other: npt.NDArray[np.generic]) -> None:
    if scores.shape != other.shape:
        raise ValueError(
            f"scores are {scores.shape} and relevance {other.shape}; both must be (queries, items)"
        )
