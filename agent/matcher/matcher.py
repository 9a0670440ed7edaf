"""Views of windows to scored descriptions, by a search among all prototypes (HNSW).

Texts are searched by the joint view of a window, recordings by its acoustic view. The indices are
hierarchical navigable small world graphs (Malkov and Yashunin, IEEE TPAMI 42, 2020; hnswlib),
where there are so many prototypes that comparing them all takes longer. A graph cannot take up
prototypes while it is searched, so a matcher is immutable: a reload builds another one off the
hot path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from agent.core.records import Match
from agent.matcher.graph import SearchGraph
from agent.matcher.prototypes import BackgroundStatistics, Contrast, Described, PrototypeSet
from agent.matcher.recordings import Examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray, Views, Window
    from agent.matcher.recordings import ExampleMatrix, Rows

__all__ = ["BackgroundStatistics", "Contrast", "Described", "Examples", "Matcher", "PrototypeSet"]

# Up to here all prototypes are compared, which is exact and quicker than a search.
_EXACT_PROTOTYPES = 2_048

# Beyond, the nearest ones, see docs/benchmarks.md.
_NEAREST = 96
_NEAREST_EXAMPLES = 160
# Prototypes that are compared one by one beside the search, so that none of them is missed.
_ANCHORS = 1_024

# Bounds the memory of a batch: entries of the matrix of windows and prototypes.
_ENTRIES = 4_000_000


class Matcher:
    """Compares windows with every description.

    Building takes a minute for 100,000 prototypes; matching is for the hot path.
    """

    def __init__(
        self, prototypes: PrototypeSet, statistics: BackgroundStatistics, *, threads: int = 1
    ) -> None:
        """Build the index.

        Args:
            prototypes: of all descriptions.
            statistics: of margins on other sounds, in the same order of descriptions.
            threads: to build a large index with.

        Raises:
            ValueError: statistics of other descriptions.
        """
        expected = (len(prototypes.error_ids),)
        if statistics.mean.shape != expected or statistics.std.shape != expected:
            raise ValueError(
                f"statistics of {statistics.mean.shape[0]} descriptions for {expected[0]}"
            )
        self.prototypes = prototypes
        self.statistics = statistics
        self._texts = _TextSearch(prototypes, threads)
        self._examples = _ExampleSearch(prototypes.examples, threads)
        self._rejected = _ExampleSearch(prototypes.rejected, threads)

    @classmethod
    def build(
        cls,
        described: Sequence[Described],
        contrast: Contrast,
        statistics: BackgroundStatistics | None = None,
        *,
        threads: int = 1,
    ) -> Self:
        """A matcher for a set of descriptions.

        Args:
            described: descriptions, in the order that results will have.
            contrast: what all of them are told apart from.
            statistics: of this site, where it is calibrated; from the contrast's sounds if
                ``None``.
            threads: to build a large index with.

        Raises:
            ValueError: a description has no text, two have one id, or the statistics do not fit.
        """
        prototypes = PrototypeSet(described, contrast.texts)
        if statistics is None:
            statistics = prototypes.statistics(contrast.cohort, contrast.foreground)
        return cls(prototypes, statistics, threads=threads)

    @property
    def error_ids(self) -> tuple[str, ...]:
        """The descriptions, in the order of all results."""
        return self.prototypes.error_ids

    def compare(self, views: Views) -> tuple[FloatArray, FloatArray]:
        """Best cosine and margin of every description.

        Args:
            views: of windows.

        Returns:
            Cosine with a description's best text, and its margin over the best contrast, with
            what recordings add and take off; both finite, shape
            ``(windows, descriptions)``.
        """
        rows = max(1, _ENTRIES // max(1, len(self.prototypes)))
        if len(views) <= rows:
            return self._compare(views)
        parts = [self._compare(views[at : at + rows]) for at in range(0, len(views), rows)]
        return (
            np.concatenate([cosine for cosine, _ in parts]),
            np.concatenate([margin for _, margin in parts]),
        )

    def match(self, windows: Sequence[Window], views: Views) -> list[Match]:
        """Score windows against every description.

        Args:
            windows: in the order of their views.
            views: of each window.
        """
        cosine, margin = self.compare(views)
        score = self.statistics.scores(margin)
        return [
            Match(
                source=window.source,
                index=window.index,
                captured_at=window.captured_at,
                duration_s=window.duration_s,
                error_ids=self.error_ids,
                cosine=cosine[row],
                score=score[row],
            )
            for row, window in enumerate(windows)
        ]

    def nearest_examples(self, views: Views) -> Rows:
        """Rows of the examples that are looked at for each window, ``(windows, rows)``."""
        found = self._examples.nearest(views.acoustic)
        if found is None:
            return np.tile(np.arange(len(self.prototypes.examples)), (len(views), 1))
        return found

    def _compare(self, views: Views) -> tuple[FloatArray, FloatArray]:
        texts = self._texts.cosines(views.joint)
        cosine, margin = self.prototypes.reduce(texts)
        for search, sign in ((self._examples, 1.0), (self._rejected, -1.0)):
            if search:
                margin += sign * search.worth(views.acoustic)
        return cosine, margin


class _TextSearch:
    """Cosines with texts: with all of them, or by a graph with the nearest if there are many."""

    def __init__(self, prototypes: PrototypeSet, threads: int) -> None:
        self._embeddings = prototypes.embeddings
        self._graph: SearchGraph | None = None
        self._anchors = prototypes.anchors(_ANCHORS)
        # Where most are compared one by one in any case, a search beside that saves nothing.
        few = len(self._anchors) * 2 < len(self._embeddings)
        if few and len(self._embeddings) > _EXACT_PROTOTYPES:
            self._graph = SearchGraph.of(self._embeddings, threads)
            self._anchor_embeddings = np.ascontiguousarray(self._embeddings[self._anchors].T)

    def cosines(self, embeddings: FloatArray) -> FloatArray:
        """Shape ``(windows, texts)``; ``-inf`` for texts that are not near."""
        found = None if self._graph is None else self._graph.nearest(embeddings, _NEAREST)
        if found is None:
            return embeddings @ self._embeddings.T
        cosine = np.full((len(embeddings), len(self._embeddings)), -np.inf, np.float32)
        cosine[:, self._anchors] = embeddings @ self._anchor_embeddings
        np.put_along_axis(cosine, *found, axis=1)
        return cosine


class _ExampleSearch:
    """What recordings are worth: all of them, or by a graph the best if there are many.

    Where they are searched, a few of each description count in any case; so they may be worth
    a little less than all of them would be, never more.
    """

    def __init__(self, matrix: ExampleMatrix, threads: int) -> None:
        self._matrix = matrix
        self._graph: SearchGraph | None = None
        if len(matrix) > _EXACT_PROTOTYPES:
            self._graph = SearchGraph.of(matrix.graph_rows(), threads)
            self._anchors = matrix.spread(_ANCHORS)
            self._anchor_embeddings = np.ascontiguousarray(matrix.embeddings[self._anchors].T)

    def __bool__(self) -> bool:
        return len(self._matrix) > 0

    def worth(self, embeddings: FloatArray) -> FloatArray:
        """In units of margin, ``(windows, descriptions)``."""
        matrix = self._matrix
        found = self.nearest(embeddings)
        if found is None:
            return matrix.compare(embeddings)
        best = np.zeros((len(embeddings), matrix.descriptions), np.float32)
        anchored = matrix.values(embeddings @ self._anchor_embeddings, self._anchors)
        matrix.best_of(anchored, self._anchors, best)
        for embedding, near, row in zip(embeddings, found, best, strict=True):
            cosine = matrix.embeddings[near] @ embedding
            matrix.raise_best(matrix.values(cosine, near), near, row)
        return best

    def nearest(self, embeddings: FloatArray) -> Rows | None:
        """Recordings that are worth most, ``(windows, nearest)``; ``None``: compare them all."""
        if self._graph is None:
            return None
        found = self._graph.nearest(self._matrix.graph_queries(embeddings), _NEAREST_EXAMPLES)
        return None if found is None else found[0]
