"""Streams through a real ffmpeg, from a real HTTP server."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.capture.ffmpeg import ffmpeg_source
from agent.clock import SystemClock
from agent.config import StreamSettings
from agent.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.capture.stream import StreamSource
    from agent.records import Block

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
    source = ffmpeg_source(
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
    source = ffmpeg_source(
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
        ffmpeg_source(StreamSettings("camera", url), RATE_HZ, SystemClock()).open()


def test_missing_ffmpeg_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CaptureError, match="apt-get install ffmpeg"):
        ffmpeg_source(StreamSettings("camera", "http://127.0.0.1/"), RATE_HZ, SystemClock()).open()


@needs_ffmpeg
def test_close_ends_the_process(address: str) -> None:
    """No process stays behind, and closing twice is fine."""
    source = ffmpeg_source(
        StreamSettings("camera", f"http://{address}/noise.flac"), RATE_HZ, SystemClock()
    )
    source.open()
    process = source._pipe._process
    source.close()
    source.close()
    assert process.returncode is not None
