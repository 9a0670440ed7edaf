"""Streams through a real ffmpeg, from a real HTTP server."""

from __future__ import annotations

import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent.capture.network import network_source
from agent.capture.supervisor import Supervisor
from agent.config import StreamSettings
from agent.core.clock import SystemClock
from agent.core.errors import CaptureError
from agent.core.records import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.capture.stream import StreamSource
    from agent.core.records import Block

RATE_HZ = 32_000

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_args: object) -> None:
        """Requests are no news."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Host and port that serve a second of stereo noise at 48 kHz."""
    noise = np.random.default_rng(4).uniform(-0.5, 0.5, (48_000, 2))
    soundfile.write(tmp_path / "noise.flac", noise, 48_000)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def read_all(source: StreamSource, blocks: list[Block]) -> None:
    """Collect blocks up to the error that ends a stream."""
    while not source.ended:
        block = source.read(1.0)
        if block is not None:
            blocks.append(block)


@needs_ffmpeg
def test_stream_is_heard_and_its_end_is_a_loss(address: str) -> None:
    """All sound comes, and then the supervisor learns that there is no more."""
    source = network_source(
        StreamSettings("camera", f"http://{address}/noise.flac"), RATE_HZ, SystemClock()
    )
    source.open()
    blocks: list[Block] = []
    with pytest.raises(CaptureError, match="is lost: it ended"):
        read_all(source, blocks)
    source.close()
    assert sum(len(block.samples) for block in blocks) == RATE_HZ


@needs_ffmpeg
def test_reason_of_ffmpeg_is_told_without_the_password(address: str) -> None:
    """What ffmpeg says reaches the operator, and the camera's password does not."""
    source = network_source(
        StreamSettings("camera", f"http://me:secret@{address}/none"), RATE_HZ, SystemClock()
    )
    source.open()
    with pytest.raises(CaptureError, match="404") as caught:
        read_all(source, [])
    source.close()
    assert "secret" not in str(caught.value)
    assert address in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "-version", "concat:a|b", ""])
def test_other_schemes_are_refused(url: str) -> None:
    """A URL reaches the network, not the box's files, and is never an option of ffmpeg."""
    with pytest.raises(CaptureError, match="write a URL with one of rtsp"):
        network_source(StreamSettings("camera", url), RATE_HZ, SystemClock()).open()


def test_missing_ffmpeg_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CaptureError, match="apt-get install ffmpeg"):
        network_source(StreamSettings("camera", "http://127.0.0.1/"), RATE_HZ, SystemClock()).open()


@needs_ffmpeg
def test_close_ends_the_process(address: str) -> None:
    """No process stays behind, and closing twice is fine."""
    source = network_source(
        StreamSettings("camera", f"http://{address}/noise.flac"), RATE_HZ, SystemClock()
    )
    source.open()
    process = source._pipe._ffmpeg._process
    source.close()
    source.close()
    assert process.returncode is not None


def film(folder: Path, *arguments: str) -> str:
    """A recording of a camera as ffmpeg writes it; its name."""
    command = ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", *arguments]
    subprocess.run([*command, str(folder / "film.mkv")], check=True)
    return "film.mkv"


def stream(address: str, name: str, **settings: Any) -> StreamSource:
    """A source of what the server has under a name."""
    chosen = StreamSettings("camera", f"http://{address}/{name}", **settings)
    return network_source(chosen, RATE_HZ, SystemClock())


def refusal(source: StreamSource) -> str:
    """Why nothing is heard."""
    source.open()
    with pytest.raises(CaptureError) as caught:
        read_all(source, [])
    source.close()
    return str(caught.value)


def video(seconds: int) -> list[str]:
    """Pictures without sound."""
    return ["-f", "lavfi", "-i", f"testsrc=size=64x64:rate=5:duration={seconds}"]


