"""Ways through points: the farthest first, and those that stand for most others first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Numbers, Values

FARTHEST = 2.0
"""1 minus cosine of opposite vectors."""


def farthest_first(
    points: FloatArray, candidates: Numbers, taken: Numbers, count: int
) -> tuple[Numbers, Values]:
    """Farthest-first traversal (Gonzalez, 1985): each is farthest from all before it.

    Args:
        points: unit vectors, ``(points, size)``; distance is 1 minus cosine.
        candidates: numbers of points to choose from; of equally far ones the first is taken.
        taken: numbers of points that are taken already. Without any, the first candidate is the
            first chosen.
        count: how many, or as many as there are.

    Returns:
        The chosen numbers in order, and the distance of each to the nearest before it (2, the
        largest, for a first one).
    """
    offered = points[candidates]
    distances = np.full(len(candidates), FARTHEST)
    if len(taken):
        distances = 1.0 - (offered @ points[taken].T).max(axis=1).astype(np.float64)
    left = np.ones(len(candidates), dtype=np.bool_)
    chosen: list[int] = []
    far: list[float] = []
    for _ in range(min(count, len(candidates))):
        best = int(np.argmax(np.where(left, distances, -np.inf)))
        left[best] = False
        chosen.append(int(candidates[best]))
        far.append(float(distances[best]))
        distances = np.minimum(distances, 1.0 - offered @ offered[best])
    return np.array(chosen, dtype=np.intp), np.array(far)


def medoids_first(points: FloatArray, candidates: Numbers, taken: Numbers) -> Iterator[int]:
    """Candidates in the order in which they stand for the others best.

    Each brings the candidates nearest to those taken so far, summed over all: the greedy way to
    medoids, within 63 % of the best (Nemhauser, Wolsey and Fisher, 1978). A gain only falls while
    more are taken, so few of them are computed again (Minoux, 1978).

    Args:
        points: unit vectors, ``(points, size)``.
        candidates: numbers of points, those to choose from and to stand for; of equally good ones
            the first is taken.
        taken: numbers of points that are taken already.
    """
    offered = points[candidates]
    near = offered @ offered.T
    nearest = np.full(len(candidates), 1.0 - FARTHEST, dtype=near.dtype)
    if len(taken):
        nearest = (offered @ points[taken].T).max(axis=1)

    def gain(at: int) -> float:
        return float(np.maximum(near[at] - nearest, 0.0).sum(dtype=np.float64))

    heap = [(-gain(at), at) for at in range(len(candidates))]
    heapq.heapify(heap)
    while heap:
        _, at = heapq.heappop(heap)
        current = (-gain(at), at)
        if heap and current > heap[0]:
            heapq.heappush(heap, current)
            continue
        nearest = np.maximum(nearest, near[at])
        yield int(candidates[at])
