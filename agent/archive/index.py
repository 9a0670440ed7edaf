"""The views of an archive in a search graph, on one machine; kept beside them.

What is new is added to the graph; where a part is gone or another one, the graph is built anew.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Self

import numpy as np

from agent.archive.search import Hit, cosines
from agent.core import files
from agent.core.errors import ArchiveError, failing_as, reason
from agent.matcher.graph import SearchGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.archive.views import Part, Place, View, ViewArchive
    from agent.core.records import FloatArray
    from agent.matcher.recordings import Rows

EXACT_WINDOWS = 20_000
"""Up to so many all are compared: three hours of sound take a fraction of a second."""

_WIDTH = 400  # of the search; the wider, the less is missed
_SCHEMA = 1


@dataclass(slots=True)
class GraphIndex:
    """Searches all parts of an archive, by a graph where there are many windows."""

    archive: ViewArchive
    parts: Sequence[Part]
    remark: Callable[[str], None]
    """Told, in a line, what takes long."""
    _graphs: dict[View, tuple[SearchGraph, list[Part]]] = field(default_factory=dict)

    @classmethod
    def of(cls, archive: ViewArchive, remark: Callable[[str], None]) -> Self:
        """The index of an archive as it is now.

        Raises:
            ArchiveError: it holds nothing, or cannot be read.
        """
        parts = archive.parts()
        if not any(part.windows for part in parts):
            raise ArchiveError(f"{archive.folder}: holds no window yet; scan with --embed")
        return cls(archive, parts, remark)

    def nearest(self, view: View, vector: FloatArray, most: int) -> list[Hit]:
        """The windows that resemble a vector most, the best first.

        Raises:
            ArchiveError: the archive or its index cannot be read or written.
        """
        total = sum(part.windows for part in self.parts)
        if total > EXACT_WINDOWS:
            if view not in self._graphs:
                self._graphs[view] = self._graph(view)
            graph, order = self._graphs[view]
            width = max(_WIDTH, most)
            found = graph.nearest(vector[None], min(most, total), width)
            if found is not None:
                return self._hits(order, found[0][0], found[1][0])
        scored = [
            cosines(rows, vector) for part in self.parts for rows in self.archive.rows(part, view)
        ]
        cosine = np.concatenate(scored)
        best = np.argsort(-cosine, kind="stable")[:most]
        return self._hits(self.parts, best, cosine[best])

    def _hits(self, parts: Sequence[Part], rows: Rows, cosine: FloatArray) -> list[Hit]:
        """Rows of all parts, one after the other, as windows of recordings."""
        ends = list(accumulate(part.windows for part in parts))
        known: dict[int, list[Place]] = {}
        hits = []
        for row, score in zip(rows.tolist(), cosine.tolist(), strict=True):
            at = bisect_right(ends, row)
            if at not in known:
                known[at] = self.archive.places(parts[at])
            first = ends[at] - parts[at].windows
            hits.append(Hit(known[at][row - first], score))
        return hits

    def _graph(self, view: View) -> tuple[SearchGraph, list[Part]]:
        """The graph of all parts as they are now, and their order in it."""
        named = {part.name: part for part in self.parts}
        before = self._listed(view)
        kept = [named[name] for name, stamp in before if _same(named.get(name), stamp)]
        if len(kept) < len(before):
            kept = []  # a graph forgets nothing
        held = {part.name for part in kept}
        order = [*kept, *(part for part in self.parts if part.name not in held)]
        total, size = sum(part.windows for part in order), self.archive.size(view)
        graph = SearchGraph.empty(size, total)
        if kept:
            try:
                graph = SearchGraph.load(self._path(view), size, total)
            except RuntimeError:
                kept = []
                graph = SearchGraph.empty(size, total)
        if len(graph) != sum(part.windows for part in kept):
            kept, graph = [], SearchGraph.empty(size, total)
        if len(kept) < len(order):
            self._add(graph, view, order[len(kept) :])
            self._save(graph, view, order)
        return graph, order

    def _add(self, graph: SearchGraph, view: View, parts: Sequence[Part]) -> None:
        self.remark(f"indexing {sum(part.windows for part in parts)} windows, once")
        threads = len(os.sched_getaffinity(0))
        for part in parts:
            for rows in self.archive.rows(part, view):
                lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
                graph.add(rows / lengths, len(graph), threads)

    def _path(self, view: View) -> Path:
        return self.archive.folder / f"{view}.graph"

    def _listed(self, view: View) -> list[tuple[str, str]]:
        """Parts that the graph holds, in their order; nothing where that cannot be told."""
        try:
            raw = json.loads(self._path(view).with_suffix(".json").read_bytes())
            if raw["schema"] != _SCHEMA or not self._path(view).is_file():
                return []
            return [(str(name), str(stamp)) for name, stamp in raw["parts"]]
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def _save(self, graph: SearchGraph, view: View, order: Sequence[Part]) -> None:
        """Keep the graph, then the list that says what it holds.

        Raises:
            ArchiveError: there is no room for it.
        """
        path = self._path(view)
        listed = path.with_suffix(".json")
        unfinished = path.with_name(f"{path.name}.{os.getpid()}{files.UNFINISHED}")
        remedy = "free the disk, and let this user write there"
        with failing_as(ArchiveError, path, remedy):
            listed.unlink(missing_ok=True)
            try:
                graph.save(unfinished)
                unfinished.replace(path)
            except RuntimeError as error:
                raise ArchiveError(f"{path}: {reason(error)}; {remedy}") from error
            finally:
                unfinished.unlink(missing_ok=True)
            parts = [[part.name, part.stamp] for part in order]
            files.write_text(listed, json.dumps({"schema": _SCHEMA, "parts": parts}))


def _same(part: Part | None, stamp: str) -> bool:
    return part is not None and part.stamp == stamp
