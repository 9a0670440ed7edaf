"""Search among many rows by inner product: a hierarchical navigable small world graph (hnswlib)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import hnswlib
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray
    from agent.matcher.recordings import Rows

_NEIGHBOURS = 16
_BUILD_WIDTH = 200
_SEED = 100

# Below this, threads cost more than they bring, and one gives the same graph every time.
_THREADED_BUILD = 4_096


class SearchGraph:
    """Rows that are searched; a graph cannot take up rows while it is searched."""

    def __init__(self, index: hnswlib.Index) -> None:
        self._index = index

    @classmethod
    def of(cls, rows: FloatArray, threads: int) -> Self:
        """A graph over rows, labelled by their numbers.

        Args:
            rows: shape ``(rows, dim)``.
            threads: to build a large graph with.
        """
        graph = cls.empty(rows.shape[1], len(rows))
        graph.add(rows, 0, threads)
        return graph

    @classmethod
    def empty(cls, dim: int, most: int) -> Self:
        """A graph that has room for ``most`` rows of ``dim`` numbers."""
        index = hnswlib.Index(space="ip", dim=dim)
        index.init_index(
            max_elements=most, M=_NEIGHBOURS, ef_construction=_BUILD_WIDTH, random_seed=_SEED
        )
        return cls(index)

    @classmethod
    def load(cls, path: Path, dim: int, most: int) -> Self:
        """A graph as :meth:`save` wrote it, with room for ``most`` rows.

        Raises:
            RuntimeError: the file cannot be read.
        """
        index = hnswlib.Index(space="ip", dim=dim)
        index.load_index(str(path), max_elements=most)
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.get_current_count())

    def add(self, rows: FloatArray, first: int, threads: int) -> None:
        """Take up rows, labelled by numbers from ``first`` on; there has to be room for them."""
        # Like follows on like in a set; put in at random, the graph finds across.
        order = np.random.default_rng(_SEED).permutation(len(rows))
        several = threads if len(rows) >= _THREADED_BUILD else 1
        self._index.add_items(rows[order], first + order, num_threads=several)

    def nearest(
        self, queries: FloatArray, most: int, width: int = 0
    ) -> tuple[Rows, FloatArray] | None:
        """The nearest rows, best first.

        Args:
            queries: shape ``(queries, dim)``.
            most: rows of each query, of those that there are.
            width: of the search: the wider, the less is missed; ``most`` at the least.

        Returns:
            Labels and inner products, both ``(queries, most)``; ``None`` where so many cannot be
            reached: compare all.
        """
        self._index.set_ef(max(most, width))
        try:
            found, distances = self._index.knn_query(queries, k=most, num_threads=1)
        except RuntimeError:
            # Rows that are alike can leave parts of the graph out of reach.
            return None
        return found.astype(np.intp), 1.0 - distances

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            RuntimeError: it cannot be written.
        """
        self._index.save_index(str(path))
