"""From a path to the decoder that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.capture.soundfiles.converted import FfmpegDecoder
from agent.capture.soundfiles.kinds import HEAD_BYTES, after_tag, recognised
from agent.capture.soundfiles.libsndfile import LibsndfileDecoder, UnreadableError
from agent.core.errors import AudioFileError, reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.capture.soundfiles.decoder import Decoder
    from agent.capture.soundfiles.kinds import Kind


def open_sound(path: Path, remark: Callable[[str], None]) -> Decoder:
    """Open a sound file with what reads it.

    Args:
        path: of the file.
        remark: told, in a line, what is odd about a file that is read all the same.

    Raises:
        AudioFileError: the file is missing, unreadable, empty, cut short or no sound file, or
            ffmpeg, which would read it, is missing.
    """
    try:
        kind = _kind(path)
        if kind is not None and not kind.by_libsndfile:
            return FfmpegDecoder(path, kind, remark)
        try:
            return LibsndfileDecoder(path, remark)
        except UnreadableError as error:
            kind = error.kind or kind
            if kind is not None and kind.demuxer:
                return FfmpegDecoder(path, kind, remark)
            raise AudioFileError(
                f"{path}: no sound file that can be read ({error}); convert it to WAV or FLAC"
            ) from error
    except AudioFileError:
        raise
    except (OSError, ValueError) as error:
        message = f"{path}: {reason(error)}; name a sound file that can be read"
        raise AudioFileError(message) from error


def _kind(path: Path) -> Kind | None:
    """What the file begins like, behind a tag if there is one."""
    if path.exists() and not path.is_file():
        raise AudioFileError(f"{path}: not a file; name a sound file")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise AudioFileError(f"{path}: an empty file (0 bytes); name a file that holds sound")
        if start := after_tag(head):
            file.seek(start)
            head = file.read(HEAD_BYTES)
        return recognised(head)
