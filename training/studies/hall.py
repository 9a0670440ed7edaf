"""A hall at work, mixed from recordings: machines that run and change, doors, steps, coughs.

Machines cross-fade over the synthetic hum of :func:`agent.capture.scene.machines`; on them, now and
then, come sounds that are no error. The sound is made, its parts are real: it repeats itself more
than a factory does, and knows neither shifts nor seasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ, at_level, machines
from agent.core.records import FloatArray
from training.data.background import at_level as at_rms
from training.data.readers.classes import CLASS
from training.data.records import Manifest, Recording

BLOCK_S = 60.0
"""Length of what :func:`minutes_of` makes at once."""
PAUSE_S = 10.0
"""Mean time from one sound on the machines to the next; they come at random."""
_HUM_S = 20
_FADE = 2 * RATE_HZ
_RAMP = np.linspace(0.0, 1.0, _FADE, dtype=np.float32)
_HUM_DBFS, _BED_DBFS = (-60.0, -45.0), (-50.0, -32.0)
_DIGITS = re.compile(r"([0-9]+)")

Kinds: TypeAlias = "tuple[tuple[FloatArray, ...], ...]"


@dataclass(frozen=True, slots=True)
class Hall:
    """The recordings of a hall, by kind: float32 mono at :data:`agent.capture.scene.RATE_HZ`."""

    beds: Kinds
    """Machines, which run all the time."""
    sounds: Kinds
    """What comes now and then."""


def classes_of(data_set: str, names: str) -> tuple[str, ...]:
    """Classes as :func:`by_class` names them, of a list with commas."""
    return tuple(f"{data_set}/{' '.join(name.split())}" for name in names.split(","))


def by_class(manifest: Manifest) -> dict[str, list[Recording]]:
    """Recordings by their class, ``esc50-40/glass breaking``, in the order of the manifest."""
    recordings = {recording.id: recording for recording in manifest.recordings}
    found: dict[str, list[Recording]] = {}
    for pair in manifest.pairs:
        data_set, is_class, name = pair.caption.partition(CLASS)
        if is_class and pair.label:
            found.setdefault(f"{data_set}/{name}", []).append(recordings[pair.recording])
    return found


def in_time(recording: Recording) -> list[tuple[int, str]]:
    """Sorts ``-2`` before ``-10``: cut recordings in the order of time."""
    parts = _DIGITS.split(recording.id)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def read_kinds(kinds: Iterable[Sequence[Recording]], data: Path, most: int) -> Kinds:
    """Recordings of each kind, at most so many, evenly; a kind without any is left out."""
    return tuple(
        tuple(
            read_audio(data / recording.path, RATE_HZ)
            for recording in kind[:: max(1, len(kind) // most)][:most]
        )
        for kind in kinds
        if kind
    )


def minutes_of(hall: Hall, seed: int, hours: float) -> Iterator[FloatArray]:
    """The hall's sound, :data:`BLOCK_S` at a time, without a break; the seed decides."""
    rng = np.random.default_rng(seed)
    size = round(BLOCK_S * RATE_HZ)
    bed = _seconds(hall.beds, rng)
    rest = np.zeros(0, np.float64)
    for _ in range(round(hours * 3_600.0 / BLOCK_S)):
        mixed = at_rms(machines(rng, size + _FADE), rng.uniform(*_HUM_DBFS))
        mixed[:_FADE] *= np.linspace(0.0, 1.0, _FADE)
        mixed[size:] *= np.linspace(1.0, 0.0, _FADE)
        out = np.zeros(max(size + _FADE, len(rest)))
        out[: len(rest)] += rest
        out[: size + _FADE] += mixed
        out[:size] += np.concatenate([next(bed) for _ in range(round(BLOCK_S))])
        for _ in range(rng.poisson(BLOCK_S / PAUSE_S)):
            clip = _drawn(hall.sounds, rng)
            sound = at_level(clip.astype(np.float64), rng.uniform(-50.0, -22.0))
            first = int(rng.integers(size))
            out = np.pad(out, (0, max(0, first + len(sound) - len(out))))
            out[first : first + len(sound)] += sound
        rest = out[size:]
        yield np.clip(out[:size], -1.0, 1.0).astype(np.float32)


def days_of(hall: Hall, seed: int, days: int, seconds: int) -> Iterator[FloatArray]:
    """So many stretches of a hall, float32, each of so many seconds; the seed decides."""
    rng = np.random.default_rng(seed)
    hum = machines(rng, _HUM_S * RATE_HZ)
    size = seconds * RATE_HZ
    for _ in range(days):
        level = at_rms(np.roll(hum, int(rng.integers(len(hum)))), rng.uniform(*_HUM_DBFS))
        day = np.resize(level, size).astype(np.float32)
        at = -_FADE
        while at < size:
            for clip in _machine(hall.beds, rng, (60.0, 240.0), size - at):
                _lay(day, clip, at)
                at += len(clip) - _FADE
        for _ in range(rng.poisson(seconds / PAUSE_S)):
            sound = _drawn(hall.sounds, rng)
            first = int(rng.integers(size))
            _lay(day, _levelled(sound, rng.uniform(-50.0, -25.0)), first)
        yield day


def _machine(
    beds: Kinds, rng: np.random.Generator, lasts_s: tuple[float, float], most: float = np.inf
) -> Iterator[FloatArray]:
    """Clips of one machine for some time, faded at both ends: each begins where the last fades."""
    kind = beds[rng.integers(len(beds))]
    dbfs = rng.uniform(*_BED_DBFS)
    left = min(round(rng.uniform(*lasts_s) * RATE_HZ), most)
    while left > 0:
        clip = kind[rng.integers(len(kind))]
        clip = _levelled(np.tile(clip, -(-(2 * _FADE + 1) // len(clip))), dbfs)
        clip[:_FADE] *= _RAMP
        clip[-_FADE:] *= _RAMP[::-1]
        yield clip
        left -= len(clip) - _FADE


def _seconds(beds: Kinds, rng: np.random.Generator) -> Iterator[FloatArray]:
    """A second of machines at a time, for ever."""
    waiting: list[FloatArray] = []
    tail = np.zeros(_FADE, np.float32)
    while True:
        for clip in list(_machine(beds, rng, (120.0, 480.0))):
            clip[:_FADE] += tail
            tail = clip[-_FADE:]
            waiting.append(clip[:-_FADE])
        joined = np.concatenate(waiting)
        whole = len(joined) // RATE_HZ
        yield from np.split(joined[: whole * RATE_HZ], whole)
        waiting = [joined[whole * RATE_HZ :]]


def _lay(day: FloatArray, clip: FloatArray, first: int) -> None:
    clip = clip[max(0, -first) : len(day) - first]
    first = max(0, first)
    day[first : first + len(clip)] += clip


def _levelled(clip: FloatArray, dbfs: float) -> FloatArray:
    return at_rms(clip.astype(np.float64), dbfs).astype(np.float32)


def _drawn(kinds: Kinds, rng: np.random.Generator) -> FloatArray:
    kind = kinds[rng.integers(len(kinds))]
    return kind[rng.integers(len(kind))]
