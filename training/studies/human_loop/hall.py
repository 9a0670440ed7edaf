"""A hall at work, mixed from recordings: machines that run and change, doors, steps, coughs.

As the hall of :mod:`training.studies.hall`, with the recordings that a stretch of the month
was dealt, and a hum that is made once and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.audiofile import read_audio
from agent.scene import RATE_HZ, machines
from training.data.background import at_level
from training.studies.human_loop.recordings import BEDS, HALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.records import FloatArray
    from training.studies.human_loop.recordings import Dealt

PAUSE_S = 10.0
"""Mean time from one sound of the hall to the next; they come at random."""
MOST_PER_CLASS = 6
_HUM_S = 20
_FADE = 2 * RATE_HZ
_BED_S = (60.0, 240.0)
_HUM_DBFS, _BED_DBFS, _SOUND_DBFS = (-60.0, -45.0), (-50.0, -32.0), (-50.0, -25.0)

Kinds = tuple[tuple["FloatArray", ...], ...]


@dataclass(frozen=True, slots=True)
class Hall:
    """The recordings of a hall, by kind: float32 mono at :data:`agent.scene.RATE_HZ`."""

    beds: Kinds
    sounds: Kinds


def read_hall(dealt: Dealt, data: Path) -> Hall:
    """The hall that a stretch of the month was dealt.

    Raises:
        ValueError: it was dealt no machine, or nothing that happens.
    """
    hall = Hall(_kinds(dealt, data, BEDS), _kinds(dealt, data, HALL))
    if not hall.beds or not hall.sounds:
        raise ValueError("too few recordings to make a hall of; name the data folder with --data")
    return hall


def days_of(hall: Hall, seed: int, days: int, seconds: int) -> Iterator[FloatArray]:
    """So many stretches of a hall, float32, each of so many seconds; the seed decides."""
    rng = np.random.default_rng(seed)
    hum = machines(rng, _HUM_S * RATE_HZ)
    size = seconds * RATE_HZ
    for _ in range(days):
        level = at_level(np.roll(hum, int(rng.integers(len(hum)))), rng.uniform(*_HUM_DBFS))
        day = np.resize(level, size).astype(np.float32)
        _run_machines(hall.beds, rng, day)
        for _ in range(rng.poisson(seconds / PAUSE_S)):
            sound = _drawn(hall.sounds, rng)
            first = int(rng.integers(size))
            _lay(day, _levelled(sound, rng.uniform(*_SOUND_DBFS)), first)
        yield day


def _run_machines(beds: Kinds, rng: np.random.Generator, day: FloatArray) -> None:
    """One machine after the other, cross-faded."""
    ramp = np.linspace(0.0, 1.0, _FADE, dtype=np.float32)
    at = -_FADE
    while at < len(day):
        kind = beds[rng.integers(len(beds))]
        dbfs = rng.uniform(*_BED_DBFS)
        until = at + round(rng.uniform(*_BED_S) * RATE_HZ)
        while at < min(until, len(day)):
            clip = kind[rng.integers(len(kind))]
            clip = _levelled(np.tile(clip, -(-(2 * _FADE + 1) // len(clip))), dbfs)
            clip[:_FADE] *= ramp
            clip[-_FADE:] *= ramp[::-1]
            _lay(day, clip, at)
            at += len(clip) - _FADE


def _lay(day: FloatArray, clip: FloatArray, first: int) -> None:
    clip = clip[max(0, -first) : len(day) - first]
    first = max(0, first)
    day[first : first + len(clip)] += clip


def _levelled(clip: FloatArray, dbfs: float) -> FloatArray:
    return at_level(clip.astype(np.float64), dbfs).astype(np.float32)


def _drawn(kinds: Kinds, rng: np.random.Generator) -> FloatArray:
    kind = kinds[rng.integers(len(kinds))]
    return kind[rng.integers(len(kind))]


def _kinds(dealt: Dealt, data: Path, classes: Sequence[str]) -> Kinds:
    kinds = (dealt.recordings.get(name, ()) for name in classes)
    return tuple(
        tuple(
            read_audio(data / one.path, RATE_HZ)
            for one in kind[:: max(1, len(kind) // MOST_PER_CLASS)][:MOST_PER_CLASS]
        )
        for kind in kinds
        if kind
    )
