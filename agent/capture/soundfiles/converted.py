"""Sound files through ffmpeg: what phones, cameras and Windows write."""

from __future__ import annotations

import os
import re
import shlex
import struct
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.ffmpeg_pipe import Ffmpeg
from agent.capture.soundfiles.decoder import CHUNK_VALUES, check_rate, cut_short
from agent.core.errors import AudioFileError, CaptureError
from agent.core.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.capture.soundfiles.kinds import Kind
    from agent.core.records import FloatArray

# What ffmpeg sends: a header of AU, which tells rate and channels, and float32 samples.
_HEADER = struct.Struct(">4sIIIII")
_MAGIC, _FLOAT = b".snd", 6
_SAMPLE_BYTES = 4

_DURATION = re.compile(r"\[info\] +Duration: (\d+):(\d\d):(\d\d\.\d+)")
# The complaint of a line such as "[mov,mp4 @ 0x5563] [error] moov atom not found".
_COMPLAINT = re.compile(r"\[(?:error|fatal|panic)\] (.*)")
_NO_TRACK = "matches no streams"


class FfmpegDecoder:
    """A file that ffmpeg reads in a process of its own; killed when it is closed early."""

    def __init__(self, path: Path, kind: Kind, remark: Callable[[str], None]) -> None:
        """Start ffmpeg and read the header of what it sends.

        Args:
            path: of the file.
            kind: what the file begins like.
            remark: told what is odd about a file that is read all the same.

        Raises:
            AudioFileError: ffmpeg is not installed, or cannot read the file.
        """
        self._path = path
        self._kind = kind
        self._remark = remark
        try:
            self._ffmpeg = Ffmpeg(_arguments(path, kind))
        except CaptureError as error:
            raise AudioFileError(without_ffmpeg(path, kind)) from error
        try:
            self._rate_hz, self._channels = self._begun()
            check_rate(path, self._rate_hz)
        except AudioFileError:
            self.close()
            raise

    @property
    def rate_hz(self) -> int:
        """Samples of a channel in a second."""
        return self._rate_hz

    def frames(self) -> Iterator[FloatArray]:
        """See :class:`agent.capture.soundfiles.decoder.Decoder`."""
        frame_bytes = _SAMPLE_BYTES * self._channels
        size = max(1, CHUNK_VALUES // self._channels) * frame_bytes
        done = 0
        while piece := self._ffmpeg.output.read(size):
            whole = len(piece) - len(piece) % frame_bytes
            samples = np.frombuffer(piece[:whole], ">f4").astype(np.float32)
            frames = samples.reshape(-1, self._channels)
            done += len(frames)
            if len(frames):
                yield frames
        self._ended(done / self._rate_hz)

    def close(self) -> None:
        """End ffmpeg."""
        self._ffmpeg.kill()

    def _begun(self) -> tuple[int, int]:
        """Rate and channels of what follows."""
        header = self._ffmpeg.output.read(_HEADER.size)
        if len(header) < _HEADER.size:
            self._ffmpeg.wait()
            complaint = _complaint(self._ffmpeg.log_lines()) or "it gives no reason"
            if _NO_TRACK in complaint:
                raise AudioFileError(
                    f"{self._path}: holds no sound (no audio track); name a file that holds sound"
                )
            raise AudioFileError(
                f"{self._path}: {self._kind.name} that ffmpeg cannot read ({complaint}); "
                "copy or record it again"
            )
        magic, start, _, encoding, rate_hz, channels = _HEADER.unpack(header)
        rest = start - _HEADER.size
        if magic != _MAGIC or encoding != _FLOAT or rest < 0 or channels == 0:
            raise AudioFileError(f"{self._path}: ffmpeg sends no sound; convert it to WAV or FLAC")
        self._ffmpeg.output.read(rest)
        return rate_hz, channels

    def _ended(self, there_s: float) -> None:
        """See whether that was all of it."""
        status = self._ffmpeg.wait()
        errors = self._ffmpeg.log_lines()
        complaint = _complaint(errors)
        if there_s == 0.0 and not complaint:
            raise AudioFileError(
                f"{self._path}: holds no sound (0 samples); name a file that holds sound"
            )
        if status == 0 and not complaint:
            return
        complaint = complaint or f"it ended with status {status}"
        if status == 0 and not self._kind.tells_length:
            # A torn frame at either end is usual where frames follow each other without a header.
            self._remark(f"{self._path}: ffmpeg left out what it could not read ({complaint})")
            return
        if (promised_s := _duration_s(errors)) is not None and promised_s > there_s:
            raise cut_short(self._path, there_s, promised_s)
        raise AudioFileError(
            f"{self._path}: damaged: {there_s:.2f} s can be read (ffmpeg: {complaint}); "
            "copy or record it again"
        )


def without_ffmpeg(path: Path, kind: Kind) -> str:
    """What to do where ffmpeg is missing."""
    name = shlex.quote(shown(path.name))
    return (
        f"{path}: {kind.name} is read through ffmpeg, which is missing; "
        f"apt-get install ffmpeg, or convert it where that is installed: "
        f"ffmpeg -i {name} {shlex.quote(shown(path.stem))}.wav"
    )


def _arguments(path: Path, kind: Kind) -> list[str | bytes]:
    """Of ffmpeg.

    The demuxer is named, so that no file can pass for a playlist that opens others, and nothing
    but files and the pipe may be opened at all.
    """
    return [
        *("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info"),
        *("-protocol_whitelist", "file,pipe", "-f", kind.demuxer, "-threads", "1"),
        *("-i", b"file:" + os.fsencode(path.absolute()), "-map", "0:a:0"),
        *("-c:a", "pcm_f32be", "-f", "au", "pipe:1"),
    ]


def _complaint(errors: list[str]) -> str:
    """The first thing that ffmpeg could not do; empty if there is none."""
    return next((found[1].strip() for line in errors if (found := _COMPLAINT.search(line))), "")


def _duration_s(errors: list[str]) -> float | None:
    """What the file says of its length."""
    found = next((found for line in errors if (found := _DURATION.match(line))), None)
    return None if found is None else 3_600 * int(found[1]) + 60 * int(found[2]) + float(found[3])
