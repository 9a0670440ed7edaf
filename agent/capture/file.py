"""A sound file in place of a microphone: in real time, faster, or as fast as it can be read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent.capture.audiofile import iter_audio, log_remark
from agent.capture.mixdown import Mixdown
from agent.capture.source import SourceCounters
from agent.capture.timeline import WallClock
from agent.core.errors import CaptureError
from agent.core.reasons import Reason
from agent.core.records import Block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.clock import Clock
    from agent.core.records import FloatArray

# In real time a block comes when its last sample would have been captured: short, for little
# delay, and not shorter than what the work around each is worth. Otherwise long.
_REALTIME_BLOCK_S = 0.1
_MOST_OFTEN_S = 0.01
"""Of real time, between two blocks of a recording that is played faster."""
_BLOCK_S = 0.5


class FileSource:
    """Plays one file.

    Times of capture are the sound's own time since ``open``, so that windows keep their length
    whatever the speed.
    """

    if_silent = ""
    """Nothing is known that else could be tried."""

    def __init__(
        self,
        name: str,
        *,
        path: Path,
        sample_rate_hz: int,
        clock: Clock,
        realtime: bool = True,
        loop: bool = False,
        speed: float = 1.0,
        channels: tuple[int, ...] | None = None,
    ) -> None:
        """Remember what to play.

        Args:
            name: of the source.
            path: of the sound file.
            sample_rate_hz: that the blocks shall have.
            clock: paces the sound.
            realtime: ``False`` gives each block as soon as it is asked for.
            loop: whether to begin again at the end, without a gap.
            speed: sound's time over real time, 20 for twenty times as fast.
            channels: to be mixed, counted from 1; all of them if ``None``.
        """
        self.name = name
        """Name of the source."""
        self._path = path
        self._rate_hz = sample_rate_hz
        self._clock = clock
        self._realtime = realtime
        self._loop = loop
        self._speed = speed
        self._mixdown = Mixdown(channels)
        block_s = max(_REALTIME_BLOCK_S, _MOST_OFTEN_S * speed) if realtime else _BLOCK_S
        self._block_samples = round(block_s * sample_rate_hz)
        self._wall = WallClock(clock)
        self._closed = threading.Event()
        self._audio: Iterator[FloatArray] | None = None
        self._remark = ""
        self._samples: FloatArray | None = None  # read and not yet due
        self.ended = False
        """Whether all was read."""
        self._index = 0
        self._epoch_s: float | None = None  # monotonic time of index 0 at speed 1
        self._start_index = 0
        self._start_s = 0.0

    def counters(self) -> SourceCounters:
        """Nothing is lost from a file."""
        return SourceCounters()

    @property
    def remark(self) -> str:
        """What is odd about the file, and that channels cancel, where they do."""
        return Reason.joined((self._remark, self._mixdown.remark))

    def open(self) -> None:
        """Begin at the file's start; a file that cannot be read is told here."""
        self.close()
        self._closed.clear()
        self.ended = False
        self._audio = self._from_start()
        self._samples = next(self._audio)
        self._start_s = self._clock.monotonic()
        if self._epoch_s is None:
            self._epoch_s = self._start_s
        gap_s = self._start_s - self._epoch_s - self._index / self._rate_hz
        self._index += max(0, round(gap_s * self._rate_hz))
        self._start_index = self._index

    def close(self) -> None:
        """Close the file; a reader that waits returns."""
        self._closed.set()
        self._audio = None

    def read(self, timeout_s: float) -> Block | None:
        """The next block, when its time has come."""
        if self._audio is None:
            raise CaptureError(f"{self._path}: not open; open the source first")
        if self._samples is None:
            self._samples = self._following(self._audio)
        samples = self._samples
        if samples is None:
            self.ended = True
            return None
        if self._realtime and not self._due(len(samples), timeout_s):
            return None
        played_s = (self._index - self._start_index) / self._rate_hz
        block = Block(
            source=self.name,
            index=self._index,
            captured_at=self._wall.utc(self._start_s + played_s),
            samples=samples,
        )
        self._index += len(samples)
        self._samples = None
        return block

    def _due(self, samples: int, timeout_s: float) -> bool:
        """Wait for a block's end, which is told from the start so that errors do not add up."""
        end_s = (self._index + samples - self._start_index) / self._rate_hz
        due_s = self._start_s + end_s / self._speed
        wait_s = due_s - self._clock.monotonic()
        if wait_s <= 0.0:
            return True
        self._closed.wait(min(wait_s, timeout_s))
        return self._clock.monotonic() >= due_s

    def _from_start(self) -> Iterator[FloatArray]:
        return iter_audio(
            self._path,
            self._rate_hz,
            self._block_samples,
            mixdown=self._mixdown,
            remark=self._remarked,
        )

    def _remarked(self, text: str) -> None:
        if text != self._remark:  # a file that is played again and again is odd once
            log_remark(text)
        self._remark = text

    def _following(self, audio: Iterator[FloatArray]) -> FloatArray | None:
        samples = next(audio, None)
        if samples is None and self._loop:
            self._audio = self._from_start()
            samples = next(self._audio, None)
        return samples
