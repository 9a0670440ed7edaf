"""Sounds that no recording teaches: events of our own making, to stay unmoved by.

A model that learns from a few thousand recordings learns what to make of sounds like them, and
forgets what it made of others. These are others: bodies struck and dropped, shards, tones that
are held, gated or swept, jets and rattles, with parameters drawn far wider than any one set of
recordings has them. Nobody says what they are; a training only keeps what its start heard in
them (``keep_unfamiliar``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Samples
from training.data.background import backgrounds, coloured
from training.data.synthesis import (
    HIGHEST_HZ,
    LAST_BOUNCE_S,
    add_at,
    gated,
    log_uniform,
    over_machines,
    struck,
)

_CUT_SHARE, _WET_SHARE, _SINE_SHARE, _GATED_SHARE = 0.3, 0.5, 0.6, 0.5


def unfamiliar(
    seed: int, count: int, duration_s: float, sample_rate_hz: int
) -> Iterator[FloatArray]:
    """Windows with an event, most of them over machine noise.

    Args:
        seed: the same seed gives the same sound.
        count: how many windows.
        duration_s: length of each.
        sample_rate_hz: of the samples.

    Yields:
        float32 mono, shape ``(samples,)``.
    """
    kinds = (_dropped, _shards, _tone, _jet, _rattle)
    samples = round(duration_s * sample_rate_hz)
    time_s = np.arange(samples) / sample_rate_hz
    behind = backgrounds(seed + 1, count, duration_s, sample_rate_hz)
    for index, background in enumerate(behind):
        rng = np.random.default_rng([seed, index])
        event = kinds[index % len(kinds)](rng, time_s)
        event = np.roll(event, rng.integers(samples)) if rng.random() < _CUT_SHARE else event
        yield over_machines(rng, event, background, sample_rate_hz, _WET_SHARE)


def _dropped(rng: np.random.Generator, time_s: Samples) -> Samples:
    """A body falls and bounces: of metal, wood or plastic, small or large."""
    signal = np.zeros(len(time_s))
    rate = 1.0 / time_s[1]
    lowest = log_uniform(rng, 150.0, 4_000.0, 1)[0]
    modes = log_uniform(rng, lowest, min(HIGHEST_HZ, 12.0 * lowest), int(rng.integers(2, 16)))
    decays = log_uniform(rng, 0.01, 0.6, 1)[0] * (lowest / modes) ** 0.5
    start_s, strength, pause_s = rng.uniform(0.0, 1.0), 1.0, rng.uniform(0.06, 0.4)
    restitution = rng.uniform(0.1, 0.7)
    while pause_s > LAST_BOUNCE_S and start_s < time_s[-1]:
        blow = struck(rng, time_s[: round(0.8 * rate)], modes * rng.uniform(0.99, 1.01), decays)
        add_at(signal, round(start_s * rate), strength * blow)
        start_s += pause_s * rng.uniform(0.8, 1.2)
        pause_s *= restitution
        strength *= restitution
    return signal


def _shards(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Many small bodies after a crack: glass, screws, gravel."""
    signal = np.zeros(len(time_s))
    rate = 1.0 / time_s[1]
    crack_s = rng.uniform(0.01, 0.08)
    crack = rng.standard_normal(len(time_s)) * np.exp(-time_s / crack_s)
    first_s = rng.uniform(0.0, 0.8)
    add_at(signal, round(first_s * rate), rng.uniform(0.0, 10.0) * crack)
    lowest = rng.uniform(500.0, 4_000.0)
    ring_s = rng.uniform(0.003, 0.06)
    spread_s = rng.uniform(0.05, 0.4)
    for _ in range(int(rng.integers(20, 250))):
        modes = rng.uniform(lowest, 14_500.0, int(rng.integers(2, 6)))
        decays = rng.uniform(0.2, 1.0, len(modes)) * ring_s
        shard = struck(rng, time_s[: round(0.15 * rate)], modes, decays)
        start_s = first_s + rng.gamma(1.4, spread_s)
        add_at(signal, round(start_s * rate), rng.exponential(0.5) * shard)
    return signal


def _tone(rng: np.random.Generator, time_s: Samples) -> Samples:
    """A buzzer, horn, whistle or siren: a few voices, held, gated or swept."""
    base_hz = log_uniform(rng, 120.0, 5_000.0, 1)[0]
    depth = rng.choice([0.0, rng.uniform(0.0, 0.02), rng.uniform(0.1, 0.8)])
    rate_hz = log_uniform(rng, 0.1, 12.0, 1)[0]
    phase = 2 * np.pi * rate_hz * time_s + rng.uniform(0, 2 * np.pi)
    wave = (
        np.sin(phase) if rng.random() < _SINE_SHARE else 2.0 * ((phase / (2 * np.pi)) % 1.0) - 1.0
    )
    tone: Samples = np.zeros(len(time_s))
    rolloff, step = rng.uniform(0.3, 2.5), int(rng.integers(1, 3))
    for ratio in log_uniform(rng, 1.0, 1.6, int(rng.integers(1, 4))):
        pitch_hz = base_hz * ratio * (1.0 + depth * wave)
        turns = 2 * np.pi * np.cumsum(pitch_hz) * time_s[1]
        for order in range(1, int(rng.integers(2, 20)), step):
            audible = pitch_hz * order < HIGHEST_HZ
            tone += audible * order**-rolloff * np.sin(order * turns)
    if rng.random() < _GATED_SHARE:
        tone *= gated(rng, time_s, log_uniform(rng, 0.5, 15.0, 1)[0], (0.2, 0.8))
    return tone + rng.uniform(0.0, 0.1) * rng.standard_normal(len(time_s))


def _jet(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Air or steam that escapes, or a tool that grinds: bright noise that comes and goes."""
    jet = coloured(rng, len(time_s), rng.uniform(-3.0, 6.0))
    start_s, length_s = rng.uniform(0.0, 1.0), log_uniform(rng, 0.05, 2.0, 1)[0]
    on = (time_s >= start_s) & (time_s < start_s + length_s)
    shape = np.convolve(on, np.ones(640) / 640, mode="same")
    flutter = 1.0 + rng.uniform(0.0, 0.9) * np.sin(2 * np.pi * rng.uniform(5.0, 120.0) * time_s)
    return jet * shape * flutter


def _rattle(rng: np.random.Generator, time_s: Samples) -> Samples:
    """Something loose, a ratchet, a chattering tool: strokes at an uneven pace."""
    signal = np.zeros(len(time_s))
    rate = 1.0 / time_s[1]
    modes = log_uniform(rng, 200.0, 9_000.0, int(rng.integers(2, 8)))
    decays = log_uniform(rng, 0.002, 0.08, 1)[0] * np.ones(len(modes))
    pace_s, uneven = 1.0 / rng.uniform(2.0, 40.0), rng.uniform(0.0, 0.5)
    start_s = rng.uniform(0.0, 0.5)
    until_s = start_s + rng.uniform(0.3, 2.0)
    while start_s < min(until_s, time_s[-1]):
        stroke = struck(rng, time_s[: round(0.2 * rate)], modes, decays)
        add_at(signal, round(start_s * rate), rng.uniform(0.5, 1.0) * stroke)
        start_s += pace_s * (1.0 + uneven * rng.uniform(-1.0, 1.0))
    return signal
