"""Microphones on a real PortAudio device: the monitor of a sound server's null sink."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.capture.microphone import Microphone
from agent.capture.portaudio import list_devices
from agent.capture.supervisor import Backoff, Supervisor
from agent.core.clock import SystemClock
from agent.core.errors import CaptureError
from agent.core.records import SourceState
from tests.integration.pulse import SINK_RATE_HZ, PulseServer, pulse_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.records import Block

pytestmark = pytest.mark.device

RATE_HZ = 32_000
PATIENCE_S = 300.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseServer]:
    """A sound server of our own, and PortAudio pointed at it."""
    with pulse_server(tmp_path / "pulse", monkeypatch) as running:
        yield running


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds of coloured noise in bursts, which match themselves at one place only."""
    random = np.random.default_rng(7)
    noise = np.convolve(random.standard_normal(2 * 48_000), np.hanning(12), mode="same")
    bursts = np.repeat(random.uniform(0.05, 1.0, 40), 2_400)
    sound = noise * bursts
    path = tmp_path / "bursts.wav"
    soundfile.write(path, 0.5 * sound / np.abs(sound).max(), 48_000, subtype="PCM_16")
    return path


def microphone(device: str = "default", **options: float) -> Microphone:
    """A microphone of the first channel."""
    return Microphone(
        "mic1",
        device=device,
        channels=(1,),
        sample_rate_hz=RATE_HZ,
        clock=SystemClock(),
        **options,
    )


def read_blocks(source: Microphone, seconds: float) -> list[Block]:
    """The next blocks of a source, as many as make up a time."""
    blocks: list[Block] = []
    while sum(len(block.samples) for block in blocks) < seconds * RATE_HZ:
        block = source.read(0.2)
        if block is not None:
            blocks.append(block)
    return blocks


def test_device_is_listed(server: PulseServer) -> None:
    """The default device of the sound server is there, by name."""
    devices = list_devices()
    assert [d.name for d in devices if d.is_default] == ["default"]
    assert {d.name for d in devices} == {"default", "pulse"}
    assert all(d.host_api == "ALSA" and d.channels > 0 for d in devices)


def test_no_device_is_an_empty_list(server: PulseServer) -> None:
    """A machine without any device has an empty list, not an error."""
    server.kill()
    assert list_devices() == ()


