"""A small world to choose ratings in, with people who remember what they were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from training.data.records import Split
from training.studies.selection.simulation import HeldOut, Oracle, World

if TYPE_CHECKING:
    from training.data.arrays import Numbers, Values

CAPTIONS, RECORDINGS = 24, 40
_SIZE, _KINDS = 12, 6


class Listening(Oracle):
    """An oracle that remembers what all such oracles were asked last."""

    asked: ClassVar[list[tuple[int, int]]] = []

    def rate(self, captions: Numbers, recordings: Numbers) -> Values:
        """As the oracle does."""
        Listening.asked += zip(captions.tolist(), recordings.tolist(), strict=True)
        return super().rate(captions, recordings)


def small_world(turned: dict[tuple[int, int], float] | None = None) -> World:
    """Captions and recordings of six kinds; the ratings can be changed."""
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((_KINDS, _SIZE))

    def points(count: int) -> np.ndarray:
        own = kinds[np.arange(count) % _KINDS] + 0.9 * rng.standard_normal((count, _SIZE))
        return (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)

    same = (np.arange(CAPTIONS) % _KINDS)[:, None] == np.arange(RECORDINGS) % _KINDS
    ratings = np.where(same, 90.0, 5.0)
    for pair, rating in (turned or {}).items():
        ratings[pair] = rating
    rated = np.ones_like(same)
    sources = tuple(f"s{at // 4}" for at in range(RECORDINGS))
    texts, sounds, held = points(CAPTIONS), points(RECORDINGS), points(RECORDINGS)
    held_out = HeldOut(held, np.where(same, 90.0, 5.0), rated)
    oracle = Listening(ratings, rated)
    return World(texts, sounds, sources, oracle, {Split.VALIDATION: held_out})
