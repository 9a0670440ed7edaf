"""What the model made of the last minutes of one source: views of each window, in half precision.

The sound of the last minutes can so be compared again with whatever is listened for now, without
running the model again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Views, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_NO_FRAMES = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Heard:
    """Windows of a while, oldest first, and the views of them."""

    windows: tuple[Window, ...]
    """Without their log-mel frames."""
    views: Views

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.windows)

    def of(self, rows: Sequence[int]) -> Heard:
        """Some of the windows."""
        return Heard(tuple(self.windows[row] for row in rows), self.views[np.array(rows, np.intp)])


class ViewsRing:
    """Views by the time of their windows; written by the pipeline's thread, read by any."""

    def __init__(self, source: str, windows: int) -> None:
        """Remember so many windows of a source at most."""
        self._source = source
        self._capacity = windows
        self._lock = threading.Lock()
        self._count = 0
        self._indices = np.zeros(windows, np.int64)
        self._captured_at = np.zeros(windows, np.float64)
        self._durations_s = np.zeros(windows, np.float32)
        self._views: dict[str, npt.NDArray[np.float16]] = {}

    def add(self, window: Window, views: Views) -> None:
        """Remember a window with the views of it alone."""
        with self._lock:
            place = self._count % self._capacity
            self._count += 1
            self._indices[place] = window.index
            self._captured_at[place] = window.captured_at
            self._durations_s[place] = window.duration_s
            for view in fields(Views):
                rows = getattr(views, view.name)
                if view.name not in self._views:
                    shape = (self._capacity, rows.shape[1])
                    self._views[view.name] = np.zeros(shape, np.float16)
                self._views[view.name][place] = rows[0]

    @property
    def newest_at(self) -> float:
        """UTC of the end of the newest window; 0 where there is none."""
        with self._lock:
            if not self._count:
                return 0.0
            place = (self._count - 1) % self._capacity
            return float(self._captured_at[place] + self._durations_s[place])

    def between(self, begin_at: float, end_at: float) -> Heard | None:
        """The windows whose middle lies within a while, or the one nearest to it.

        Args:
            begin_at: UTC, seconds since the epoch, as is ``end_at``.
            end_at: likewise.

        Returns:
            ``None`` where no window reaches into that while.
        """
        with self._lock:
            known = min(self._count, self._capacity)
            order = np.arange(self._count - known, self._count) % self._capacity
            starts, lengths = self._captured_at[order], self._durations_s[order]
            middles = starts + lengths / 2
            chosen = np.flatnonzero((middles >= begin_at) & (middles <= end_at))
            if not len(chosen) and known:
                nearest = int(np.abs(middles - (begin_at + end_at) / 2).argmin())
                reaches = starts[nearest] < end_at and begin_at < starts[nearest] + lengths[nearest]
                chosen = np.array([nearest] if reaches else [], np.intp)
            if not len(chosen):
                return None
            rows = order[chosen]
            windows = tuple(
                Window(
                    self._source,
                    int(self._indices[row]),
                    float(self._captured_at[row]),
                    float(self._durations_s[row]),
                    _NO_FRAMES,
                )
                for row in rows
            )
            views = [
                self._views[view.name][rows].astype(np.float32)  # of a length that is nearly 1
                for view in fields(Views)
            ]
        return Heard(windows, Views(*(_unit(one) for one in views)))


def _unit(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> npt.NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    unit: npt.NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return unit
