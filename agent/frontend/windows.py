"""Blocks of sound to overlapping windows of log-mel frames."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import numpy as np

from agent.core.records import Window

if TYPE_CHECKING:
    from agent.bundle.manifest import FrontendConstants
    from agent.core.records import Block, FloatArray


class Frontend(Protocol):
    """What the windower asks of the log-mel frontend."""

    def samples_until(self, frame: int) -> int:
        """Samples of a stream that complete a frame."""

    def push(self, samples: FloatArray) -> FloatArray:
        """Take samples, give the frames that they complete, ``(frames, n_mels)``."""

    def flush(self) -> FloatArray:
        """End the stream and give its last frames."""

    def reset(self) -> None:
        """Forget the stream."""


class Windower:
    """Cuts one source's stream into windows; starts anew where sound was lost.

    Samples wait until they complete a window, so that frames are computed a hop at a time,
    whatever the size of the blocks. A window's time is that of its first sample, told by the
    block that holds it: when UTC is set between two blocks, windows that start before the step
    keep the old time. Each holds at most a window, a hop and a block of sound.
    """

    def __init__(
        self,
        source: str,
        constants: FrontendConstants,
        window_frames: int,
        hop_frames: int,
        log_mel: Frontend,
    ) -> None:
        """Begin before the first block.

        Args:
            source: name of the source.
            constants: of the bundle's frontend.
            window_frames: frames of a window.
            hop_frames: frames from the start of a window to that of the next.
            log_mel: a frontend that no other stream uses.
        """
        self._source = source
        self._rate_hz = constants.sample_rate_hz
        self._frame_samples = constants.hop_length
        self._window_frames = window_frames
        self._hop_frames = hop_frames
        self._log_mel = log_mel
        self._bands = constants.n_mels
        self._next_index: int | None = None
        self._begin(0)

    def push(self, block: Block) -> list[Window]:
        """Take the next block and give the windows that it completes, oldest first.

        A block whose index does not follow on the one before ends the run: what had not become
        a window is dropped, and windows begin again with the block's first sample.
        """
        if block.index != self._next_index:
            self._begin(block.index)
        self._next_index = block.index + len(block.samples)
        self._times.append((block.index, block.captured_at))
        self._waiting.append(block.samples)
        if self._next_index - self._run_index < self._due_samples():
            return []
        return self._windows(self._log_mel.push(self._take()))

    def flush(self) -> list[Window]:
        """End the stream, as at the end of a file, so that all of it was heard.

        Returns:
            The windows that the end completes; for a rest shorter than a hop, one more window
            that reaches to the end; for a run shorter than a window, one short window.
        """
        if self._next_index is None:
            return []
        frames = np.concatenate([self._log_mel.push(self._take()), self._log_mel.flush()])
        windows = self._windows(frames)
        end = self._first_frame + len(self._frames)
        if end > self._heard_frames:
            start = max(self._first_frame, end - self._window_frames)
            windows.append(self._window(start, end))
        self._next_index = None
        self._begin(0)
        return windows

    def _begin(self, index: int) -> None:
        """Start a run of sound without a gap at a sample index."""
        self._log_mel.reset()
        self._run_index = index
        self._waiting: list[FloatArray] = []
        self._times: deque[tuple[int, float]] = deque()
        self._frames = np.empty((0, self._bands), np.float32)
        self._first_frame = 0  # of the run, that ``_frames`` holds
        self._next_frame = 0  # with which the next window starts
        self._heard_frames = 0  # of the run, that are in a window

    def _due_samples(self) -> int:
        """Samples of the run that complete the next window."""
        return self._log_mel.samples_until(self._next_frame + self._window_frames - 1)

    def _take(self) -> FloatArray:
        samples = np.concatenate([np.empty(0, np.float32), *self._waiting])
        self._waiting = []
        return samples

    def _windows(self, frames: FloatArray) -> list[Window]:
        """The windows that new frames complete.

        Frames stay from the last window's start on: at the end of the stream one more window
        may have to reach back.
        """
        self._frames = np.concatenate([self._frames, frames])
        end = self._first_frame + len(self._frames)
        windows = []
        while (heard := self._next_frame + self._window_frames) <= end:
            windows.append(self._window(self._next_frame, heard))
            self._frames = self._frames[self._next_frame - self._first_frame :]
            self._first_frame = self._next_frame
            self._heard_frames = heard
            self._next_frame += self._hop_frames
        return windows

    def _window(self, start: int, end: int) -> Window:
        """The window of the run's frames from ``start`` until before ``end``."""
        index = self._run_index + start * self._frame_samples
        while len(self._times) > 1 and self._times[1][0] <= index:
            self._times.popleft()
        known_index, known_at = self._times[0]
        frames = self._frames[start - self._first_frame : end - self._first_frame]
        return Window(
            source=self._source,
            index=index,
            captured_at=known_at + (index - known_index) / self._rate_hz,
            duration_s=(end - start) * self._frame_samples / self._rate_hz,
            log_mel=np.ascontiguousarray(frames.T),
        )