def test_what_is_played_is_heard(server: PulseServer, recording: Path, tmp_path: Path) -> None:
    """The device's sound arrives at its own level, at the bundle's rate, and losses are counted.

    Another recorder of the same device tells what it gave: where this machine is busy, a sound
    server pauses what is played, and the other recorder loses some of it, too.
    """
    reference = tmp_path / "reference.wav"
    source = microphone()
    source.open()
    try:
        read_blocks(source, 0.2)
        with server.recording(reference) as recorder:
            blocks = read_blocks(source, 0.5)
            with server.playing(recording) as player:
                while player.poll() is None:
                    blocks += read_blocks(source, 0.2)
            blocks += read_blocks(source, 1.5)
            assert recorder.poll() is None
    finally:
        source.close()
    given, rate_hz = soundfile.read(reference)
    assert rate_hz == SINK_RATE_HZ
    given, played = _phases(given), _phases(soundfile.read(recording)[0])
    start = played[0][: len(played[0]) // 8]
    assert max(_likeness(start, one) for one in given) > 0.95
    # Where sound was lost, the index jumps and the loss is counted; between, all of it is there.
    runs = [[blocks[0]]]
    for before, after in itertools.pairwise(blocks):
        missing = after.index - before.index - len(before.samples)
        assert missing >= 0
        if missing:
            runs.append([])
        runs[-1].append(after)
    assert (source.counters().dropped_samples > 0) == (len(runs) > 1)
    heard = [_low_passed(np.concatenate([b.samples for b in run]), 2)[::2] for run in runs]
    loud = [run for run in heard if len(run) >= 1_600 and run.std() > 0.01]
    assert loud
    for run in loud:
        sounding = np.flatnonzero(np.abs(run) > 1e-3)
        pieces = _pieces(run[sounding[0] : sounding[-1] + 1])
        found = [any(_likeness(one, whole) > 0.95 for whole in given + played) for one in pieces]
        # A pause of the player, or what the other recorder lost, lies in one piece in some seconds.
        assert np.mean(found) > 0.95


def _pieces(sound: np.ndarray) -> list[np.ndarray]:
    """Fiftieths of a second at 16 kHz that are loud enough to be told apart."""
    pieces = [sound[start : start + 320] for start in range(0, len(sound) - 319, 320)]
    return [piece for piece in pieces if piece.std() > 0.01]


def _likeness(part: np.ndarray, whole: np.ndarray) -> float:
    """Correlation of a part with the place of the whole that it fits best; 0 at another level."""
    size = 1 << int(np.ceil(np.log2(len(part) + len(whole))))
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    energy = np.concatenate([[0.0], np.cumsum(whole * whole)])
    places = len(whole) - len(part) + 1
    own = energy[len(part) :] - energy[:places]
    fits = product[:places] / np.sqrt(np.maximum(own, 1e-9) * (part @ part))
    start = int(fits.argmax())
    if abs(10 * np.log10(max(own[start], 1e-9) / (part @ part))) > 1.0:
        return 0.0
    return float(fits[start])


def _phases(sound: np.ndarray) -> list[np.ndarray]:
    """Every third sample of the sink's sound, from its first, its second and its third on.

    A loss leaves the samples of what follows anywhere between those of another recorder. Half a
    sample at 16 kHz is enough to make the same sound unlike, so each of the sink's own is tried.
    """
    passed = _low_passed(sound, 3)
    return [passed[phase::3] for phase in range(3)]


def _low_passed(sound: np.ndarray, factor: int) -> np.ndarray:
    """A sound without what would fold back where only every n-th sample is kept."""
    spectrum = np.fft.rfft(sound.astype(np.float64))
    spectrum[int(0.9 * len(spectrum) / factor) :] = 0.0
    return np.fft.irfft(spectrum, len(sound))


def test_time_of_capture_is_now(server: PulseServer) -> None:
    """UTC of a block lies between the opening and the reading."""
    clock = SystemClock()
    source = microphone()
    opened_at = clock.now()
    source.open()
    try:
        blocks = read_blocks(source, 1.0)
    finally:
        source.close()
    # What the server had recorded just before the opening may come first.
    assert opened_at - 2.5 < blocks[0].captured_at
    last = blocks[-1]
    assert last.captured_at + len(last.samples) / RATE_HZ <= clock.now() + 0.01
    spent_s = last.captured_at - blocks[0].captured_at
    assert spent_s == pytest.approx((last.index - blocks[0].index) / RATE_HZ, abs=0.05)


def test_unknown_device_names_those_there_are(server: PulseServer) -> None:
    """The message tells what could be written instead."""
    with pytest.raises(CaptureError, match=r"'Yeti' not found.*'pulse, ALSA'.*'default, ALSA'"):
        microphone("Yeti").open()


def test_missing_channel_is_told(server: PulseServer) -> None:
    """A channel that the device does not have is refused with the number that it has."""
    source = Microphone(
        "mic1", device="default", channels=(99,), sample_rate_hz=RATE_HZ, clock=SystemClock()
    )
    with pytest.raises(CaptureError, match="has 32 input channels, not 99"):
        source.open()


def test_opened_again_the_index_jumps(server: PulseServer) -> None:
    """A closed microphone can be opened again and never gives an index twice."""
    source = microphone()
    source.open()
    first = read_blocks(source, 0.2)
    source.open()
    try:
        second = read_blocks(source, 0.2)
    finally:
        source.close()
        source.close()
    assert second[0].index >= first[-1].index + len(first[-1].samples)


def test_read_of_a_closed_microphone_is_refused(server: PulseServer) -> None:
    """Nothing hangs when it was not opened."""
    with pytest.raises(CaptureError, match="not open"):
        microphone().read(0.0)


def test_slow_reader_loses_the_oldest_and_counts(
    server: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ring could not hold shows in the counters and as a jump of the index."""
    monkeypatch.setattr("agent.capture.microphone._RING_S", 0.1)
    source = microphone()
    source.open()
    try:
        before = read_blocks(source, 0.1)[-1]
        read = source._ring.written
        while source._ring.written < read + source._rate_hz // 2:
            threading.Event().wait(0.01)
        after = source.read(PATIENCE_S)
    finally:
        source.close()
    assert after is not None
    lost = source.counters().dropped_samples
    assert source.counters().overflows >= 1
    assert lost >= source._rate_hz // 4
    jump = after.index - before.index - len(before.samples)
    # What the resampler held before the gap goes with it: some milliseconds.
    assert jump == pytest.approx(lost * RATE_HZ / source._rate_hz, abs=0.02 * RATE_HZ)


def test_dead_server_is_an_error(server: PulseServer) -> None:
    """A device that vanishes while it is read is reported, and can be closed."""
    source = microphone(stall_s=1.0)
    source.open()
    read_blocks(source, 0.2)
    server.kill()
    with pytest.raises(CaptureError, match=r"stopped by itself|delivered nothing"):
        read_blocks(source, 1_000.0)
    source.close()
    with pytest.raises(CaptureError, match="shows no input device"):
        source.open()


def test_supervisor_heals(server: PulseServer) -> None:
    """Missing at the start, lost, back again: states follow and sound goes on."""
    server.kill()
    supervisor = Supervisor(
        microphone(stall_s=2.0),
        sample_rate_hz=RATE_HZ,
        clock=SystemClock(),
        backoff=Backoff(first_s=0.1, most_s=0.2),
    )
    stop = threading.Event()
    watchdog = threading.Timer(60.0, stop.set)  # ends the blocks, and so fails the test
    watchdog.start()
    blocks = supervisor.blocks(stop)
    try:
        next(blocks)
        assert supervisor.status.state is SourceState.LOST
        assert "shows no input device" in supervisor.status.reason

        server.start()
        first = next(block for block in blocks if block is not None)
        assert supervisor.status.state is SourceState.OK

        server.kill()
        next(tick for tick in blocks if supervisor.status.state is SourceState.LOST)

        server.start()
        later = next(block for block in blocks if block is not None)
        assert supervisor.status.state is SourceState.OK
        assert supervisor.status.reopenings >= 1
        assert later.index > first.index
        assert later.captured_at > first.captured_at
    finally:
        watchdog.cancel()
        blocks.close()


def test_two_microphones_at_once(server: PulseServer) -> None:
    """A second one is opened while the first goes on."""
    first, second = microphone("default"), microphone("pulse")
    first.open()
    second.open()
    try:
        read_blocks(first, 0.2)
        read_blocks(second, 0.2)
        second.close()
        read_blocks(first, 0.2)
    finally:
        first.close()
        second.close()


def test_new_sound_card_makes_running_microphones_step_back(
    server: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PortAudio cannot look again while a stream is open: the one that runs makes room."""
    running, waiting = microphone("default"), microphone("pulse")
    running.open()
    read_blocks(running, 0.1)
    monkeypatch.setattr("agent.capture.portaudio.cards", lambda: " 1 [Device]: USB-Audio")
    opening = threading.Thread(target=waiting.open)
    opening.start()
    with pytest.raises(CaptureError, match="sound cards have changed"):
        read_blocks(running, 1_000.0)
    running.close()
    opening.join(PATIENCE_S)
    try:
        read_blocks(waiting, 0.1)
        running.open()
        read_blocks(running, 0.1)
        read_blocks(waiting, 0.1)
    finally:
        running.close()
        waiting.close()


def test_hanging_server_is_given_up(server: PulseServer) -> None:
    """A sound server that does not answer costs seconds, not the agent."""
    assert server.process is not None
    source = microphone(stall_s=0.5)
    source.open()
    read_blocks(source, 0.1)
    server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(CaptureError, match="delivered nothing"):
            read_blocks(source, 1_000.0)
        # Closing hangs, or, where ALSA has given the server up by itself, opening does.
        with pytest.raises(CaptureError, match="does not answer within"):
            source.open()
    finally:
        server.process.send_signal(signal.SIGCONT)
    _open_late(source)
    read_blocks(source, 0.1)
    source.close()


def test_device_that_opens_late_is_opened_once(server: PulseServer) -> None:
    """A call that hung may still open the device: that stream does not stay beside the next."""
    assert server.process is not None
    source = microphone()
    server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(CaptureError, match="does not answer within"):
            source.open()
    finally:
        server.process.send_signal(signal.SIGCONT)
    _open_late(source)
    read_blocks(source, 0.1)
    assert server.recorders() == 1
    source.close()
    assert server.recorders() == 0


def _open_late(source: Microphone) -> None:
    """Open as soon as what hung before has come to its end."""
    patience_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            source.open()
        except CaptureError as error:
            if "still does not answer" not in str(error) or time.monotonic() > patience_s:
                raise
        else:
            return