@needs_ffmpeg
def test_a_camera_without_sound_says_what_to_do(address: str, tmp_path: Path) -> None:
    """Not in the words of ffmpeg, which are of maps and streams."""
    name = film(tmp_path, *video(1))
    assert refusal(stream(address, name)) == (
        f"stream 'http://{address}/film.mkv' has no sound; switch the camera's audio on (where "
        "its video is set up), or write the URL of a stream that has it"
    )


@needs_ffmpeg
def test_a_track_that_is_not_there_is_told_with_those_that_are(
    address: str, tmp_path: Path
) -> None:
    """One, or several."""
    assert refusal(stream(address, "noise.flac", track=2)).endswith(
        "noise.flac' has 1 sound track, not 2; write track: 1"
    )
    tone = ["-f", "lavfi", "-i", "sine=duration=1"]
    name = film(tmp_path, *tone, *tone, "-map", "0", "-map", "1")
    assert refusal(stream(address, name, track=3)).endswith(
        "film.mkv' has 2 sound tracks, not 3; write track: 1 to 2"
    )


@needs_ffmpeg
def test_a_silent_track_names_the_others_and_another_can_be_chosen(
    address: str, tmp_path: Path
) -> None:
    """As many cameras have them: one for the microphone that is built in, one for a socket."""
    silence = ["-f", "lavfi", "-i", "anullsrc=channel_layout=mono:sample_rate=16000:duration=8"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=8"]
    inputs = [*video(8), *silence, *tone]
    name = film(tmp_path, *inputs, "-map", "0", "-map", "1", "-map", "2", "-c:a", "pcm_s16le")
    supervisor = Supervisor(stream(address, name), sample_rate_hz=RATE_HZ, clock=SystemClock())
    stop = threading.Event()
    for _ in supervisor.blocks(stop):
        if supervisor.status.state is SourceState.SILENT:
            stop.set()
    assert (
        "check plug, mute and gain; or hear another sound track of the stream: track: 2 "
        "(pcm_s16le, 48000 Hz" in supervisor.status.reason
    )
    source = stream(address, name, track=2)
    source.open()
    blocks: list[Block] = []
    with pytest.raises(CaptureError, match="is lost: it ended"):
        read_all(source, blocks)
    source.close()
    samples = np.concatenate([block.samples for block in blocks])
    spectrum = np.abs(np.fft.rfft(samples[:RATE_HZ]))
    assert int(spectrum.argmax()) == 440
    assert len(samples) == 8 * RATE_HZ


@needs_ffmpeg
def test_channels_of_a_stream_are_chosen_and_a_mix_that_cancels_is_told(
    address: str, tmp_path: Path
) -> None:
    """Every channel comes from ffmpeg, not its mix of them."""
    noise = np.random.default_rng(5).uniform(-0.5, 0.5, 2 * RATE_HZ)
    sides = np.stack((noise, -0.5 * noise), axis=1)
    soundfile.write(tmp_path / "sides.wav", sides, RATE_HZ, subtype="FLOAT")
    heard = {}
    for channels in (None, (2,), (3,)):
        source = stream(address, "sides.wav", channels=channels)
        blocks: list[Block] = []
        source.open()
        with pytest.raises(CaptureError) as caught:
            read_all(source, blocks)
        source.close()
        heard[channels] = blocks, source.remark, str(caught.value)
    blocks, remark, _ = heard[None]
    assert remark.startswith("channels 1 and 2 cancel each other")
    rest = np.concatenate([block.samples for block in blocks])[-RATE_HZ // 2 :]
    np.testing.assert_allclose(rest, noise[-RATE_HZ // 2 :], atol=1e-6)
    blocks, remark, _ = heard[2,]
    assert remark == ""
    samples = np.concatenate([block.samples for block in blocks])
    np.testing.assert_allclose(samples, -0.5 * noise, atol=1e-6)
    blocks, _, reason = heard[3,]
    assert blocks == []
    assert reason == "source 'camera': has 2 channels, not 3; choose channels from 1 to 2"
