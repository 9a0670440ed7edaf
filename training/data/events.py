"""Events of one kind after another: what is dropped, struck, broken, sounded or let out.

A record says within what bounds a thing or a tone lies; a function draws one of it and lets it
sound in a window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from training.data.arrays import Samples
from training.data.background import at_level, coloured
from training.data.synthesis import (
    HIGHEST_HZ,
    LAST_BOUNCE_S,
    add_at,
    gated,
    log_uniform,
    struck,
)

Range: TypeAlias = tuple[float, float]
Maker: TypeAlias = Callable[[np.random.Generator, Samples], Samples]


@dataclass(frozen=True, slots=True)
class Body:
    """What a struck thing is like."""

    lowest_hz: Range
    ring_s: Range
    """Of its lowest mode."""
    modes: tuple[int, int] = (4, 16)
    spread: float = 12.0
    """Highest mode over the lowest, at most."""
    contact: Range = (0.2, 5.0)
    """Loudness of the contact's click beside the ringing."""

    def blow(self, rng: np.random.Generator) -> Callable[[Samples], Samples]:
        """Draw one such thing; it sounds each time that it is struck."""
        lowest = log_uniform(rng, *self.lowest_hz, 1)[0]
        highest = min(HIGHEST_HZ, self.spread * lowest)
        modes = log_uniform(rng, lowest, highest, int(rng.integers(*self.modes)))
        decays = log_uniform(rng, *self.ring_s, 1)[0] * (lowest / modes) ** 0.5
        return lambda time_s: struck(
            rng, time_s, modes * rng.uniform(0.99, 1.01), decays, self.contact
        )


def dropped(body: Body, bounce: Range, rng: np.random.Generator, time_s: Samples) -> Samples:
    """It falls and bounces: ``bounce`` is what is left of each time until the next."""
    signal, blow = np.zeros(len(time_s)), body.blow(rng)
    rate = 1.0 / time_s[1]
    start_s, strength, pause_s = rng.uniform(0.0, 1.0), 1.0, rng.uniform(0.08, 0.4)
    restitution = rng.uniform(*bounce)
    while pause_s > LAST_BOUNCE_S and start_s < time_s[-1]:
        add_at(signal, round(start_s * rate), strength * blow(time_s[: round(1.0 * rate)]))
        start_s += pause_s * rng.uniform(0.8, 1.2)
        pause_s *= restitution
        strength *= restitution
    return signal


def strokes(
    body: Body, pace_hz: Range, uneven: Range, rng: np.random.Generator, time_s: Samples
) -> Samples:
    """It is struck again and again, at a pace that is more or less even."""
    signal, blow = np.zeros(len(time_s)), body.blow(rng)
    rate = 1.0 / time_s[1]
    pause_s, jitter = 1.0 / log_uniform(rng, *pace_hz, 1)[0], rng.uniform(*uneven)
    start_s = rng.uniform(0.0, min(0.8, pause_s))
    until_s = start_s + rng.uniform(0.6, 2.0)
    while start_s < min(until_s, time_s[-1]):
        stroke = blow(time_s[: round(0.5 * rate)])
        add_at(signal, round(start_s * rate), rng.uniform(0.5, 1.0) * stroke)
        start_s += pause_s * (1.0 + jitter * rng.uniform(-1.0, 1.0))
    return signal


@dataclass(frozen=True, slots=True)
class Shower:
    """How many small things come down."""

    count: tuple[int, int]
    spread_s: Range
    crack: Range = (0.0, 1.0)
    """Loudness of what comes first: something breaks."""


def many(body: Body, shower: Shower, rng: np.random.Generator, time_s: Samples) -> Samples:
    """Many small things come down."""
    signal = np.zeros(len(time_s))
    rate = 1.0 / time_s[1]
    first_s, over_s = rng.uniform(0.0, 0.8), rng.uniform(*shower.spread_s)
    breaking = rng.standard_normal(len(time_s)) * np.exp(-time_s / rng.uniform(0.01, 0.08))
    add_at(signal, round(first_s * rate), rng.uniform(*shower.crack) * breaking)
    for _ in range(int(rng.integers(*shower.count))):
        piece = body.blow(rng)(time_s[: round(0.2 * rate)])
        start_s = first_s + rng.gamma(1.4, over_s)
        add_at(signal, round(start_s * rate), rng.exponential(0.5) * piece)
    return signal


