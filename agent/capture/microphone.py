"""Microphones through PortAudio: chosen by name, at their own rate, watched for standstill."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.capture.assembly import Assembly
from agent.capture.devices import Device, card_identity, cards, find_device, stable_name
from agent.capture.ring import RingBuffer
from agent.capture.source import SourceCounters
from agent.capture.timed_call import TimedCall
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from agent.core.clock import Clock
    from agent.core.records import Block, FloatArray

# A sound server such as PulseAudio takes up to two seconds until an idle device delivers.
STALL_S = 5.0

_CALL_S = 5.0  # longest that PortAudio may take to open or close
_RING_S = 10.0
_DELIVERY_S = 0.02  # one callback
_LATENCY_S = 0.2  # the card's own buffer: how long our callback may be kept waiting
_READ_S = 1.0  # longest block
_ADC_AGE_S = 2.0  # an older time of capture is not one
_LOSS_S = 0.005  # a smaller loss cannot be told from jitter
_MOST_CHANNELS = 16  # a device that claims more is a sound server, which makes as many as asked
_OTHER_RATES_HZ = (48_000, 44_100, 32_000, 16_000)
_RENEWAL_S = 300.0


class _PortAudio:
    """The one PortAudio of this process: its list of devices is frozen when it is initialised.

    It is initialised anew before a device is opened, which needs all streams closed. So when the
    sound cards have changed while another microphone runs, that one is asked to step back: its
    ``read`` sees ``stale``, and it opens again a moment later.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._streams = 0
        self._cards: str | None = None
        self._renewed_s = 0.0
        self._missed = False
        self.stale = False

    def devices(self) -> tuple[Device, ...]:
        """Input devices of now, or of when the microphones that are open were opened."""
        with self._changed:
            library = _sounddevice()
            if self._streams == 0:
                self._renew(library)
            return _input_devices(library)

    def open(
        self, wanted: str, make: Callable[[ModuleType, Device], Any], monotonic_s: float
    ) -> Any:
        """Find a device among those of now and make a running stream of it."""
        with self._changed:
            library = _sounddevice()
            since_s = monotonic_s - self._renewed_s
            if self._cards != cards() or (self._missed and since_s > _RENEWAL_S):
                self.stale = self._streams > 0
                if not self._changed.wait_for(lambda: self._streams == 0, _CALL_S / 2):
                    raise CaptureError(Reason.of("device_waits", device=wanted))
            if self._streams == 0:
                self._renew(library)
                self._renewed_s = monotonic_s
            try:
                stream = make(library, find_device(_input_devices(library), wanted))
            except CaptureError:
                self._missed = True
                raise
            self._missed = False
            self._streams += 1
            return stream

    def close(self, stream: Any) -> None:
        """Stop a stream and free its device."""
        library = _sounddevice()
        try:
            stream.abort()
            stream.close()
        except library.PortAudioError as error:
            raise CaptureError(f"the sound device cannot be closed: {error}") from error
        finally:
            with self._changed:
                self._streams -= 1
                self._changed.notify_all()

    def _renew(self, library: ModuleType) -> None:
        try:
            library._terminate()  # noqa: SLF001 - the documented way to see new devices
            library._initialize()  # noqa: SLF001
        except library.PortAudioError as error:
            raise CaptureError(Reason.of("portaudio_not_started", detail=str(error))) from error
        self._cards = cards()
        self.stale = False


_PORTAUDIO = _PortAudio()  # a process has only one, whatever we would like


def _sounddevice() -> ModuleType:
    """The library, imported when the first microphone needs it."""
    try:
        import sounddevice
    except OSError as error:
        raise CaptureError(Reason.of("portaudio_missing")) from error
    return sounddevice  # type: ignore[no-any-return]


def _input_devices(library: ModuleType) -> tuple[Device, ...]:
    try:
        return _listed(library)
    except library.PortAudioError as error:
        raise CaptureError(Reason.of("portaudio_no_list", detail=str(error))) from error


def _listed(library: ModuleType) -> tuple[Device, ...]:
    apis = library.query_hostapis()
    default = library.default.device[0]
    found = []
    for info in library.query_devices():
        if info["max_input_channels"] < 1:
            continue
        name, card = stable_name(info["name"])
        found.append(
            Device(
                index=info["index"],
                name=name,
                host_api=apis[info["hostapi"]]["name"],
                channels=info["max_input_channels"],
                sample_rate_hz=round(info["default_samplerate"]),
                is_default=info["index"] == default,
                identity="" if card is None else card_identity(card),
            )
        )
    return tuple(found)


def list_devices() -> tuple[Device, ...]:
    """Every input device of this machine; empty where there is none.

    Raises:
        CaptureError: PortAudio is not installed or does not start.
    """
    return _PORTAUDIO.devices()


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
        self._timed_call.run(self._start, _CALL_S)

    def close(self) -> None:
        """Stop the device."""
        if self._stream is not None:
            self._timed_call.run(self._stop, _CALL_S / 2)

    def _stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            _PORTAUDIO.close(stream)

    def _start(self) -> None:
        self._stop()  # what a call that hung has opened meanwhile
        self._stream = _PORTAUDIO.open(self._device, self._make, self._clock.monotonic())

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
        if _PORTAUDIO.stale:
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
