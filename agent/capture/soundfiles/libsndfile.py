"""Sound files through libsndfile: WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, W64, RF64 and others."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import soundfile

from agent.capture.soundfiles.decoder import CHUNK_VALUES, check_rate, cut_short
from agent.capture.soundfiles.headers import (
    ENDLESS_BYTES,
    LONGEST_BYTES,
    PatchedFile,
    untold_length,
)
from agent.capture.soundfiles.kinds import MP3, MP3_IN_WAV, after_tag
from agent.core.errors import AudioFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.capture.soundfiles.headers import UntoldLength
    from agent.capture.soundfiles.kinds import Kind
    from agent.core.records import FloatArray

# libsndfile trims the length of a cut file to what is there, and tells only in its log: the
# sizes of WAV, AIFF, W64 and RF64 chunks, and the missing end of an Ogg stream.
_TRIMMED = re.compile(r"^\s*(data|SSND|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_NO_OGG_END = "Last page lacks an end-of-stream bit"

# In an MP3's first frame: tells the number of frames. Without one libsndfile guesses from the
# bit rate of that frame, and a file of variable rate loses its end.
_MP3_LENGTH = re.compile(rb"Xing|Info")
_MP3_FIRST_FRAME_BYTES = 2_048

# libsndfile's number of frames where a FLAC came through a pipe and does not tell it.
_NO_LENGTH = 1 << 62


class UnreadableError(Exception):
    """libsndfile does not know the file, or would lose a part of it."""

    def __init__(self, reason: str, kind: Kind | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        """What libsndfile found it to be, for another decoder."""


class _StraightFile(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """Read from its start to its end; soundfile would seek after each piece.

    At the end of a file that does not tell its length that fails, and the last piece is lost.
    """

    def seekable(self) -> bool:
        return False


class LibsndfileDecoder:
    """A file that libsndfile reads."""

    def __init__(self, path: Path, remark: Callable[[str], None]) -> None:
        """Open a file and refuse one whose header already tells of trouble.

        Args:
            path: of the file.
            remark: told what is odd about a file that is read all the same.

        Raises:
            UnreadableError: another decoder may read it.
            AudioFileError: it is cut short or holds no sound.
            OSError: it cannot be read at all.
        """
        self._path = path
        untold = untold_length(path)
        if untold is not None and untold.sound_bytes > LONGEST_BYTES:
            raise AudioFileError(
                f"{path}: over 4 GiB behind a header that does not tell its length; "
                "cut it, or convert it: sox --ignore-length IN.wav OUT.flac"
            )
        self._patched = None if untold is None else PatchedFile(path, untold.patches)
        self._file = _opened(path, self._patched)
        try:
            self._length = self._checked_length(untold, remark)
        except (AudioFileError, UnreadableError):
            self.close()
            raise

    @property
    def rate_hz(self) -> int:
        """Samples of a channel in a second."""
        return int(self._file.samplerate)

    def frames(self) -> Iterator[FloatArray]:
        """See :class:`agent.capture.soundfiles.decoder.Decoder`."""
        chunk_frames = max(1, CHUNK_VALUES // self._file.channels)
        done, length = 0, self._length
        while length is None or done < length:
            # Not behind the end, where junk would be taken for damage.
            wanted = chunk_frames if length is None else min(chunk_frames, length - done)
            try:
                frames = self._file.read(wanted, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise self._cut_short(done) from error
            if len(frames) == 0:
                if length is None:
                    return
                raise self._cut_short(done)
            done += len(frames)
            yield frames

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._patched is not None:
            self._patched.close()

    def _checked_length(
        self, untold: UntoldLength | None, remark: Callable[[str], None]
    ) -> int | None:
        """Frames that the file promises; ``None`` where nobody knows."""
        path, file = self._path, self._file
        check_rate(path, file.samplerate)
        if file.frames == 0:
            raise AudioFileError(
                f"{path}: holds no sound (0 samples); name a file that holds sound"
            )
        self._check_log()
        if file.subtype.startswith("MPEG_LAYER"):
            kind = MP3 if file.format == "MP3" else MP3_IN_WAV
            if kind is MP3_IN_WAV or not _tells_length(path):
                raise UnreadableError("an MP3 that does not tell its length", kind)
        endless = file.frames >= _NO_LENGTH
        if untold is not None or endless:
            there = "" if endless else f", {file.frames / file.samplerate:.2f} s"
            remark(
                f"{path}: its header does not tell how long it is (a recorder that lost its power, "
                f"or a pipe); read to its end{there}"
            )
        return None if endless else int(file.frames)

    def _check_log(self) -> None:
        file, log = self._file, self._file.extra_info
        there_s = file.frames / file.samplerate
        if trimmed := _TRIMMED.search(log):
            chunk, promised, found = trimmed[1], int(trimmed[2]), int(trimmed[3])
            piped = chunk == "data" and promised >= ENDLESS_BYTES
            if found < promised and not piped:
                raise cut_short(self._path, there_s, there_s * promised / found)
        if _NO_OGG_END in log:
            raise cut_short(self._path, there_s, None)

    def _cut_short(self, done: int) -> AudioFileError:
        promised_s = None if self._length is None else self._length / self.rate_hz
        return cut_short(self._path, done / self.rate_hz, promised_s)


def _opened(path: Path, patched: PatchedFile | None) -> soundfile.SoundFile:
    try:
        # By its bytes: soundfile encodes a name as UTF-8, which not every name can be.
        return _StraightFile(os.fsencode(path) if patched is None else patched)
    except soundfile.LibsndfileError as error:
        raise UnreadableError(error.error_string.strip().rstrip(".")) from error
    except TypeError as error:  # a headless format, which soundfile tells by the file's ending
        raise AudioFileError(
            f"{path}: raw samples without a header; convert it to WAV or FLAC"
        ) from error


def _tells_length(path: Path) -> bool:
    """Whether an MP3's first frame, after an ID3v2 tag if any, tells the number of frames."""
    with path.open("rb") as file:
        file.seek(after_tag(file.read(_MP3_FIRST_FRAME_BYTES)))
        return _MP3_LENGTH.search(file.read(_MP3_FIRST_FRAME_BYTES)) is not None