@dataclass(frozen=True, slots=True)
class Voice:
    """What a tone is like."""

    pitch_hz: Range
    overtones: tuple[int, int]
    rolloff: Range
    """Power by which overtones fall off."""
    voices: tuple[int, int] = (1, 2)
    swing: Range = (0.0, 0.02)
    """By what share its pitch moves."""
    swing_hz: Range = (0.1, 6.0)
    rising: bool = False
    """The pitch climbs and falls back at once, where otherwise it swings."""
    breath: Range = (0.0, 0.05)
    """Noise beside it."""

    def sounding(self, rng: np.random.Generator, time_s: Samples) -> Samples:
        """Draw one such tone, held all the time."""
        base_hz = log_uniform(rng, *self.pitch_hz, 1)[0]
        depth = rng.uniform(*self.swing)
        turns = log_uniform(rng, *self.swing_hz, 1)[0] * time_s + rng.uniform()
        wave = 2.0 * (turns % 1.0) - 1.0 if self.rising else np.sin(2 * np.pi * turns)
        tone: Samples = np.zeros(len(time_s))
        rolloff, step = rng.uniform(*self.rolloff), int(rng.integers(1, 3))
        for ratio in log_uniform(rng, 1.0, 1.6, int(rng.integers(*self.voices))):
            pitch = base_hz * ratio * (1.0 + depth * wave)
            phase = 2 * np.pi * np.cumsum(pitch) * time_s[1]
            for order in range(1, 1 + step * int(rng.integers(*self.overtones)), step):
                tone += (pitch * order < HIGHEST_HZ) * order**-rolloff * np.sin(order * phase)
        return tone + rng.uniform(*self.breath) * rng.standard_normal(len(time_s))


def held(voice: Voice, length_s: Range, rng: np.random.Generator, time_s: Samples) -> Samples:
    """It sounds once."""
    return voice.sounding(rng, time_s) * _once(rng, time_s, length_s)


def repeated(
    voice: Voice, pace_hz: Range, duty: Range, rng: np.random.Generator, time_s: Samples
) -> Samples:
    """It sounds again and again."""
    pace = log_uniform(rng, *pace_hz, 1)[0]
    return voice.sounding(rng, time_s) * gated(rng, time_s, pace, duty)


def _once(rng: np.random.Generator, time_s: Samples, length_s: Range) -> Samples:
    """One span of the time, with soft edges: 1 and 0."""
    length = rng.uniform(*length_s)
    start_s = rng.uniform(0.0, max(0.05, time_s[-1] - length))
    span = (time_s >= start_s) & (time_s < start_s + length)
    soft: Samples = np.convolve(span, np.ones(640) / 640, mode="same")
    return soft


@dataclass(frozen=True, slots=True)
class Rush:
    """What noise is like that rushes."""

    slope_db: Range
    """An octave."""
    length_s: Range
    flutter_hz: Range = (3.0, 30.0)
    flutter: Range = (0.0, 0.3)
    """How much of it comes and goes."""


def jet(rush: Rush, rng: np.random.Generator, time_s: Samples) -> Samples:
    """Noise that rushes."""
    wave = np.sin(2 * np.pi * log_uniform(rng, *rush.flutter_hz, 1)[0] * time_s)
    noise = coloured(rng, len(time_s), rng.uniform(*rush.slope_db))
    coming: Samples = 1.0 + rng.uniform(*rush.flutter) * wave
    return noise * coming * _once(rng, time_s, rush.length_s)


def both(first: Maker, second: Maker, rng: np.random.Generator, time_s: Samples) -> Samples:
    """Two at once."""
    mixed: Samples = at_level(first(rng, time_s), 0.0) + at_level(
        second(rng, time_s), rng.uniform(-9.0, 6.0)
    )
    return mixed
