"""Powers of several channels and of their mean in half octaves: one FFT a tenth of a second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    import numpy.typing as npt

    from agent.records import FloatArray

    Powers: TypeAlias = npt.NDArray[np.float64]

_LOWEST_HZ = 44.2
"""Edge of the lowest octave, around 62.5 Hz: below are steps and wind."""
_TOP = 0.95
"""Of half the rate: above are the slopes of filters."""
_FRAME_S = 0.1
_SPAN_S = 2.0
"""Time constant of the running powers, while the sound is as loud as before."""


class HalfOctaves:
    """Measures frame by frame, and follows what it measured.

    Powers have the shape ``(1 + channels, halves)``, that of the mean first; a full-scale sine
    has 0.5. Two neighbours make an octave, so that one lies around every notch of a comb filter.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        """Args: the rate of the frames, and how many channels they have."""
        self._rate_hz = rate_hz
        self._size = 2 ** round(math.log2(_FRAME_S * rate_hz))
        window = np.hanning(self._size)
        scale = math.sqrt(2.0 / (self._size * float(window @ window)))
        self._window = (window * scale).astype(np.float32)
        top_hz = _TOP * rate_hz / 2.0
        halves = round(2.0 * math.log2(top_hz / _LOWEST_HZ))
        edges_hz = _LOWEST_HZ * 2.0 ** (np.arange(halves + 1) / 2.0)
        edges_hz[-1] = top_hz
        self.widths_hz: Powers = edges_hz[2:] - edges_hz[:-2]
        """Of each octave, shape ``(halves - 1,)``."""
        self.centres_hz: Powers = np.sqrt(edges_hz[2:] * edges_hz[:-2])
        self._edges = np.ceil(edges_hz * self._size / rate_hz).astype(int)
        self._frame = np.zeros((channels, self._size), np.float32)
        self._spectra = np.zeros((1 + channels, self._size // 2 + 1), np.complex64)
        self._filled = 0
        self._sum = np.zeros((1 + channels, halves))
        self._summed_s = 0.0
        self._learnt = 0
        self.latest: Powers = np.zeros_like(self._sum)
        """Powers of the last frame."""
        self.running: Powers = np.zeros_like(self._sum)
        """Powers as far as they were learnt."""
        self.known_s = 0.0
        """Seconds of sound that ``running`` stands for."""

    @property
    def new_s(self) -> float:
        """Seconds of sound that were measured and not learnt yet."""
        return self._summed_s

    def take(self, frames: FloatArray) -> Iterator[None]:
        """Measure ``(frames, channels)``; yields after each frame of the FFT."""
        at = 0
        while at < len(frames):
            piece = frames[at : at + self._size - self._filled]
            self._frame[:, self._filled : self._filled + len(piece)] = piece.T
            self._filled += len(piece)
            at += len(piece)
            if self._filled == self._size:
                self._measure()
                yield

    def drop(self) -> None:
        """Forget the frame that is not whole: what follows is from elsewhere."""
        self._filled = 0

    def learn(self) -> None:
        """Take what was measured, or the frame that is not whole, into the running powers.

        What is quieter than before weighs less: so the silence of a night does not make a fault
        forgotten that the day's sound showed.
        """
        if self._summed_s == 0.0:
            self._frame[:, self._filled :] = 0.0
            self._measure()
        if not self._sum.any():  # silence tells nothing
            self._summed_s = 0.0
            return
        powers = self._sum * (self._size / self._rate_hz) / self._summed_s
        self._learnt += 1
        step = max(1.0 / self._learnt, 1.0 - math.exp(-self._summed_s / _SPAN_S))
        known, now = self.running[1:].sum(axis=0), powers[1:].sum(axis=0)
        weight = step * np.minimum(1.0, now / np.maximum(known, np.finfo(np.float64).tiny))
        self.running = self.running + weight * (powers - self.running)
        self.known_s = min(self.known_s + self._summed_s, 2.0 * _SPAN_S)
        self._sum[:] = 0.0
        self._summed_s = 0.0

    def _measure(self) -> None:
        self._spectra[1:] = np.fft.rfft(self._frame * self._window, axis=1)
        np.sum(self._spectra[1:], axis=0, out=self._spectra[0])
        self._spectra[0] /= len(self._frame)
        powers = np.square(self._spectra.real) + np.square(self._spectra.imag)
        self.latest = np.add.reduceat(powers, self._edges, axis=1)[:, :-1].astype(np.float64)
        self._sum += self.latest
        self._summed_s += self._filled / self._rate_hz
        self._filled = 0
