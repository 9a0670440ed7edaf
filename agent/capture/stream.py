"""Sound that another program sends: on standard input, or from ffmpeg."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from agent.capture.assembly import Assembly
from agent.capture.pcm import PcmFormat, PcmReader
from agent.capture.source import SourceCounters
from agent.config.sources import Encoding
from agent.core.errors import CaptureError, reason
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from agent.core.clock import Clock
    from agent.core.records import Block, FloatArray

_READ_BYTES = 1 << 16
# Later than this, sound is not delayed but missing.
_GAP_S = 2.0
# Integers taken for floats: many samples are no numbers or beyond all measure (noise of s16le at
# -60 dBFS: 49 %). A sender that is right has none.
_MOST_ABSURD = 0.2
_JUDGED_S = 1.0


class Pipe(Protocol):
    """Where bytes come from."""

    def open(self) -> int:
        """A file descriptor to read from.

        Raises:
            CaptureError: there is nothing to read from.
        """

    def close(self) -> None:
        """Free it; safe to call twice."""

    @property
    def begins_anew(self) -> bool:
        """Whether what comes after opening it again stands alone, header and all."""

    @property
    def if_silent(self) -> str:
        """What else to try where there is digital silence; empty where nothing is known."""

    def at_end(self) -> None:
        """Called at the end of the bytes.

        Raises:
            CaptureError: this is not how they should end; opened again, more may come.
        """


@dataclass(slots=True)
class StandardInput:
    """Standard input, or any other descriptor, which stays open for its owner."""

    descriptor: int = 0
    _copy: int | None = None

    begins_anew = False
    """It goes on where it was left."""

    if_silent = ""
    """Nothing is known that else could be tried."""

    def open(self) -> int:
        """A copy, so that closing it leaves the original alone."""
        self.close()
        try:
            if os.isatty(self.descriptor):
                raise CaptureError(Reason.of("input_terminal"))
            self._copy = os.dup(self.descriptor)
        except OSError as error:
            if isinstance(error, CaptureError):
                raise
            raise CaptureError(Reason.of("input_closed")) from error
        return self._copy

    def close(self) -> None:
        """Close the copy."""
        if self._copy is not None:
            os.close(self._copy)
            self._copy = None

    def at_end(self) -> None:
        """The sender is done, and so are we."""


class StreamSource:
    """Bytes to blocks; raw samples, or a WAV file where the bytes begin like one.

    A lasting silence of the sender shows as a jump of the index. Input faster than real time is
    taken as it comes, and its times of capture run ahead.
    """

    def __init__(
        self,
        name: str,
        pipe: Pipe,
        *,
        sample_rate_hz: int,
        clock: Clock,
        raw: PcmFormat | None = None,
        stall_s: float | None = None,
        final: bool = False,
        channels: tuple[int, ...] | None = None,
    ) -> None:
        """Remember where to read.

        Args:
            name: of the source.
            pipe: where the bytes come from.
            sample_rate_hz: that the blocks shall have.
            clock: tells when sound arrived.
            raw: what raw bytes mean; float32, mono, at ``sample_rate_hz`` if ``None``.
            stall_s: a sender that is silent for so long is given up; never if ``None``.
            final: whether the pipe cannot be opened anew, so that what was refused once ends the
                source.
            channels: to be mixed, counted from 1; all of them if ``None``.
        """
        self.name = name
        """Name of the source."""
        self._pipe = pipe
        self._clock = clock
        self._raw = raw or PcmFormat(Encoding.F32, sample_rate_hz, 1)
        self._assembly = Assembly(name, sample_rate_hz, clock, channels)
        self._reader = PcmReader(self._raw)
        self._stall_s = stall_s
        self._final = final
        self._judged = self._absurd = 0  # samples, and those of them that can be none
        self._descriptor: int | None = None
        self._heard_s = 0.0
        self._refusal: str | None = None
        self._begun = False
        self._ended = False
        self._dropped = 0

    @property
    def ended(self) -> bool:
        """Whether the sender is done, or sends what will never be sound."""
        return self._ended or (self._final and self._refusal is not None)

    def counters(self) -> SourceCounters:
        """What went wrong so far."""
        return SourceCounters(
            dropped_samples=self._dropped, non_finite_samples=self._assembly.non_finite
        )

    @property
    def remark(self) -> str:
        """That channels cancel, where they do."""
        return self._assembly.remark

    @property
    def if_silent(self) -> str:
        """What the pipe knows."""
        return self._pipe.if_silent

    def open(self) -> None:
        """Begin to read."""
        self.close()
        if self._refusal is not None:  # what follows such a header is not sound
            raise CaptureError(self._refusal)
        self._descriptor = self._pipe.open()
        self._reader = PcmReader(self._raw)
        self._heard_s = self._clock.monotonic()
        self._begun = False
        self._ended = False
        self._judged = self._absurd = 0

    def close(self) -> None:
        """Stop reading."""
        self._descriptor = None
        self._pipe.close()

    def read(self, timeout_s: float) -> Block | None:
        """What the pipe holds, at most 64 KiB; waits where it is empty."""
        if self._descriptor is None:
            raise CaptureError(Reason.of("source_not_open", source=self.name))
        if self.ended:
            return None
        if self._reader.complete:
            return self._finish()
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        if not waiting.poll(max(0.0, timeout_s) * 1_000.0):
            self._check_alive()
            return None
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except OSError as error:
            raise CaptureError(self._unreadable(reason(error))) from error
        if not data:
            return self._finish()
        self._heard_s = self._clock.monotonic()
        try:
            frames = self._reader.feed(data)
        except CaptureError as error:
            self._refuse(str(error), error)
        return self._assemble(frames) if len(frames) else None

    def _check_alive(self) -> None:
        quiet_s = self._clock.monotonic() - self._heard_s
        if self._stall_s is not None and quiet_s > self._stall_s:
            raise CaptureError(
                Reason.of("sender_quiet", source=self.name, seconds=round(quiet_s, 1))
            )

    def _assemble(self, frames: FloatArray) -> Block | None:
        rate_hz = self._begin()
        # The last frame is the one that arrived now; the others were captured before it.
        captured_s = self._heard_s - len(frames) / rate_hz
        late = self._assembly.late_frames(0, captured_s)
        if late > _GAP_S * rate_hz:
            self._dropped += late
            self._assembly.skip(late)
        self._assembly.observe(0, captured_s)
        absurd = self._assembly.non_finite
        block = self._assembly.add(frames)
        self._judge(frames.size, self._assembly.non_finite - absurd)
        return block

    def _judge(self, samples: int, absurd: int) -> None:
        """Refuse floats that cannot be what was stated, a second at a time."""
        form = self._reader.format or self._raw
        self._judged += samples
        self._absurd += absurd
        if self._judged < _JUDGED_S * form.rate_hz * form.channels and not self._ended:
            return
        share = self._absurd / max(1, self._judged)
        self._judged = self._absurd = 0
        if share <= _MOST_ABSURD:
            return
        refusal = Reason.of(
            "sender_not_samples",
            source=self.name,
            percent=round(100.0 * share),
            encoding=str(form.encoding),
        )
        if self._final:
            self._refusal = refusal
        raise CaptureError(refusal)

    def _begin(self) -> int:
        form = self._reader.format or self._raw
        if not self._begun:
            if trouble := self._assembly.missing(form.channels):
                self._refuse(trouble)
            self._assembly.begin(form.rate_hz)
            self._begun = True
        return form.rate_hz

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        """What the sender sends is not to be read, nor what it sends after that."""
        refusal = self._unreadable(reason)
        if not self._pipe.begins_anew:
            self._refusal = refusal
        raise CaptureError(refusal) from cause

    def _unreadable(self, detail: str) -> Reason:
        return Reason.of("sender_unreadable", source=self.name, detail=detail)

    def _finish(self) -> Block | None:
        self._pipe.at_end()
        self._ended = True
        self._judge(0, 0)
        return self._assembly.finish() if self._begun else None
