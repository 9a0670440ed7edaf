"""What synthetic sounds are made of: struck bodies, shards, strokes, tones, gates, rooms."""

from __future__ import annotations

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Samples
from training.data.background import at_level, coloured

_PEAK_DBFS = (-34.0, -0.5)
_BACKGROUND_DB = (-45.0, -6.0)
"""Of the machines behind an event, against it."""
_NOISY_SHARE = 0.8
LAST_BOUNCE_S = 0.012
HIGHEST_HZ = 15_000.0
"""Above, the tower hears nothing, and an overtone would fold back."""


def log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> Samples:
    """Numbers whose logarithms are spread evenly, shape ``(size,)``."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def struck(
    rng: np.random.Generator,
    time_s: Samples,
    modes: Samples,
    decays: Samples,
    contact: tuple[float, float] = (0.2, 5.0),
) -> Samples:
    """Damped modes of a body that is struck once, with the click of the contact.

    Args:
        rng: chance.
        time_s: of the samples, in seconds.
        modes: frequencies in Hz, shape ``(modes,)``.
        decays: in seconds, shape ``(modes,)``.
        contact: least and most amplitude of the click.
    """
    phases = rng.uniform(0, 2 * np.pi, len(modes))
    amplitudes = rng.uniform(0.2, 1.0, len(modes))
    ringing: Samples = np.zeros(len(time_s))
    for hertz, decay_s, phase, amplitude in zip(modes, decays, phases, amplitudes, strict=True):
        swing = np.sin(2 * np.pi * hertz * time_s + phase)
        ringing += amplitude * np.exp(-time_s / decay_s) * swing
    click = rng.standard_normal(len(time_s)) * np.exp(-time_s / rng.uniform(0.001, 0.015))
    return ringing + rng.uniform(*contact) * click


def add_at(signal: Samples, at: int, sound: Samples) -> None:
    """Add a sound to a signal from a sample on, in place; what does not fit is cut."""
    stop = min(len(signal), at + len(sound))
    if at < stop:
        signal[at:stop] += sound[: stop - at]


def gated(
    rng: np.random.Generator, time_s: Samples, rate_hz: float, duty: tuple[float, float]
) -> Samples:
    """An on and off, with soft edges: 1 and 0, shape ``(samples,)``."""
    gate = ((time_s * rate_hz) % 1.0) < rng.uniform(*duty)
    soft: Samples = np.convolve(gate, np.ones(160) / 160, mode="same")
    return soft


def reverberated(rng: np.random.Generator, dry: Samples, sample_rate_hz: int) -> Samples:
    """A room or a hall: noise that dies away."""
    seconds = rng.uniform(0.1, 1.2)
    response_s = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    response = coloured(rng, len(response_s), rng.uniform(-4.0, 0.0))
    response *= np.exp(-6.9 * response_s / seconds)
    response /= np.sqrt(np.square(response).sum())
    size = len(dry) + len(response)
    wet: Samples = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(response, size), size)
    return wet[: len(dry)]


def over_machines(
    rng: np.random.Generator,
    event: Samples,
    background: FloatArray,
    sample_rate_hz: int,
    wet_share: float,
) -> FloatArray:
    """An event as it is heard: often in a room, mostly over machines, at any level.

    Args:
        rng: chance.
        event: shape ``(samples,)``.
        background: of the machines, as long.
        sample_rate_hz: of both.
        wet_share: how often it is heard in a room.

    Returns:
        float32 within full scale, shape ``(samples,)``.
    """
    if rng.random() < wet_share:
        event = event + rng.uniform(0.1, 0.6) * reverberated(rng, event, sample_rate_hz)
    event = at_level(event, 0.0)
    if rng.random() < _NOISY_SHARE:
        event = event + at_level(background.astype(np.float64), rng.uniform(*_BACKGROUND_DB))
    peak = 10.0 ** (rng.uniform(*_PEAK_DBFS) / 20.0)
    heard: FloatArray = (event * (peak / np.abs(event).max())).astype(np.float32)
    return heard
