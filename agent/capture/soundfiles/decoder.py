"""What every decoder of sound files offers, and what they say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.core.errors import AudioFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.records import FloatArray

CHUNK_VALUES = 1 << 15
"""Values decoded at once: bounds the memory whatever the number of channels."""

# Outside of these a header is broken, and resampling would make gigabytes out of bytes.
_LOWEST_RATE_HZ = 1_000
_HIGHEST_RATE_HZ = 768_000


class Decoder(Protocol):
    """An open sound file."""

    @property
    def rate_hz(self) -> int:
        """Samples of a channel in a second."""

    def frames(self) -> Iterator[FloatArray]:
        """All of it, in pieces of shape ``(frames, channels)``, as the file has it.

        Raises:
            AudioFileError: it holds less than it promises, or cannot be decoded.
        """

    def close(self) -> None:
        """Free what it holds; safe to call twice."""


def check_rate(path: Path, rate_hz: int) -> None:
    """Refuse a sample rate that no sound has.

    Raises:
        AudioFileError: it is too low or too high.
    """
    if not _LOWEST_RATE_HZ <= rate_hz <= _HIGHEST_RATE_HZ:
        raise AudioFileError(
            f"{path}: a sample rate of {rate_hz} Hz; "
            f"convert it to one of {_LOWEST_RATE_HZ} to {_HIGHEST_RATE_HZ} Hz"
        )


def cut_short(path: Path, there_s: float, promised_s: float | None) -> AudioFileError:
    """The error of a file that lost its end."""
    whole = "its end is missing" if promised_s is None else f"its header says {promised_s:.2f} s"
    return AudioFileError(
        f"{path}: cut short: {there_s:.2f} s are there, but {whole}; copy or record it again"
    )
