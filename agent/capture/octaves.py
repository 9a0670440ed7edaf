"""Powers of several channels and of their mean in half octaves, by one FFT a tenth of a second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    import numpy.typing as npt

    from agent.core.records import FloatArray

    Powers: TypeAlias = npt.NDArray[np.float64]

_LOWEST_HZ = 44.2
"""Edge of the lowest octave, around 62.5 Hz: below are steps and wind."""
_TOP = 0.95
"""Of half the rate: above are the slopes of filters."""
_FRAME_S = 0.1
_SPAN_S = 3.0
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
        self._passing = 0
        self._sum = np.zeros((1 + channels, halves))
        self._measured_s = 0.0
        self._learnt = 0
        self.new_s = 0.0
        """Seconds of sound since the running powers were learnt."""
        self.rest = 0
        """How many frames are passed over after each that is measured."""
        self.latest: Powers = np.zeros_like(self._sum)
        """Powers of the last frame."""
        self.running: Powers = np.zeros_like(self._sum)
        """Powers as far as they were learnt."""
        self.known_s = 0.0
        """Seconds of sound that were measured for ``running``, as far as they still count."""

    def take(self, frames: FloatArray) -> Iterator[None]:
        """Measure ``(frames, channels)``; yields after each frame of the FFT."""
        self.new_s += len(frames) / self._rate_hz
        at = min(self._passing, len(frames))
        self._passing -= at
        while at < len(frames):
            piece = frames[at : at + self._size - self._filled]
            self._frame[:, self._filled : self._filled + len(piece)] = piece.T
            self._filled += len(piece)
            at += len(piece)
            if self._filled == self._size:
                self._measure()
                yield
                self._passing = self.rest * self._size
                passed = min(self._passing, len(frames) - at)
                self._passing -= passed
                at += passed

    def drop(self) -> None:
        """Forget the frame that is not whole: what follows is from elsewhere."""
        self._filled = self._passing = 0

    def learn(self) -> None:
        """Take what was measured, or the frame that is not whole, into the running powers.

        What is quieter than before weighs less: so the silence of a night does not make a fault
        forgotten that the day's sound showed.
        """
        if self._measured_s == 0.0 and self._filled:
            self._frame[:, self._filled :] = 0.0
            self._measure()
        new_s, self.new_s = self.new_s, 0.0
        measured_s, self._measured_s = self._measured_s, 0.0
        if not self._sum.any():  # silence tells nothing
            return
        powers = self._sum * (self._size / self._rate_hz / measured_s)
        self._sum[:] = 0.0
        self._learnt += 1
        forgotten = 1.0 - math.exp(-new_s / _SPAN_S)
        step = max(1.0 / self._learnt, forgotten)
        known, now = self.running[1:].sum(axis=0), powers[1:].sum(axis=0)
        share = np.divide(now, known, out=np.ones_like(now), where=known > now)
        self.running = self.running + step * share * (powers - self.running)
        self.known_s += measured_s - forgotten * self.known_s

    def _measure(self) -> None:
        self._spectra[1:] = np.fft.rfft(self._frame * self._window, axis=1)
        np.sum(self._spectra[1:], axis=0, out=self._spectra[0])
        self._spectra[0] /= len(self._frame)
        powers = np.square(self._spectra.real) + np.square(self._spectra.imag)
        self.latest = np.add.reduceat(powers, self._edges, axis=1)[:, :-1].astype(np.float64)
        self._sum += self.latest
        self._measured_s += self._filled / self._rate_hz
        self._filled = 0
