"""The last seconds of one source, in memory only."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agent.capture.audiofile import Pcm
    from agent.core.records import Block, FloatArray

_FULL_SCALE = 32_767.0
# Blocks whose time follows on the one before need no entry of their own.
_STEADY_S = 0.002


def full_scale(pcm: Pcm) -> FloatArray:
    """Samples of sixteen bits as float32, full scale at 1.0."""
    return pcm.astype(np.float32) / np.float32(_FULL_SCALE)


class ClipRing:
    """Samples by their index; written by the listener's thread, read by any.

    Sixteen bits, as in the file that they may end in. Lost sound (a jump of the index) is
    silence here, so that positions in seconds stay right.
    """

    def __init__(self, sample_rate_hz: int, seconds: float) -> None:
        """Make room.

        Args:
            sample_rate_hz: of the blocks.
            seconds: to remember.
        """
        self.sample_rate_hz = sample_rate_hz
        self._samples = np.zeros(round(seconds * sample_rate_hz), np.int16)
        self._lock = threading.Lock()
        self._begin = self._end = 0
        self._times: deque[tuple[int, float]] = deque()

    @property
    def begin(self) -> int:
        """Index of the oldest sample that is remembered."""
        with self._lock:
            return self._begin

    @property
    def end(self) -> int:
        """Index behind the last sample."""
        with self._lock:
            return self._end

    def push(self, block: Block) -> None:
        """Take the next block."""
        scaled = block.samples * np.float32(_FULL_SCALE)
        np.rint(scaled, out=scaled)
        np.minimum(scaled, _FULL_SCALE, out=scaled)
        np.maximum(scaled, -_FULL_SCALE, out=scaled)
        pcm: Pcm = scaled.astype(np.int16)
        with self._lock:
            lost = block.index - self._end
            if lost < 0 or lost >= len(self._samples) or not self._times:
                self._begin = self._end = block.index
                self._times.clear()
            elif lost:
                self._write(np.zeros(lost, np.int16))
            self._note(block.index, block.captured_at)
            self._write(pcm)

    def index_of(self, at: float) -> int | None:
        """Index of the sample that was captured at a time (UTC); ``None`` if there is none.

        The time may lie before what is remembered, as the beginning of a source's first window.
        """
        with self._lock:
            for index, captured_at in reversed(self._times):
                if captured_at <= at:
                    found = index + round((at - captured_at) * self.sample_rate_hz)
                    return found if found < self._end else None
            return None

    def time_of(self, index: int) -> float:
        """When a remembered sample was captured, UTC, by the clock as it stood then."""
        with self._lock:
            known, captured_at = next(
                (known for known in reversed(self._times) if known[0] <= index), self._times[0]
            )
            return captured_at + (index - known) / self.sample_rate_hz

    def cut(self, begin: int, end: int) -> tuple[int, FloatArray]:
        """What is remembered between two indices.

        Returns:
            Index of its first sample, and the samples, float32, full scale at 1.0, shape
            ``(samples,)``, own memory; may be empty.
        """
        begin, pcm = self.pcm(begin, end)
        return begin, full_scale(pcm)

    def pcm(self, begin: int, end: int) -> tuple[int, Pcm]:
        """As :meth:`cut`, in sixteen bits."""
        with self._lock:
            begin, end = max(begin, self._begin), min(end, self._end)
            count = max(0, end - begin)
            start = begin % len(self._samples)
            head = self._samples[start : start + count]
            return begin, np.concatenate([head, self._samples[: count - len(head)]])

    def _note(self, index: int, captured_at: float) -> None:
        """Remember when a sample was captured, where that does not follow from the ones before."""
        if self._times:
            known, known_at = self._times[-1]
            expected = known_at + (index - known) / self.sample_rate_hz
            if abs(captured_at - expected) < _STEADY_S:
                return
        self._times.append((index, captured_at))

    def _write(self, pcm: Pcm) -> None:
        capacity = len(self._samples)
        kept = pcm[-capacity:]
        start = (self._end + len(pcm) - len(kept)) % capacity
        head = min(len(kept), capacity - start)
        self._samples[start : start + head] = kept[:head]
        self._samples[: len(kept) - head] = kept[head:]
        self._end += len(pcm)
        self._begin = max(self._begin, self._end - capacity)
        while len(self._times) > 1 and self._times[1][0] <= self._begin:
            self._times.popleft()
