"""Figures of few-shot trials, from scores alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray

RATES = (0.002, 0.01)
"""Shares of other sounds that may alarm."""
FEWEST_OTHERS = 500
"""One of them is the least share that can be told."""
_AT = 10

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a method makes of a trial; higher is more alike."""

    queries: FloatArray
    """Shape ``(queries, classes)``."""
    others: FloatArray
    """Of sounds that belong to no class, ``(others, classes)``."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well examples are found again."""

    right_first: float
    """Share of queries whose own class scores highest."""
    map_10: float
    """Mean over classes of the average precision of the first 10 of all queries."""
    recall: tuple[float, ...]
    """Mean over classes of the share of queries found, by :data:`RATES`."""


def figures(scores: Scores, truth: Indices) -> Figures:
    """Figures of one trial.

    Args:
        scores: of its queries and of other sounds.
        truth: class of each query, shape ``(queries,)``.

    Raises:
        ValueError: shapes disagree, a score is not a number, a class has no query, or there are
            fewer than :data:`FEWEST_OTHERS` other sounds.
    """
    _check(scores, truth)
    classes = np.arange(scores.queries.shape[1])
    own = truth[:, None] == classes
    return Figures(
        right_first=float(_right_first(scores.queries, truth).mean()),
        map_10=float(np.mean([_precision(scores.queries[:, n], own[:, n]) for n in classes])),
        recall=tuple(recall_at(scores, truth, rate) for rate in RATES),
    )


def recall_at(scores: Scores, truth: Indices, rate: float) -> float:
    """Mean over classes of the share of queries above a threshold of each class.

    It lies so that at most that share of the other sounds is above it.
    """
    allowed = int(rate * len(scores.others) + 1e-9)
    limits = np.sort(scores.others, axis=0)[::-1][allowed]
    found = scores.queries > limits
    return float(np.mean([found[truth == n, n].mean() for n in range(len(limits))]))


def mean(some: Sequence[Figures]) -> Figures:
    """Mean over trials."""
    return Figures(
        float(np.mean([one.right_first for one in some])),
        float(np.mean([one.map_10 for one in some])),
        tuple(np.mean([one.recall for one in some], axis=0).tolist()),
    )


def _right_first(scores: FloatArray, truth: Indices) -> npt.NDArray[np.float64]:
    """1 where the own class alone is highest, its share among equals otherwise."""
    best = scores == scores.max(axis=1, keepdims=True)
    won: npt.NDArray[np.float64] = best[np.arange(len(truth)), truth] / best.sum(axis=1)
    return won


def _precision(scores: FloatArray, own: npt.NDArray[np.bool_]) -> float:
    """Average precision of the first ten; of equal scores, those of others come first."""
    order = np.lexsort((own, -scores))[:_AT]
    hits = own[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / min(_AT, own.sum()))


def _check(scores: Scores, truth: Indices) -> None:
    shape = scores.queries.shape
    if len(shape) != 2 or shape[0] != len(truth) or scores.others.shape[1:] != shape[1:]:
        raise ValueError(
            f"scores: are {shape} for queries and {scores.others.shape} for others; give "
            f"({len(truth)}, classes) and (others, classes)"
        )
    if not (np.isfinite(scores.queries).all() and np.isfinite(scores.others).all()):
        raise ValueError("scores: hold what is not a number; give a number for each pair")
    if missing := sorted(set(range(shape[1])) - set(truth.tolist())):
        raise ValueError(f"truth: no query of the classes {missing}; draw one of each")
    if len(scores.others) < FEWEST_OTHERS:
        found = f"are {len(scores.others)}"
        raise ValueError(f"others: {found}; give {FEWEST_OTHERS} sounds or more")
