"""What a microphone makes of callbacks; what no real device does when it is asked to."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.capture.devices import Device
from agent.capture.microphone import Microphone
from agent.capture.portaudio import input_devices, list_devices
from agent.core.errors import CaptureError
from tests.fakes import FakeClock

RATE_HZ = 32_000
DEVICE = Device(0, "Yeti", "ALSA", 2, RATE_HZ, is_default=True)
FINE = SimpleNamespace(input_overflow=False)
OVERFLOW = SimpleNamespace(input_overflow=True)


class Library:
    """PortAudio's part of the interface, turned by the test."""

    class PortAudioError(Exception):
        """As sounddevice raises it."""

    def __init__(self, accepted_hz: tuple[int, ...] = (RATE_HZ,)) -> None:
        self.accepted_hz = accepted_hz
        self.options: dict[str, Any] = {}

    def check_input_settings(self, *, samplerate: int, **_options: object) -> None:
        """Refuses all rates but some."""
        if samplerate not in self.accepted_hz:
            raise self.PortAudioError("Invalid sample rate\n[PaErrorCode -9997]")

    def InputStream(self, **options: Any) -> SimpleNamespace:  # noqa: N802 - sounddevice's name
        """A stream that does nothing by itself."""
        self.options = options
        return SimpleNamespace(start=lambda: None)


class Rig:
    """A microphone whose callback the test calls."""

    def __init__(self, device: Device = DEVICE, library: Library | None = None) -> None:
        self.clock = FakeClock()
        self.library = library or Library()
        self.microphone = Microphone(
            "mic1", device="Yeti", channels=(1,), sample_rate_hz=RATE_HZ, clock=self.clock
        )
        self.microphone._stream = self.microphone._make(self.library, device)

    def deliver(
        self, seconds: float, *, age_s: float = 0.0, status: SimpleNamespace = FINE
    ) -> None:
        """Let time pass, then call back with as much sound."""
        self.clock.advance(seconds)
        frames = np.full((round(seconds * RATE_HZ), 2), 0.1, np.float32)
        time = SimpleNamespace(currentTime=50.0, inputBufferAdcTime=50.0 - age_s)
        self.library.options["callback"](frames, len(frames), time, status)


def test_block_is_dated_by_the_converter() -> None:
    """The first sample was captured when the device says so."""
    rig = Rig()
    rig.deliver(0.1, age_s=0.25)
    block = rig.microphone.read(0.0)
    assert block is not None
    assert block.captured_at == pytest.approx(rig.clock.now() - 0.25)
    assert (block.index, len(block.samples)) == (0, 3_200)


@pytest.mark.parametrize("age_s", [0.0, -1.0, 50.0])
def test_device_that_does_not_tell_is_dated_by_arrival(age_s: float) -> None:
    """Some host APIs give zero or nonsense: then the last sample is from now."""
    rig = Rig()
    rig.deliver(0.1, age_s=age_s)
    block = rig.microphone.read(0.0)
    assert block is not None
    assert block.captured_at == pytest.approx(rig.clock.now() - 0.1)


def test_overflow_of_the_device_is_a_jump_by_the_time_that_is_missing() -> None:
    """The card says that something was lost, and the clock says how much."""
    rig = Rig()
    rig.deliver(0.25)
    assert rig.microphone.read(0.0) is not None
    rig.deliver(0.25)
    rig.clock.advance(0.25)
    rig.deliver(0.5, status=OVERFLOW)
    first, second = rig.microphone.read(0.0), rig.microphone.read(0.0)
    assert first is not None
    assert second is not None
    assert (first.index, len(first.samples)) == (8_000, 8_000)
    assert second.index == pytest.approx(24_000, abs=20)
    assert second.captured_at - first.captured_at == pytest.approx(0.5, abs=1e-3)
    counters = rig.microphone.counters()
    assert counters.overflows == 1
    assert counters.dropped_samples == pytest.approx(8_000, abs=20)


def test_overflow_without_a_loss_is_only_counted() -> None:
    """Some cards report one at the start though nothing is missing."""
    rig = Rig()
    rig.deliver(0.1, status=OVERFLOW)
    rig.deliver(0.1, status=OVERFLOW)
    blocks = [rig.microphone.read(0.0) for _ in range(2)]
    assert [block.index for block in blocks if block is not None] == [0, 3_200]
    assert rig.microphone.counters().overflows == 2
    assert rig.microphone.counters().dropped_samples == 0


def test_standstill_is_an_error_after_its_time() -> None:
    """A card whose callbacks stop without a word is given up."""
    rig = Rig()
    rig.deliver(0.1)
    assert rig.microphone.read(0.0) is not None
    rig.clock.advance(4.9)
    assert rig.microphone.read(0.0) is None
    rig.clock.advance(0.2)
    with pytest.raises(CaptureError, match=r"'Yeti' delivered nothing for 5\.1 s"):
        rig.microphone.read(0.0)


def test_stream_that_ends_by_itself_is_an_error_at_once() -> None:
    """PortAudio gives up the stream of a card that was unplugged; what came before is read."""
    rig = Rig()
    rig.deliver(0.1)
    rig.library.options["finished_callback"]()
    assert rig.microphone.read(0.0) is not None
    with pytest.raises(CaptureError, match="stopped by itself"):
        rig.microphone.read(600.0)


def test_refused_rate_is_replaced_by_one_that_is_accepted() -> None:
    """A device that lies about its own rate is opened with another."""
    rig = Rig(library=Library(accepted_hz=(44_100, 16_000)))
    assert rig.library.options["samplerate"] == 44_100


def test_device_that_refuses_all_is_told_in_one_line() -> None:
    """PortAudio's message goes on, without its line breaks."""
    with pytest.raises(CaptureError, match=r"'Yeti, ALSA' cannot be opened: Invalid.*\]; is an"):
        Rig(library=Library(accepted_hz=()))


@pytest.mark.parametrize(("channels", "opened"), [(2, 2), (8, 8), (32, 1), (128, 1)])
def test_card_is_opened_with_all_its_channels(channels: int, opened: int) -> None:
    """A sound server claims more than there are, and is asked for what is needed."""
    rig = Rig(Device(0, "any", "ALSA", channels, RATE_HZ, is_default=True))
    assert rig.library.options["channels"] == opened


def test_missing_portaudio_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import of sounddevice fails without the C library."""
    real = builtins.__import__

    def without_portaudio(name: str, *rest: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(CaptureError, match="apt-get install libportaudio2"):
        list_devices()


def test_refusal_to_list_devices_is_an_error_that_is_tried_again() -> None:
    """What PortAudio raises of its own does not end the thread that listens."""
    library = Library()

    def query_hostapis() -> None:
        raise library.PortAudioError("Error querying host API 0")

    library.query_hostapis = query_hostapis  # type: ignore[attr-defined]
    with pytest.raises(CaptureError, match="cannot list the sound devices: Error querying"):
        input_devices(library)  # type: ignore[arg-type]
