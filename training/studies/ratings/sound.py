"""How loud a recording is, and where in the spectrum its power lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import signal

from agent.core.records import FloatArray

_WINDOW_SAMPLES = 1024
LOWEST_HZ = 50.0
HIGHEST_HZ = 15_000.0
"""What the model hears; hum and what most recorders cut off are left out."""
_STILL = 1e-6


@dataclass(frozen=True, slots=True)
class SoundProperties:
    """Measured over a whole recording, without its mean (DC)."""

    duration_s: float
    level_dbfs: float
    """RMS; a full-scale sine has -3.01."""
    crest_db: float
    """Peak over RMS: about 3 for a steady tone, 20 and more for single knocks."""
    centroid_hz: float
    """Mean frequency, weighted by power, 50 to 15,000 Hz."""
    bandwidth_hz: float
    """Standard deviation of frequency, weighted by power."""
    flatness_db: float
    """Geometric over arithmetic mean of the power spectrum: 0 for white noise, far below for
    tones."""


PROPERTIES = {
    "duration_s": "duration",
    "level_dbfs": "level",
    "crest_db": "crest factor",
    "centroid_hz": "spectral centroid",
    "bandwidth_hz": "bandwidth",
    "flatness_db": "spectral flatness",
}
"""Fields of :class:`SoundProperties` and what they are called."""


def measure(samples: FloatArray, sample_rate_hz: int) -> SoundProperties:
    """Properties of a recording.

    The spectrum is the mean of periodograms over Hann windows of 1,024 samples, half overlapping
    (Welch, 1967); centroid, bandwidth and flatness as in Peeters et al., "The Timbre Toolbox",
    JASA 2011, on that mean spectrum.

    Args:
        samples: mono, full scale at 1.0, shape ``(samples,)``.
        sample_rate_hz: of the samples.

    Raises:
        ValueError: fewer than 64 samples, or digital silence: nothing can be told of it.
    """
    if samples.ndim != 1 or len(samples) < 64:  # noqa: PLR2004 - too few for any spectrum
        raise ValueError(f"holds samples of shape {samples.shape}; 64 samples or more are needed")
    centred = samples.astype(np.float64) - float(samples.mean(dtype=np.float64))
    peak = float(np.abs(centred).max())
    if peak <= _STILL:
        raise ValueError("is digital silence; record it again")
    rms = math.sqrt(float(np.mean(centred**2)))
    size = min(_WINDOW_SAMPLES, len(samples))
    hertz, power = signal.welch(centred, sample_rate_hz, window="hann", nperseg=size)
    heard = (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)
    hertz, power = hertz[heard], power[heard] + 1e-20
    centroid = float(np.average(hertz, weights=power))
    return SoundProperties(
        duration_s=len(samples) / sample_rate_hz,
        level_dbfs=20.0 * math.log10(rms),
        crest_db=20.0 * math.log10(peak / rms),
        centroid_hz=centroid,
        bandwidth_hz=math.sqrt(float(np.average((hertz - centroid) ** 2, weights=power))),
        flatness_db=10.0 * (float(np.log10(power).mean()) - math.log10(float(power.mean()))),
    )
