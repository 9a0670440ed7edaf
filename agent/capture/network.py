"""Network cameras and streams (RTSP, HTTP): ffmpeg decodes, and sends a WAV file without an end."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from agent.capture.ffmpeg import Ffmpeg
from agent.capture.stream import StreamSource
from agent.config.sources import STREAM_SCHEMES
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from agent.config.sources import StreamSettings
    from agent.core.clock import Clock

# A playlist from the network must not make ffmpeg read the box's own files.
_PROTOCOLS = "rtsp,rtsps,http,https,httpproxy,rtp,srtp,udp,srt,tcp,tls,crypto"
_STALL_S = 10.0

_LINE = re.compile(r"(?:\[[^\]]* @ [^\]]*\] )?\[(info|error|fatal|panic)\] +(.*)")
_TRACK = re.compile(r"Stream #0:\S+: Audio: ([^,]+(?:, [^,]+){0,2})")
_OUTPUT = "Output #0"
_NO_SUCH_TRACK = ("matches no streams", "does not contain any stream")


class NetworkStream:
    """Sends all channels of one sound track as float32; another ffmpeg each time it is opened."""

    begins_anew = True
    """Another process, another header."""

    def __init__(self, url: str, track: int, sample_rate_hz: int) -> None:
        self._url = url
        self._track = track
        self._rate_hz = sample_rate_hz
        self._ffmpeg: Ffmpeg | None = None

    @property
    def if_silent(self) -> str:
        """Which other sound tracks there are."""
        log = [] if self._ffmpeg is None else self._ffmpeg.log_lines(ended=False)
        others = [
            f"track: {number} ({track})"
            for number, track in enumerate(_tracks(log), start=1)
            if number != self._track
        ]
        if others:
            return Reason.of("stream_other_tracks", tracks=", ".join(others))
        return Reason.of("stream_track_empty")

    def open(self) -> int:
        """Start it; that it cannot connect shows when its output ends."""
        self.close()
        scheme = self._url.partition("://")[0]
        if scheme not in STREAM_SCHEMES:
            schemes = ", ".join(STREAM_SCHEMES)
            raise CaptureError(Reason.of("stream_scheme", url=_public(self._url), schemes=schemes))
        over_tcp = ["-rtsp_transport", "tcp"] if scheme.startswith("rtsp") else []
        self._ffmpeg = Ffmpeg(
            [
                *(*over_tcp, "-protocol_whitelist", _PROTOCOLS, "-i", self._url),
                *("-map", f"0:a:{self._track - 1}", "-c:a", "pcm_f32le", "-f", "wav"),
                *("-ar", str(self._rate_hz), "pipe:1"),
            ]
        )
        return self._ffmpeg.output.fileno()

    def close(self) -> None:
        """End the process."""
        if self._ffmpeg is not None:
            self._ffmpeg.kill()
            self._ffmpeg = None

    def at_end(self) -> None:
        """A stream that ends is one that was lost, or has not what is asked of it."""
        log = [] if self._ffmpeg is None else self._ffmpeg.log_lines()
        url = _public(self._url)
        errors = [text for level, text in _lines(log) if level != "info"]
        if any(phrase in line for line in errors for phrase in _NO_SUCH_TRACK):
            raise CaptureError(self._lacks(url, len(_tracks(log))))
        if errors:
            raise CaptureError(Reason.of("stream_lost", url=url, detail=_public(errors[-1])))
        raise CaptureError(Reason.of("stream_ended", url=url))

    def _lacks(self, url: str, tracks: int) -> Reason:
        if tracks == 0:
            return Reason.of("stream_without_sound", url=url)
        if tracks == 1:
            return Reason.of("stream_one_track", url=url, track=self._track)
        return Reason.of("stream_tracks", url=url, tracks=tracks, track=self._track)


def _lines(log: list[str]) -> list[tuple[str, str]]:
    """Level and text of each line of an ffmpeg's log."""
    found = (_LINE.match(line) for line in log)
    return [(line[1], line[2]) for line in found if line is not None]


def _tracks(log: list[str]) -> list[str]:
    """Sound tracks of what an ffmpeg reads: ``aac (LC), 48000 Hz, stereo``."""
    info = (text for level, text in _lines(log) if level == "info")
    read = takewhile(lambda text: not text.startswith(_OUTPUT), info)
    return [track[1] for text in read if (track := _TRACK.match(text))]


def _public(text: str) -> str:
    """A text without the user names and passwords of the URLs in it."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def network_source(settings: StreamSettings, sample_rate_hz: int, clock: Clock) -> StreamSource:
    """A source that plays a URL; lost and tried again like a microphone."""
    return StreamSource(
        settings.name,
        NetworkStream(settings.url, settings.track, sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        clock=clock,
        stall_s=_STALL_S,
        channels=settings.channels,
    )
