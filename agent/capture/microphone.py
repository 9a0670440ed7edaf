"""Microphones through PortAudio: chosen by name, at their own rate, watched for standstill."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.capture.assembly import Assembly
from agent.capture.portaudio import CALL_S, PORTAUDIO
from agent.capture.ring import RingBuffer
from agent.capture.source import SourceCounters
from agent.capture.timed_call import TimedCall
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from types import ModuleType

    from agent.capture.devices import Device
    from agent.core.clock import Clock
    from agent.core.records import Block, FloatArray

# A sound server such as PulseAudio takes up to two seconds until an idle device delivers.
STALL_S = 5.0

_RING_S = 10.0
_DELIVERY_S = 0.1  # one callback: each wakes a thread, and delays what it holds
_LATENCY_S = 0.2  # the card's own buffer: how long our callback may be kept waiting
_READ_S = 1.0  # longest block
_ADC_AGE_S = 2.0  # an older time of capture is not one
_LOSS_S = 0.005  # a smaller loss cannot be told from jitter
_MOST_CHANNELS = 16  # a device that claims more is a sound server, which makes as many as asked
_OTHER_RATES_HZ = (48_000, 44_100, 32_000, 16_000)


class Microphone:
    """One input device."""

    ended = False
    """Never: a microphone that is gone may come back."""

    if_silent = ""
    """Nothing is known that else could be tried."""

    def __init__(
        self,
        name: str,
        *,
        device: str,
        channels: tuple[int, ...],
        sample_rate_hz: int,
        clock: Clock,
        stall_s: float = STALL_S,
    ) -> None:
        """Remember what to open.

        Args:
            name: of the source.
            device: ``default`` or a part of a device's label.
            channels: to be mixed, counted from 1.
            sample_rate_hz: that the blocks shall have.
            clock: tells when sound arrived.
            stall_s: a device that delivers nothing for so long is given up.
        """
        self.name = name
        """Name of the source."""
        self._device = device
        self._channels = channels
        self._clock = clock
        self._stall_s = stall_s
        self._assembly = Assembly(name, sample_rate_hz, clock, channels)
        self._timed_call = TimedCall(f"device '{device}'")
        self._stream: Any = None
        self._ring = RingBuffer(1, 1)
        self._rate_hz = sample_rate_hz
        self._arrived = threading.Event()
        self._finished = False
        self._heard_s = 0.0
        self._captured: tuple[int, float] | None = None
        self._overflowed: deque[tuple[int, float]] = deque()
        self._position = 0
        self._overflows = 0
        self._dropped = 0

    def counters(self) -> SourceCounters:
        """What went wrong so far; samples at the device's rate."""
        return SourceCounters(self._overflows, self._dropped, self._assembly.non_finite)

    @property
    def remark(self) -> str:
        """That channels cancel, where they do."""
        return self._assembly.remark

    def open(self) -> None:
        """Find the device and start it."""
        self.close()
        self._timed_call.run(self._start, CALL_S)

    def close(self) -> None:
        """Stop the device."""
        if self._stream is not None:
            self._timed_call.run(self._stop, CALL_S / 2)

    def _stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            PORTAUDIO.close(stream)

    def _start(self) -> None:
        self._stop()  # what a call that hung has opened meanwhile
        self._stream = PORTAUDIO.open(self._device, self._make, self._clock.monotonic())

    def _make(self, library: ModuleType, device: Device) -> Any:
        most = max(self._channels)
        if most > device.channels:
            there = device.channels
            raise CaptureError(
                Reason.of("device_channels", device=device.label, channels=there, wanted=most)
            )
        # A card is opened with all the channels that it has; a sound server would make up more.
        channels = device.channels if device.channels <= _MOST_CHANNELS else most
        rate_hz = _accepted_rate_hz(library, device, channels)
        self._rate_hz = rate_hz
        self._ring = RingBuffer(round(_RING_S * rate_hz), channels)
        self._captured = None
        self._overflowed.clear()
        self._arrived.clear()
        self._finished = False
        self._position = 0
        self._assembly.begin(rate_hz)
        try:
            stream = library.InputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=channels,
                dtype="float32",
                blocksize=round(_DELIVERY_S * rate_hz),
                latency=_LATENCY_S,
                callback=self._callback,
                finished_callback=self._on_finished,
            )
        except library.PortAudioError as error:
            raise CaptureError(_refusal(device, error)) from error
        try:
            stream.start()
        except library.PortAudioError as error:
            stream.close()
            raise CaptureError(_refusal(device, error)) from error
        self._heard_s = self._clock.monotonic()
        return stream

    def _callback(self, frames: FloatArray, _count: int, time: Any, status: Any) -> None:
        """Runs in the sound card's thread: copies, takes note of the time, and nothing else."""
        now_s = self._clock.monotonic()
        age_s = time.currentTime - time.inputBufferAdcTime
        # Not every host API tells when sound was captured.
        if not 0.0 < age_s < _ADC_AGE_S:
            age_s = len(frames) / self._rate_hz
        position = self._ring.written
        if status.input_overflow:
            self._overflowed.append((position, now_s - age_s))
        self._ring.write(frames)
        self._captured = (position, now_s - age_s)
        self._heard_s = now_s
        self._arrived.set()

    def _on_finished(self) -> None:
        self._finished = True
        self._arrived.set()

    def read(self, timeout_s: float) -> Block | None:
        """What arrived since the last call, at most a second; waits where nothing did."""
        if self._stream is None:
            raise CaptureError(Reason.of("device_not_open", device=self._device))
        if PORTAUDIO.stale:
            raise CaptureError(Reason.of("cards_changed"))
        self._arrived.clear()
        if self._ring.waiting == 0 and not self._finished:
            self._arrived.wait(timeout_s)
        captured = self._captured
        if self._ring.waiting == 0 or captured is None:
            self._check_alive()
            return None
        position, frames = self._ring.read(self._read_most())
        if position > self._position:
            self._overflows += 1
            self._dropped += position - self._position
            self._assembly.skip(position - self._position)
        self._position = position
        self._assembly.observe(captured[0] - position, captured[1])
        block = self._assembly.add(frames)
        self._position += len(frames)
        return block

    def _read_most(self) -> int:
        """Frames that may be read at once; accounts for overflows of the device on the way."""
        while self._overflowed and self._overflowed[0][0] <= self._position:
            position, captured_s = self._overflowed.popleft()
            self._overflows += 1
            lost = self._assembly.late_frames(position - self._position, captured_s)
            if lost > _LOSS_S * self._rate_hz:
                self._dropped += lost
                self._assembly.skip(lost)
        most = round(_READ_S * self._rate_hz)
        return min(most, self._overflowed[0][0] - self._position) if self._overflowed else most

    def _check_alive(self) -> None:
        if self._finished:
            raise CaptureError(Reason.of("device_stopped", device=self._device))
        quiet_s = self._clock.monotonic() - self._heard_s
        if quiet_s > self._stall_s:
            raise CaptureError(
                Reason.of("device_quiet", device=self._device, seconds=round(quiet_s, 1))
            )


def _accepted_rate_hz(library: ModuleType, device: Device, channels: int) -> int:
    """The device's own rate, or another where it refuses that."""
    refusal: Exception | None = None
    for rate_hz in (device.sample_rate_hz, *_OTHER_RATES_HZ):
        try:
            library.check_input_settings(
                device=device.index, channels=channels, dtype="float32", samplerate=rate_hz
            )
        except library.PortAudioError as error:
            refusal = refusal or error
        else:
            return rate_hz
    raise CaptureError(_refusal(device, refusal)) from refusal


def _refusal(device: Device, error: Exception | None) -> Reason:
    detail = str(error).replace("\n", " ")
    return Reason.of("device_busy", device=device.label, detail=detail)
