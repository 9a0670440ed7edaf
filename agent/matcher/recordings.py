"""Recordings as prototypes: what people confirmed or rejected, beside what descriptions say.

A window's cosine with a recording is on another scale than its cosine with a text, and on another
one for each recording. So each carries its own mapping to the scale of margins; what it adds to,
or takes off, a description is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Examples:
    """Recordings of one kind that belong to one description, ready to be compared with."""

    embeddings: FloatArray
    """Unit length, shape ``(recordings, dim)``."""
    slope: FloatArray
    """Margin per cosine, positive, shape ``(recordings,)``. A recording is worth
    ``slope * cosine + offset``, at least 0 and at most ``most``."""
    offset: FloatArray
    """In units of margin, shape ``(recordings,)``."""
    most: FloatArray
    """The most that a recording is worth, in units of margin, positive, shape ``(recordings,)``."""

    @classmethod
    def none(cls, dim: int) -> Self:
        """No recordings."""
        nothing = np.empty(0, np.float32)
        return cls(np.empty((0, dim), np.float32), nothing, nothing, nothing)

    def __len__(self) -> int:
        return len(self.embeddings)

    def arrays(self) -> tuple[FloatArray, ...]:
        """All numbers, for a hash of what scores follow from."""
        return self.embeddings, self.slope, self.offset, self.most


class ExampleMatrix:
    """The recordings of one kind of all descriptions as rows of one matrix, immutable.

    Those of a description lie side by side; it is worth what its best recording is.
    """

    def __init__(self, heard: Sequence[Examples | None]) -> None:
        """Put the recordings in order.

        Args:
            heard: recordings of each description, all of one view.
        """
        sizes = [known.embeddings.shape[1] for known in heard if known is not None]
        dim = max(sizes, default=0)  # where there is none, nothing is compared
        groups = [Examples.none(dim) if known is None else known for known in heard]
        self.descriptions = len(groups)
        self.embeddings: FloatArray = np.concatenate(
            [np.empty((0, dim), np.float32), *(group.embeddings for group in groups)],
            dtype=np.float32,
        )
        self.embeddings.flags.writeable = False
        self.slope, self.offset, self.most = (
            np.concatenate([np.empty(0, np.float32), *parts], dtype=np.float32)
            for parts in (
                [group.slope for group in groups],
                [group.offset for group in groups],
                [group.most for group in groups],
            )
        )
        self._centre: FloatArray = np.zeros(dim, np.float32)
        if len(self.embeddings):
            self._centre = self.embeddings.mean(axis=0)
        self._description: Rows = np.repeat(
            np.arange(len(groups)), [len(group) for group in groups]
        )

    def __len__(self) -> int:
        return len(self.embeddings)

    def spread(self, most: int) -> Rows:
        """Rows that stand for all: of each description a few that differ, ``most`` or all in all.

        Farthest first (Gonzalez, Theoretical Computer Science 38, 1985): each next one is the
        one that is least like those chosen already.
        """
        if len(self) <= most:
            return np.arange(len(self))
        present, starts, sizes = np.unique(self._description, return_index=True, return_counts=True)
        each = max(1, most // len(present))
        chosen = [
            first + _farthest_first(self.embeddings[first : first + size], each)
            for first, size in zip(starts[:most], sizes[:most], strict=True)
        ]
        return np.sort(np.concatenate(chosen))

    def graph_rows(self) -> FloatArray:
        """Vectors whose inner products put recordings in the order of what they are worth.

        That is, by how far a cosine is over the one from which on it counts. Slopes are left
        out: they are the same for most, and a graph is searched well where lengths are alike.

        Returns:
            Shape ``(recordings, dim + 1)``; to be searched with :meth:`graph_queries`.
        """
        rows = np.empty((len(self), self.embeddings.shape[1] + 1), np.float32)
        # What all recordings have in common tells nothing, and would hide what differs.
        np.subtract(self.embeddings, self._centre, out=rows[:, :-1])
        rows[:, -1] = self.embeddings @ self._centre + self.offset / self.slope
        return rows

    def graph_queries(self, embeddings: FloatArray) -> FloatArray:
        """Windows as :meth:`graph_rows` are searched with, ``(windows, dim + 1)``."""
        queries = np.ones((len(embeddings), embeddings.shape[1] + 1), np.float32)
        np.subtract(embeddings, self._centre, out=queries[:, :-1])
        return queries

    def values(self, cosine: FloatArray, rows: Rows | None = None) -> FloatArray:
        """What recordings are worth at cosines with them, in units of margin.

        Args:
            cosine: shape ``(windows, rows)``.
            rows: which recordings these are; all if ``None``.
        """
        at = slice(None) if rows is None else rows
        value: FloatArray = cosine * self.slope[at] + self.offset[at]
        np.clip(value, 0.0, self.most[at], out=value)
        return value

    def compare(self, embeddings: FloatArray) -> FloatArray:
        """What recordings are worth by brute force, shape ``(windows, descriptions)``."""
        best = np.zeros((len(embeddings), self.descriptions), np.float32)
        if len(self):
            self.best_of(self.values(embeddings @ self.embeddings.T), np.arange(len(self)), best)
        return best

    def best_of(self, value: FloatArray, rows: Rows, best: FloatArray) -> None:
        """Raise what descriptions are worth to the best values of some of their recordings.

        Args:
            value: shape ``(windows, rows)``.
            rows: which recordings these are, rising.
            best: shape ``(windows, descriptions)``, changed.
        """
        present, starts = np.unique(self._description[rows], return_index=True)
        highest = np.maximum.reduceat(value, starts, axis=1)
        best[:, present] = np.maximum(best[:, present], highest)

    def raise_best(self, value: FloatArray, rows: Rows, best: FloatArray) -> None:
        """As :meth:`best_of` for one window and rows in any order; ``best`` of its own."""
        np.maximum.at(best, self._description[rows], value)


def _farthest_first(embeddings: FloatArray, most: int) -> Rows:
    """Rows that differ as much as they can, the first row among them."""
    if len(embeddings) <= most:
        return np.arange(len(embeddings))
    chosen = [0]
    nearest = embeddings @ embeddings[0]
    while len(chosen) < most:
        chosen.append(int(np.argmin(nearest)))
        np.maximum(nearest, embeddings @ embeddings[chosen[-1]], out=nearest)
    return np.array(chosen, np.intp)
