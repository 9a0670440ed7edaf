"""Log-mel frames of a signal that arrives in pieces: each frame is computed once.

The numbers are those of the torch frontend that the audio tower was trained with (log-mel of
Schmid et al., arXiv 2211.04772, 2023): pre-emphasis, centred STFT with reflected ends, power,
Kaldi mel bands, natural logarithm, fixed shift and scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from agent.bundle.loading import Bundle
    from agent.bundle.manifest import FrontendConstants
    from agent.core.records import FloatArray

_Doubles = npt.NDArray[np.float64]

# Frames transformed at once: enough to spread the calls' cost, few enough to stay in cache.
_BATCH_FRAMES = 64

# Neighbouring bands share one product with the few bins that they see: a fraction of the work of
# the whole matrix, which is almost all zeros. Eight was the fastest of 4 to 128.
_BANDS_TOGETHER = 8


class LogMel:
    """Incremental log-mel of one stream.

    Works in float64: beside loud bands, float32 leaves the quiet ones less exact than the 1e-4
    to which training and box have to agree (and NumPy's float64 FFT is the faster one).
    """

    def __init__(
        self, constants: FrontendConstants, mel_filters: _Doubles, window: _Doubles
    ) -> None:
        """Prepare the bands.

        Args:
            constants: of the bundle's frontend.
            mel_filters: shape ``(n_mels, n_fft // 2 + 1)``.
            window: shape ``(win_length,)``.
        """
        self.constants = constants
        self._filters = mel_filters
        self._window = window
        self._bands = tuple(_bands(mel_filters))
        self._half = constants.win_length // 2
        # The shortest signal that can be reflected at both ends; a shorter one gets silence.
        self._shortest_samples = constants.n_fft // 2 + 2
        # Zeros behind the window's length stay: the transform is longer than the window.
        self._frames = np.zeros((_BATCH_FRAMES, constants.n_fft))
        self._spectrum = np.empty((_BATCH_FRAMES, constants.n_fft // 2 + 1), np.complex128)
        self.reset()

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """The frontend that a bundle's audio tower was trained with.

        Raises:
            BundleError: its arrays are missing or misshapen.
        """
        return cls(bundle.manifest.frontend, *bundle.frontend_arrays())

    def fresh(self) -> LogMel:
        """The same frontend for another stream."""
        return LogMel(self.constants, self._filters, self._window)

    def reset(self) -> None:
        """Forget the stream: the next sample is the first of another."""
        self._samples = 0
        self._last = np.zeros(0)
        # Emphasised signal from the next frame's first sample on; reflected at the start.
        self._signal = np.zeros(0)
        self._reflected = False

    def samples_until(self, frame: int) -> int:
        """Samples of a stream, from its first on, that complete a frame (without ``flush``)."""
        emphasised = max(frame * self.constants.hop_length, 1) + self._half
        return emphasised + 1

    def push(self, samples: FloatArray) -> FloatArray:
        """Take the samples that follow and give the frames that they complete.

        Args:
            samples: full scale at 1.0, shape ``(samples,)``, any number.

        Returns:
            Normalised log-mel, float32, shape ``(frames, n_mels)``, own memory. Frame ``t`` is
            centred on sample ``t * hop_length`` and comes as soon as the last sample under its
            window is there.
        """
        piece = _BATCH_FRAMES * self.constants.hop_length
        frames = [self._push(samples[at : at + piece]) for at in range(0, len(samples), piece)]
        return self._joined(frames)

    def flush(self) -> FloatArray:
        """End the stream: the frames at its end, whose windows reach past the last sample.

        Returns:
            As :meth:`push`; nothing if there were no samples. The next sample is the first of
            another stream.
        """
        if self._samples == 0:
            return self._joined([])
        missing = max(0, self._shortest_samples - self._samples)
        frames = [self.push(np.zeros(missing, np.float32))]
        mirrored = self._signal[-self._half - 1 : -1][::-1]
        self._signal = np.concatenate([self._signal, mirrored])
        frames.append(self._complete())
        self.reset()
        return self._joined(frames)

    def whole(self, samples: FloatArray) -> FloatArray:
        """Normalised log-mel of a whole recording, float32, shape ``(n_mels, n_frames)``.

        Leaves this stream as it is.
        """
        stream = self.fresh()
        frames = self._joined([stream.push(samples), stream.flush()])
        return np.ascontiguousarray(frames.T)

    def centres_hz(self) -> _Doubles:
        """Middle of what each band hears, shape ``(n_mels,)``; the lowest bands share some."""
        bins_hz = np.arange(self._filters.shape[1]) * (
            self.constants.sample_rate_hz / self.constants.n_fft
        )
        weights = self._filters.sum(axis=1)
        centres: _Doubles = (self._filters @ bins_hz) / np.maximum(weights, 1e-12)
        return np.maximum.accumulate(centres)

    def _push(self, samples: FloatArray) -> FloatArray:
        constants = self.constants
        self._samples += len(samples)
        wave = np.concatenate([self._last, samples])
        self._last = wave[-1:]
        emphasised = wave[:-1] * -constants.preemphasis
        emphasised += wave[1:]
        self._signal = np.concatenate([self._signal, emphasised])
        if not self._reflected:
            if len(self._signal) <= self._half:
                return self._joined([])
            mirrored = self._signal[1 : self._half + 1][::-1]
            self._signal = np.concatenate([mirrored, self._signal])
            self._reflected = True
        return self._complete()

    def _complete(self) -> FloatArray:
        """Frames of which all samples are there; drops the samples that no later frame needs."""
        constants = self.constants
        count = max(0, (len(self._signal) - constants.win_length) // constants.hop_length + 1)
        if count == 0:
            return self._joined([])
        every = np.lib.stride_tricks.sliding_window_view(self._signal, constants.win_length)
        frames = every[:: constants.hop_length]
        batches = [
            self._transform(frames[at : at + _BATCH_FRAMES])
            for at in range(0, count, _BATCH_FRAMES)
        ]
        self._signal = self._signal[count * constants.hop_length :].copy()
        return self._joined(batches)

    def _transform(self, frames: _Doubles) -> FloatArray:
        """Log-mel of cut-out frames, shape ``(frames, win_length)`` to ``(frames, n_mels)``."""
        constants = self.constants
        count = len(frames)
        padded, spectrum = self._frames[:count], self._spectrum[:count]
        np.multiply(frames, self._window, out=padded[:, : constants.win_length])
        np.fft.rfft(padded, out=spectrum)
        # Real and imaginary parts lie side by side; each band adds up both.
        squares = spectrum.view(np.float64)
        np.square(squares, out=squares)
        mel = np.empty((count, constants.n_mels))
        for bins, bands, weights in self._bands:
            np.matmul(squares[:, bins], weights, out=mel[:, bands])
        mel += constants.log_offset
        np.log(mel, out=mel)
        mel += constants.shift
        mel *= 1.0 / constants.scale
        return mel.astype(np.float32)

    def _joined(self, frames: list[FloatArray]) -> FloatArray:
        if len(frames) == 1:
            return frames[0]
        return np.concatenate([np.empty((0, self.constants.n_mels), np.float32), *frames])


def _bands(filters: _Doubles) -> list[tuple[slice, slice, _Doubles]]:
    """Neighbouring bands cut down to the bins that they see.

    Returns:
        For each group the columns of the squared real and imaginary parts, the bands, and the
        weights, shape ``(columns, bands)``.
    """
    groups = []
    for first in range(0, len(filters), _BANDS_TOGETHER):
        bands = slice(first, min(first + _BANDS_TOGETHER, len(filters)))
        seen = np.flatnonzero(filters[bands].any(axis=0))
        low, high = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 1)
        weights = np.repeat(filters[bands, low:high].T, 2, axis=0)
        groups.append((slice(2 * low, 2 * high), bands, np.ascontiguousarray(weights)))
    return groups
