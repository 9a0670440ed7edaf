"""Frames of a device or a pipe, as they come, to the blocks that the stages read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from agent.capture.mixdown import Mixdown
from agent.capture.timeline import Timeline, WallClock
from agent.core.records import Block

if TYPE_CHECKING:
    from agent.core.clock import Clock
    from agent.core.records import FloatArray

# 40 dB over full scale: no sound, but bytes that were taken for samples. Sums of what is left
# cannot overflow.
_LIMIT = 100.0


class Assembly:
    """Mixes channels, resamples, and gives each block its index and its time.

    It outlives the device: when sound comes back after a loss, the index goes on with a jump as
    long as the loss.
    """

    def __init__(
        self, name: str, sample_rate_hz: int, clock: Clock, channels: tuple[int, ...] | None
    ) -> None:
        """Args: the channels to mix, counted from 1; all of them if ``None``."""
        self._name = name
        self._rate_hz = sample_rate_hz
        self._clock = clock
        self._wall = WallClock(clock)
        self._mixdown = Mixdown(channels)
        self.non_finite = 0
        """Samples that were not a number, infinite or absurd, and were replaced by zero."""
        self._epoch_s: float | None = None  # monotonic time of index 0
        self._next_index = 0
        self._begin_rate_hz(sample_rate_hz)

    @property
    def remark(self) -> str:
        """That channels cancel, where they do, and what to do; empty if not."""
        return self._mixdown.remark

    def missing(self, channels: int) -> str:
        """What is wrong with the channels to mix where there are so many; empty if nothing."""
        return self._mixdown.missing(channels)

    def _begin_rate_hz(self, rate_hz: int) -> None:
        self._input_rate_hz = rate_hz
        self._position = 0  # frames since the device was opened, lost ones included
        self._timeline: Timeline | None = None
        self._begin_index = 0
        self._restart()

    def begin(self, rate_hz: int) -> None:
        """A device was opened; its frames follow at this rate."""
        self._begin_rate_hz(rate_hz)

    def _restart(self) -> None:
        """Begin a run without a gap: the filter of the resampler must not reach across one."""
        self._mixdown.begin(self._input_rate_hz)
        same = self._input_rate_hz == self._rate_hz
        self._resampler = (
            None if same else soxr.ResampleStream(self._input_rate_hz, self._rate_hz, 1)
        )
        self._run_start_s = self._position / self._input_rate_hz
        self._produced = 0

    def observe(self, frames_ahead: int, monotonic_s: float) -> None:
        """Take note of when a frame was captured.

        Args:
            frames_ahead: how far the frame stands after what was added so far.
            monotonic_s: when it was captured, or a little later.
        """
        position_s = (self._position + frames_ahead) / self._input_rate_hz
        if self._timeline is None:
            self._timeline = Timeline(position_s, monotonic_s)
            start_s = monotonic_s - position_s
            if self._epoch_s is None:
                self._epoch_s = start_s
            since = round((start_s - self._epoch_s) * self._rate_hz)
            self._begin_index = max(self._next_index, since)
        else:
            self._timeline.observe(position_s, monotonic_s)

    def late_frames(self, frames_ahead: int, monotonic_s: float) -> int:
        """Frames that must be missing before one that was captured at this time."""
        if self._timeline is None:
            return 0
        position_s = (self._position + frames_ahead) / self._input_rate_hz
        late_s = self._timeline.late_s(position_s, monotonic_s)
        return max(0, round(late_s * self._input_rate_hz))

    def skip(self, frames: int) -> None:
        """Frames were lost here."""
        self._position += frames
        self._restart()

    def add(self, frames: FloatArray) -> Block | None:
        """The next frames, shape ``(frames, channels)``; ``None`` while the resampler fills.

        The first call after :meth:`begin` follows an :meth:`observe`.
        """
        self._position += len(frames)
        return self._block(self._mixed(frames), last=False)

    def finish(self) -> Block | None:
        """What the resampler still holds, at the end of the sound."""
        return self._block(np.zeros(0, np.float32), last=True)

    def _mixed(self, frames: FloatArray) -> FloatArray:
        chosen = self._mixdown.chosen(frames)
        sane = np.abs(chosen) <= _LIMIT  # false for NaN, too
        if not sane.all():
            self.non_finite += int(sane.size - np.count_nonzero(sane))
            chosen = np.where(sane, chosen, np.float32(0.0))
        return np.ascontiguousarray(self._mixdown.add(chosen), np.float32)

    def _block(self, mono: FloatArray, *, last: bool) -> Block | None:
        samples = mono if self._resampler is None else self._resampler.resample_chunk(mono, last)
        if len(samples) == 0 or self._timeline is None:
            return None
        start_s = self._run_start_s + self._produced / self._rate_hz
        if self._produced == 0:
            due = self._begin_index + round(self._run_start_s * self._rate_hz)
            self._next_index = max(self._next_index, due)
        index = self._next_index
        self._next_index += len(samples)
        self._produced += len(samples)
        return Block(
            source=self._name,
            index=index,
            captured_at=self._wall.utc(self._timeline.monotonic_s(start_s)),
            samples=samples,
        )
