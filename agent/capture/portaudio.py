"""The one PortAudio of this process, through sounddevice: its devices, opened and closed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from agent.capture.devices import Device, card_identity, cards, find_device, stable_name
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

CALL_S = 5.0
"""Longest that PortAudio may take to open or close."""
_RENEWAL_S = 300.0


class PortAudio:
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
        """Whether the sound cards have changed while a microphone runs."""

    def devices(self) -> tuple[Device, ...]:
        """Input devices of now, or of when the microphones that are open were opened."""
        with self._changed:
            library = _sounddevice()
            if self._streams == 0:
                self._renew(library)
            return input_devices(library)

    def open(
        self, wanted: str, make: Callable[[ModuleType, Device], Any], monotonic_s: float
    ) -> Any:
        """Find a device among those of now and make a running stream of it."""
        with self._changed:
            library = _sounddevice()
            since_s = monotonic_s - self._renewed_s
            if self._cards != cards() or (self._missed and since_s > _RENEWAL_S):
                self.stale = self._streams > 0
                if not self._changed.wait_for(lambda: self._streams == 0, CALL_S / 2):
                    raise CaptureError(Reason.of("device_waits", device=wanted))
            if self._streams == 0:
                self._renew(library)
                self._renewed_s = monotonic_s
            try:
                stream = make(library, find_device(input_devices(library), wanted))
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
            raise CaptureError(Reason.of("device_not_closed", detail=str(error))) from error
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


PORTAUDIO = PortAudio()
"""A process has only one, whatever we would like."""


def _sounddevice() -> ModuleType:
    """The library, imported when the first microphone needs it."""
    try:
        import sounddevice
    except OSError as error:
        raise CaptureError(Reason.of("portaudio_missing")) from error
    return sounddevice  # type: ignore[no-any-return]


def input_devices(library: ModuleType) -> tuple[Device, ...]:
    """The input devices that the library lists.

    Raises:
        CaptureError: PortAudio cannot list them.
    """
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
    return PORTAUDIO.devices()
