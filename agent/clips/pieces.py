"""The last minutes of one source as compressed pieces, in a fixed room in memory.

Lossless while they fit. A hall so loud that they would not loses the lowest bits, piece by piece:
the rounding then lies some thirty decibels below the sound itself.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.audiofile import from_flac, to_flac

if TYPE_CHECKING:
    from agent.capture.audiofile import Pcm

_MOST_BITS = 12
"""Of sixteen, rounded away at most."""
_SPARE_BITS = 1.5
"""Of room left for each sample before a bit less is rounded away."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some seconds of sound."""

    begin: int
    """Index of its first sample."""
    samples: int
    captured_at: float
    """UTC of its first sample, seconds since the epoch."""
    levels_dbfs: tuple[float | None, ...]
    """RMS of each second; ``None`` for digital silence."""
    place: int
    """Where its bytes are in the room."""
    size: int

    @property
    def end(self) -> int:
        """Index behind its last sample."""
        return self.begin + self.samples

    def overlaps(self, start: int, end: int) -> bool:
        """Whether some of its bytes are in a part of the room."""
        return self.place < end and start < self.place + self.size


class Pieces:
    """Compressed pieces of one source, oldest first; written by one thread, read by any."""

    def __init__(self, sample_rate_hz: int, seconds: float, most_bytes: int) -> None:
        """Reserve the room; the system gives it page by page as it is written.

        Args:
            sample_rate_hz: of the samples.
            seconds: to remember.
            most_bytes: of all pieces together.
        """
        self.sample_rate_hz = sample_rate_hz
        self._longest = round(seconds * sample_rate_hz)
        self._most_bytes = most_bytes
        # A heap of freed pieces would hold on to half as much again.
        self._room = mmap.mmap(-1, most_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._place = 0
        self._pieces: deque[Piece] = deque()
        self._lock = threading.Lock()
        self._bits = 0

    @property
    def rounded_bits(self) -> int:
        """Lowest bits that are rounded away now."""
        return self._bits

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Those that are remembered, oldest first."""
        with self._lock:
            return tuple(self._pieces)

    def add(self, begin: int, captured_at: float, pcm: Pcm) -> None:
        """Remember what follows.

        Args:
            begin: index of its first sample.
            captured_at: UTC of that sample, seconds since the epoch.
            pcm: the samples, shape ``(samples,)``.

        Raises:
            AudioFileError: it cannot be compressed.
        """
        data = self._compressed(pcm)
        with self._lock:
            if self._place + len(data) > self._most_bytes:
                self._place = 0
            start, end = self._place, self._place + len(data)
            while any(piece.overlaps(start, end) for piece in self._pieces):
                self._pieces.popleft()
            self._room[start:end] = data
            self._place = end
            levels = levels_dbfs(pcm, self.sample_rate_hz)
            self._pieces.append(Piece(begin, len(pcm), captured_at, levels, start, len(data)))
            held = sum(piece.samples for piece in self._pieces)
            while held - self._pieces[0].samples >= self._longest:
                held -= self._pieces.popleft().samples

    def pcm(self, piece: Piece) -> Pcm | None:
        """The samples of a piece; ``None`` where it was overwritten meanwhile.

        Raises:
            AudioFileError: it is damaged.
        """
        with self._lock:
            if piece not in self._pieces:
                return None
            data = self._room[piece.place : piece.place + piece.size]
        return from_flac(data)

    def _compressed(self, pcm: Pcm) -> bytes:
        """A piece, with so many low bits that as much sound as is wanted fits into the room."""
        data = to_flac(_rounded(pcm, self._bits), self.sample_rate_hz)
        excess = self._excess_bits(data, pcm)
        if excess > 0.0 and self._bits < _MOST_BITS:
            self._bits = min(_MOST_BITS, self._bits + int(np.ceil(excess)))
            data = to_flac(_rounded(pcm, self._bits), self.sample_rate_hz)
        elif excess < -_SPARE_BITS and self._bits:
            self._bits -= 1
        return data

    def _excess_bits(self, data: bytes, pcm: Pcm) -> float:
        """By how many bits a sample takes more than its share of the room."""
        return 8.0 * (len(data) / len(pcm) - self._most_bytes / self._longest)


def levels_dbfs(pcm: Pcm, sample_rate_hz: int) -> tuple[float | None, ...]:
    """RMS of each whole second, full scale at 0; ``None`` for digital silence."""
    seconds = len(pcm) // sample_rate_hz
    whole = pcm[: seconds * sample_rate_hz].reshape(seconds, sample_rate_hz)
    powers = np.square(whole, dtype=np.float64).mean(axis=1) / 32_767.0**2
    return tuple(round(10.0 * float(np.log10(p)), 1) if p > 0.0 else None for p in powers)


def _rounded(pcm: Pcm, bits: int) -> Pcm:
    """Samples without their lowest bits."""
    if not bits:
        return pcm
    half = 1 << (bits - 1)
    most = np.int32(32_767 >> bits << bits)
    rounded = (pcm.astype(np.int32) + half) >> bits << bits
    kept: Pcm = np.minimum(rounded, most).astype(np.int16)
    return kept
