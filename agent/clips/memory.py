"""The last minutes of each source, in memory alone: for sounds that raised no alert.

The newest seconds lie in the rings that clips are cut from anyway. One thread for all sources
takes whole pieces out of them and compresses them, so that listening is never held up. Nothing of
it is ever written; what people ask for goes the way of every clip, speech and all.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.clips.pieces import Pieces, levels_dbfs
from agent.clips.ring import full_scale
from agent.clips.views_ring import ViewsRing
from agent.core.errors import AudioFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.capture.audiofile import Pcm
    from agent.clips.ring import ClipRing
    from agent.clips.views_ring import Heard
    from agent.core.records import FloatArray, Views, Window

MOST_BYTES = 12 << 20
"""Of the compressed sound of one source."""
PIECE_S = 5.0
"""Seconds in a piece: what is lost at once where the room is full."""
_LOOK_S = 1.0
"""Between looks whether there is a piece; enough for a recording at twenty times its speed."""
# By so much a sound card's clock may differ from UTC in the time that is remembered.
_STEADY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MemoryTally:
    """What became of the sound that was to be remembered, since the start."""

    lost: int = 0
    """Times that sound was overwritten before it was compressed: the box was too busy."""
    failed: int = 0
    """Pieces that could not be compressed."""

    def counters(self) -> dict[str, int]:
        """By their names in health."""
        return {f"memory_{name}": getattr(self, name) for name in MemoryTally.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Cut:
    """Sound of a while as it was heard."""

    starts_at: float
    """UTC of the first sample, seconds since the epoch."""
    samples: FloatArray
    """Full scale at 1.0, shape ``(samples,)``; what was lost on the way is silence."""


class SourceMemory:
    """The last minutes of one source."""

    def __init__(self, ring: ClipRing, seconds: float, views: ViewsRing) -> None:
        self.views = views
        self._ring = ring
        self._pieces = Pieces(ring.sample_rate_hz, seconds, MOST_BYTES)
        self._piece_samples = round(PIECE_S * ring.sample_rate_hz)
        self._done: int | None = None
        """Index behind what was compressed."""

    def compress(self) -> int:
        """Compress what fills pieces; how often sound was overwritten before that.

        Raises:
            AudioFileError: a piece could not be compressed, and is left out.
        """
        lost = 0
        while True:
            begin, end = self._ring.begin, self._ring.end
            done = begin if self._done is None else self._done
            if not begin <= done <= end:
                lost += done < begin  # else the source began anew
                done = begin
            self._done = done
            if end - done < self._piece_samples:
                return lost
            first, pcm = self._ring.pcm(done, done + self._piece_samples)
            if first != done:
                continue
            self._done = done + self._piece_samples
            self._pieces.add(first, self._ring.time_of(first), pcm)

    @property
    def sample_rate_hz(self) -> int:
        """Of the samples that are remembered."""
        return self._ring.sample_rate_hz

    def span(self) -> tuple[float, float] | None:
        """UTC of the first and the last remembered sample; ``None`` where nothing was heard."""
        ring = self._ring
        if ring.end == ring.begin:
            return None
        pieces = self._pieces.pieces
        oldest = ring.time_of(ring.begin)
        if pieces:
            oldest = min(oldest, pieces[0].captured_at)
        return oldest, ring.time_of(ring.end)

    def levels(self) -> list[tuple[float, float | None]]:
        """Level of each second that is remembered: UTC of its start, and RMS in dBFS."""
        ring, rate_hz = self._ring, self._ring.sample_rate_hz
        found = [
            (piece.captured_at + second, level)
            for piece in self._pieces.pieces
            for second, level in enumerate(piece.levels_dbfs)
        ]
        begin = ring.begin if self._done is None else self._done
        first, pcm = ring.pcm(begin, ring.end)
        if len(pcm):
            at = ring.time_of(first)
            newest = enumerate(levels_dbfs(pcm, rate_hz))
            found += [(at + second, level) for second, level in newest]
        return found

    def cut(self, begin_at: float, end_at: float) -> Cut | None:
        """The sound of a while, as far as it is remembered.

        Args:
            begin_at: UTC, seconds since the epoch, as is ``end_at``.
            end_at: likewise.

        Returns:
            ``None`` where its beginning is not remembered.

        Raises:
            AudioFileError: a piece is damaged.
        """
        index = self._index_of(begin_at)
        count = round((end_at - begin_at) * self._ring.sample_rate_hz)
        if index is None or count <= 0:
            return None
        samples = np.zeros(count, np.int16)
        reached = 0
        for piece in self._pieces.pieces:
            if piece.end <= index or piece.begin >= index + count:
                continue
            if not self._fits(piece.begin, piece.captured_at, index, begin_at):
                continue
            pcm = self._pieces.pcm(piece)
            if pcm is not None:
                reached = max(reached, _put(samples, pcm, piece.begin - index))
        first, newest = self._ring.pcm(index + reached, index + count)
        if len(newest) and self._fits(first, self._ring.time_of(first), index, begin_at):
            reached = max(reached, _put(samples, newest, first - index))
        return Cut(begin_at, full_scale(samples[:reached])) if reached else None

    def _index_of(self, at: float) -> int | None:
        """Index of the sample of a time; ``None`` where that is not remembered."""
        ring = self._ring
        if ring.end > ring.begin and ring.time_of(ring.begin) <= at:
            return ring.index_of(at)
        for piece in reversed(self._pieces.pieces):
            passed = round((at - piece.captured_at) * ring.sample_rate_hz)
            if 0 <= passed < piece.samples:
                return piece.begin + passed
        return None

    def _fits(self, begin: int, captured_at: float, index: int, at: float) -> bool:
        """Whether a sample goes with another one: not where source or clock began anew between."""
        expected_at = at + (begin - index) / self._ring.sample_rate_hz
        return abs(captured_at - expected_at) < _STEADY_S


class SoundMemory:
    """The last minutes of all sources, and the thread that compresses them."""

    def __init__(self, rings: Mapping[str, ClipRing], seconds: float, hop_s: float) -> None:
        """Begin with nothing.

        Args:
            rings: of each source, in which its newest seconds are.
            seconds: to remember.
            hop_s: from window to window.
        """
        windows = round(seconds / hop_s) + 1
        self._sources = {
            name: SourceMemory(ring, seconds, ViewsRing(name, windows))
            for name, ring in rings.items()
        }
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._tally = MemoryTally()
        # No daemon: a thread that is within libsndfile while the interpreter ends takes the whole
        # process down (std::terminate).
        self._thread = threading.Thread(target=self._run, name="memory")

    @property
    def tally(self) -> MemoryTally:
        """What became of the sound so far."""
        with self._lock:
            return self._tally

    @property
    def names(self) -> Iterable[str]:
        """Of the sources."""
        return self._sources.keys()

    def of(self, source: str) -> SourceMemory:
        """The memory of one source."""
        return self._sources[source]

    def start(self) -> None:
        """Begin to compress."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it is at most a few pieces away from that."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def scored(self, window: Window, views: Views) -> None:
        """Remember the views of a window."""
        self._sources[window.source].views.add(window, views)

    def heard(self, source: str, begin_at: float, end_at: float) -> Heard | None:
        """Windows of a while, see :meth:`ViewsRing.between`."""
        return self._sources[source].views.between(begin_at, end_at)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            for name, source in self._sources.items():
                if self._stopping.is_set():
                    return
                try:
                    lost = source.compress()
                except AudioFileError as error:
                    _log.error("memory_failed", extra={"source": name, "reason": str(error)})
                    self._count(failed=1)
                    continue
                if lost:
                    _log.warning("memory_lost", extra={"source": name, "times": lost})
                    self._count(lost=lost)

    def _count(self, *, lost: int = 0, failed: int = 0) -> None:
        with self._lock:
            now = self._tally
            self._tally = replace(now, lost=now.lost + lost, failed=now.failed + failed)


def _put(target: Pcm, pcm: Pcm, at: int) -> int:
    """Copy samples to a place that may reach over both ends; the index behind the last of them."""
    begin, end = max(0, at), min(len(target), at + len(pcm))
    if begin < end:
        target[begin:end] = pcm[begin - at : end - at]
    return end
