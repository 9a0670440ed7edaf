"""Network cameras and streams (RTSP, HTTP): ffmpeg decodes, and sends a WAV file without an end."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import deque
from typing import IO, TYPE_CHECKING

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
_ENDED_S = 2.0
_MOST_ERRORS = 20

_LINE = re.compile(r"(?:\[[^\]]* @ [^\]]*\] )?\[(info|error|fatal|panic)\] +(.*)")
_TRACK = re.compile(r"Stream #0:\S+: Audio: ([^,]+(?:, [^,]+){0,2})")
_OUTPUT = "Output #0"
_NO_SUCH_TRACK = ("matches no streams", "does not contain any stream")


class _Listener:
    """Takes down what an ffmpeg says, as long as it says something."""

    def __init__(self, said: IO[bytes]) -> None:
        self.tracks: list[str] = []
        """Sound tracks of what it reads: ``aac (LC), 48000 Hz, stereo``."""
        self.errors: deque[str] = deque(maxlen=_MOST_ERRORS)
        """Its latest complaints."""
        self._said = said
        self._thread = threading.Thread(target=self._listen, name="ffmpeg-said", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until an ffmpeg that has ended has said all."""
        self._thread.join(_ENDED_S)

    def _listen(self) -> None:
        reading = True
        with self._said:
            for raw in self._said:
                line = _LINE.match(raw.decode("utf-8", "replace").strip())
                if line is None:
                    continue
                level, text = line.groups()
                if level != "info":
                    self.errors.append(text)
                    continue
                reading = reading and not text.startswith(_OUTPUT)
                if reading and (track := _TRACK.match(text)):
                    self.tracks.append(track[1])


class Ffmpeg:
    """One ffmpeg process that sends all channels of one sound track as float32."""

    begins_anew = True
    """Another process, another header."""

    def __init__(self, url: str, track: int, sample_rate_hz: int) -> None:
        self._url = url
        self._track = track
        self._rate_hz = sample_rate_hz
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: _Listener | None = None

    @property
    def if_silent(self) -> str:
        """Which other sound tracks there are."""
        tracks = [] if self._listener is None else self._listener.tracks
        others = [
            f"track: {number} ({track})"
            for number, track in enumerate(tracks, start=1)
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
        # What it reads, with the tracks, it tells at the level of information.
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info"]
        command += [*over_tcp, "-protocol_whitelist", _PROTOCOLS, "-i", self._url]
        command += ["-map", f"0:a:{self._track - 1}", "-c:a", "pcm_f32le", "-f", "wav"]
        command += ["-ar", str(self._rate_hz), "pipe:1"]
        try:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise CaptureError(Reason.of("ffmpeg_missing")) from error
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        assert self._process.stderr is not None  # noqa: S101 - as this was
        self._listener = _Listener(self._process.stderr)
        return self._process.stdout.fileno()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
        if self._listener is not None:
            self._listener.wait()
            self._listener = None

    def at_end(self) -> None:
        """A stream that ends is one that was lost, or has not what is asked of it."""
        errors: list[str] = []
        url = _public(self._url)
        if self._listener is not None:
            self._listener.wait()
            errors, tracks = list(self._listener.errors), len(self._listener.tracks)
            if any(phrase in line for line in errors for phrase in _NO_SUCH_TRACK):
                raise CaptureError(self._lacks(url, tracks))
        if errors:
            raise CaptureError(Reason.of("stream_lost", url=url, detail=_public(errors[-1])))
        raise CaptureError(Reason.of("stream_ended", url=url))

    def _lacks(self, url: str, tracks: int) -> Reason:
        if tracks == 0:
            return Reason.of("stream_without_sound", url=url)
        if tracks == 1:
            return Reason.of("stream_one_track", url=url, track=self._track)
        return Reason.of("stream_tracks", url=url, tracks=tracks, track=self._track)


def _public(text: str) -> str:
    """A text without the user names and passwords of the URLs in it."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def ffmpeg_source(settings: StreamSettings, sample_rate_hz: int, clock: Clock) -> StreamSource:
    """A source that plays a URL; lost and tried again like a microphone."""
    return StreamSource(
        settings.name,
        Ffmpeg(settings.url, settings.track, sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        clock=clock,
        stall_s=_STALL_S,
        channels=settings.channels,
    )
