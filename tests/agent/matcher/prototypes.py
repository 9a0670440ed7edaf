"""Descriptions of random or chosen unit vectors, for tests of what compares with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agent.matcher.matcher import BackgroundStatistics, Described, Examples

DIM = 32
Array = npt.NDArray[np.float32]
NONE = np.empty((0, DIM), np.float32)


def unit(*shape: int, seed: int = 0, dim: int = DIM) -> Array:
    """Random unit vectors."""
    drawn = np.random.default_rng(seed).standard_normal((*shape, dim))
    return (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float32)


def axis(*numbers: int) -> Array:
    """Unit vectors along axes."""
    return np.eye(DIM, dtype=np.float32)[list(numbers)]


def towards(*weights: float) -> Array:
    """One embedding with these cosines to the first axes; the rest points elsewhere."""
    vector = np.zeros(DIM)
    vector[: len(weights)] = weights
    vector[-1] = np.sqrt(1.0 - np.sum(np.square(weights)))
    return vector[None].astype(np.float32)


def recordings(embeddings: Array, seed: int) -> Examples:
    """Recordings with a mapping of their own each."""
    rng = np.random.default_rng(seed)
    slope = np.full(len(embeddings), rng.uniform(0.8, 1.2))
    return Examples(
        embeddings,
        slope=slope.astype(np.float32),
        offset=(-slope * rng.uniform(0.0, 0.2, len(embeddings))).astype(np.float32),
        most=rng.uniform(0.1, 0.3, len(embeddings)).astype(np.float32),
    )


def described(count: int, seed: int = 0, examples: int = 2) -> list[Described]:
    """Descriptions with a varying number of prototypes of each kind."""
    return [
        Described(
            error_id=f"e{number}",
            texts=unit(1 + number % 3, seed=seed + 3 * number),
            unlike=unit(number % 3, seed=seed + 3 * number + 1),
            examples=recordings(
                unit(number % (examples + 1), seed=seed + 3 * number + 2), seed + number
            ),
            rejected=recordings(unit(number % 2, seed=seed + 7_000 + number), seed + 50 + number),
        )
        for number in range(count)
    ]


def plain(count: int) -> BackgroundStatistics:
    """Statistics that leave margins as they are."""
    return BackgroundStatistics(np.zeros(count, np.float32), np.ones(count, np.float32))
