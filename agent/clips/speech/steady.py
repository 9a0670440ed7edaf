"""Takes out of a recording what goes on all the time: motors, fans, ventilation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from agent.core.records import FloatArray

_FRAME, _HOP = 512, 128
# Speech leaves each narrow band free for more than a third of the time, also when it never stops.
_QUIETEST = 0.3
_LOUDER = 1.2
"""The machines' mean magnitude over that quantile of it, about."""
_SUBTRACTED = 3.0
_FLOOR = 0.1
_RMS = 0.1
_SILENCE = 1e-6
_BATCH = 256


def without_steady(samples: FloatArray) -> FloatArray:
    """What is left over the steady noise (spectral subtraction), at a level of -20 dBFS.

    Meant for a detector: to the ear it warbles.

    Args:
        samples: at 16 kHz, shape ``(samples,)``.

    Returns:
        float32, same shape.
    """
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)
    padded = np.pad(samples, (_FRAME, _FRAME + _HOP))
    every = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    # Twice through, a batch at a time: half a minute at once would take tens of megabytes.
    batches = [every[at : at + _BATCH] for at in range(0, len(every), _BATCH)]
    loud = np.concatenate([np.abs(_spectra(some, window)) for some in batches])
    steady = _LOUDER * np.quantile(loud, _QUIETEST, axis=0, overwrite_input=True)
    left = np.zeros(len(padded), np.float32)
    at = 0
    for some in batches:
        spectra = _spectra(some, window)
        share = np.square(steady / np.maximum(np.abs(spectra), 1e-12))
        spectra *= np.sqrt(np.maximum(1.0 - _SUBTRACTED * share, _FLOOR**2))
        for frame in np.fft.irfft(spectra) * window:
            left[at : at + _FRAME] += frame
            at += _HOP
    left = left[_FRAME : _FRAME + len(samples)]
    rms = float(np.sqrt(np.mean(np.square(left)))) if len(left) else 0.0
    return left * np.float32(_RMS / rms) if rms > _SILENCE else left


def _spectra(frames: FloatArray, window: FloatArray) -> npt.NDArray[np.complex64]:
    return np.fft.rfft(frames * window).astype(np.complex64)
