"""Network cameras and streams (RTSP, HTTP): ffmpeg decodes, its pipe is a stream of raw samples."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from agent.capture.stream import StreamSource
from agent.config.settings import STREAM_SCHEMES
from agent.errors import CaptureError

if TYPE_CHECKING:
    from agent.clock import Clock

# A playlist from the network must not make ffmpeg read the box's own files.
_PROTOCOLS = "rtsp,rtsps,http,https,httpproxy,rtp,srtp,udp,srt,tcp,tls,crypto"
_STALL_S = 10.0
_MOST_ERROR_BYTES = 4_096


class Ffmpeg:
    """One ffmpeg process that sends mono float32."""

    def __init__(self, url: str, sample_rate_hz: int) -> None:
        self._url = url
        self._rate_hz = sample_rate_hz
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: int | None = None

    def open(self) -> int:
        """Start it; that it cannot connect shows when its output ends."""
        self.close()
        scheme = self._url.partition("://")[0]
        if scheme not in STREAM_SCHEMES:
            raise CaptureError(
                f"stream '{_public(self._url)}' is not read; write a URL with one of "
                f"{', '.join(STREAM_SCHEMES)}"
            )
        over_tcp = ["-rtsp_transport", "tcp"] if scheme.startswith("rtsp") else []
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", *over_tcp]
        command += ["-protocol_whitelist", _PROTOCOLS, "-i", self._url, "-vn"]
        command += ["-f", "f32le", "-ac", "1", "-ar", str(self._rate_hz), "pipe:1"]
        self._errors, writing = os.pipe()
        # Years of complaints must not fill the pipe and stop ffmpeg: what does not fit is dropped.
        os.set_blocking(self._errors, False)
        os.set_blocking(writing, False)
        try:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=writing)
        except OSError as error:
            raise CaptureError("ffmpeg is missing; install it: apt-get install ffmpeg") from error
        finally:
            os.close(writing)
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        return self._process.stdout.fileno()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._errors is not None:
            os.close(self._errors)
            self._errors = None

    def at_end(self) -> None:
        """A stream that ends is one that was lost."""
        reason = "it ended"
        if self._errors is not None:
            try:
                said = (
                    os.read(self._errors, _MOST_ERROR_BYTES).decode("utf-8", "replace").split("\n")
                )
            except BlockingIOError:  # nothing was said
                said = []
            reason = next((line.strip() for line in said if line.strip()), reason)
        raise CaptureError(f"stream '{_public(self._url)}' is lost: {_public(reason)}")


def _public(text: str) -> str:
    """A text without the user names and passwords of the URLs in it."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def ffmpeg_source(name: str, url: str, sample_rate_hz: int, clock: Clock) -> StreamSource:
    """A source that plays a URL; lost and tried again like a microphone."""
    return StreamSource(
        name,
        Ffmpeg(url, sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        clock=clock,
        stall_s=_STALL_S,
    )
