"""Ordinary background sound of our own making: what every description is normalised against.

A description that fits a running motor better than another does would alarm on every motor. The
box therefore looks at each description's scores on sounds that mean nothing, the cohort of
speaker verification's Z-norm (Auckenthaler et al., Digital Signal Processing 10, 2000), until a
site's own background takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Samples

_MAINS_HZ = (50.0, 60.0)
_QUIETEST_DBFS, _LOUDEST_DBFS = -65.0, -14.0


def backgrounds(
    seed: int, count: int, duration_s: float, sample_rate_hz: int
) -> Iterator[FloatArray]:
    """Windows of machine-like, room-like and near-silent sound.

    Args:
        seed: the same seed gives the same sound.
        count: how many windows.
        duration_s: length of each.
        sample_rate_hz: of the samples.

    Yields:
        float32 mono, shape ``(samples,)``.
    """
    kinds = (_noise, _hum, _fan, _clacks, _thuds)
    samples = round(duration_s * sample_rate_hz)
    time_s = np.arange(samples) / sample_rate_hz
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        parts = rng.choice(len(kinds), size=rng.integers(1, 4), replace=False)
        mixed: Samples = np.zeros(samples)
        for part in parts:
            mixed += at_level(kinds[part](rng, time_s), rng.uniform(-12.0, 0.0))
        level_dbfs = rng.uniform(_QUIETEST_DBFS, _LOUDEST_DBFS)
        yield np.clip(at_level(mixed, level_dbfs), -1.0, 1.0).astype(np.float32)


def at_level(samples: Samples, dbfs: float) -> Samples:
    """Scaled so that it has this RMS."""
    rms = float(np.sqrt(np.mean(np.square(samples)))) + 1e-12
    scaled: Samples = samples * (10.0 ** (dbfs / 20.0) / rms)
    return scaled


def coloured(rng: np.random.Generator, samples: int, slope_db_per_octave: float) -> Samples:
    """Noise whose spectrum falls by so much an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    bins = np.maximum(1, np.arange(len(spectrum)))
    # A power of each bin, at a third of what ** costs.
    gains = np.exp(slope_db_per_octave / 6.02 * np.log(bins))
    shaped: Samples = np.fft.irfft(spectrum * gains, samples)
    return shaped


def _noise(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Ventilation, traffic far away, a quiet room."""
    return coloured(rng, len(time_s), rng.uniform(-7.0, 0.0))


def _hum(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Mains or a motor: harmonics, slightly unsteady, over a little noise."""
    base_hz = rng.choice([*_MAINS_HZ, rng.uniform(20.0, 60.0), rng.uniform(60.0, 400.0)])
    drift = 1.0 + 0.003 * np.sin(2 * np.pi * rng.uniform(0.1, 1.0) * time_s)
    phase = 2 * np.pi * base_hz * np.cumsum(drift) * (time_s[1] - time_s[0])
    decay = rng.uniform(0.5, 2.0)
    harmonics = [
        rng.uniform(0.2, 1.0) * order**-decay * np.exp(1j * rng.uniform(0, 6.28))
        for order in range(1, 25)
    ]
    # The sum of amplitude * sin(order * phase + shift), by Horner's rule in place of 24 sines.
    turn = np.exp(1j * phase)
    summed = np.zeros_like(turn)
    for harmonic in reversed(harmonics):
        summed += harmonic
        summed *= turn
    hum: Samples = summed.imag + 0.05 * coloured(rng, len(time_s), -3.0)
    return hum


def _fan(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Broad noise that swells with each blade."""
    depth, rate_hz = rng.uniform(0.1, 0.8), rng.uniform(1.0, 60.0)
    swell = 1.0 + depth * np.sin(2 * np.pi * rate_hz * time_s)
    fan: Samples = coloured(rng, len(time_s), rng.uniform(-6.0, -1.0)) * swell
    return fan


def _strokes(
    rng: np.random.Generator,
    time_s: Samples,
    rate_hz: float,
    decay_s: float,
    ringing_hz: tuple[float, ...],
) -> Samples:
    """The same short stroke again and again, each a little different."""
    rate = 1.0 / (time_s[1] - time_s[0])
    signal = np.zeros(len(time_s))
    stroke_s = np.arange(round(6 * decay_s * rate)) / rate
    ringing = sum(np.sin(2 * np.pi * hz * stroke_s) for hz in ringing_hz)
    envelope = np.exp(-stroke_s / decay_s)
    for start_s in np.arange(rng.uniform(0, 1 / rate_hz), time_s[-1], 1 / rate_hz):
        start = round((start_s + rng.normal(0, 0.002)) * rate)
        burst = (0.5 * rng.standard_normal(len(stroke_s)) + ringing) * envelope
        stop = min(len(signal), start + len(burst))
        if 0 <= start < stop:
            signal[start:stop] += rng.uniform(0.8, 1.2) * burst[: stop - start]
    return signal


def _clacks(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Rollers, chains, relays: many short clacks over noise."""
    tones = tuple(rng.uniform(600.0, 4_000.0, size=3))
    clacks = _strokes(rng, time_s, rng.uniform(3.0, 20.0), rng.uniform(0.002, 0.01), tones)
    return clacks + 0.02 * coloured(rng, len(time_s), -3.0)


def _thuds(rng: np.random.Generator, time_s: Samples) -> Samples:
    """A press or a pump: slow, low and heavy."""
    tones = tuple(rng.uniform(40.0, 200.0, size=2))
    thuds = _strokes(rng, time_s, rng.uniform(0.7, 3.0), rng.uniform(0.02, 0.08), tones)
    return thuds + 0.05 * coloured(rng, len(time_s), -4.0)
