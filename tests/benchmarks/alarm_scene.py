"""Hall noise for hours, and sounds in it: what :mod:`tests.benchmarks.alarms` listens to.

Noise comes in stretches of five minutes. Under each lies a synthetic hall, over it run recorded
machines for a while. Thresholds are found in one part and judged in another: the two share no
recording and no seed, though lathe and motor are the same at other speeds. For evaluation only, as
the recorded fan is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ, machines
from tests.benchmarks.few_shot_sounds import gain
from training.data import takes
from training.data.readers import folders
from training.data.records import Split
from training.data.sounding import factory_noise, trimmed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from agent.core.records import FloatArray
    from training.data.arrays import Samples

Machine: TypeAlias = "tuple[Path, ...]"
"""Recordings of one machine as it ran once, in the order of their files."""

_T = TypeVar("_T")

STRETCH_S = 300.0
_FIRST_S, _SLOT_S, _JITTER_S = 20.0, 45.0, 2.0
"""Sounds in a stretch: the first, from one to the next, further by chance.

No description still waits out its cooldown of the sound before.
"""
SLOTS = int((STRETCH_S - _FIRST_S) / _SLOT_S)
"""Sounds in a stretch, at most."""
LEAST = 3
"""Stretches by which a box can be calibrated: windows of more than ten minutes."""
_LONGEST_S, _BESIDE_S = 10.0, 1.0
"""Of a sound, and of the noise on either side that its level is told by."""
_BASE_S = 60.0
_RUNNING = 4
"""Recorded machines that run in a stretch."""
_RUNS_S, _LEVEL_DB = (20.0, 120.0), (-6.0, 6.0)
"""For how long a recorded machine runs, and how strong it is beside the synthetic hall."""
_HALL_DBFS = (-42.0, -34.0)
_FADE_S, _JOIN_S = 0.3, 0.05
_SHORTEST_S = 0.5
_RUNS = re.compile(
    r"\b(running|engine|motor|machine|machinery|generator|fans?|ventilation|hum|centrifuge|printing"
    r"|conveyor|pump|elevator|saw|drill(ing)?|grinder|grinding|press|cleaner|air)\b"
)
_BRIEF = re.compile(r"\b(start(ing|s)?|stopping|opening|closing|panel|pull-start|horn|gas|burst)\b")


class Part(StrEnum):
    """What a stretch of noise is for."""

    THRESHOLDS = "thresholds"
    JUDGING = "judging"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Five minutes of hall noise."""

    name: str
    samples: FloatArray = field(repr=False)
    """Mono float32 at 32 kHz, full scale at 1.0, shape ``(samples,)``."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a sound sounds in a stretch, seconds from its start."""

    starts_s: float
    ends_s: float


def recorded(
    data: Path, families: Collection[str], labels: Collection[str]
) -> dict[str, tuple[Machine, ...]]:
    """Recorded machines by kind: lathe, motors, fan, and machines that run in industrial-cc.

    Args:
        data: folder of the recordings.
        families: sources of industrial-cc that are left out.
        labels: likewise, as what is listened for has them.

    Raises:
        FileNotFoundError: a set is not in the data folder.
        ManifestError: one is damaged.
    """
    found: dict[str, tuple[Machine, ...]] = {}
    for name in (folders.LATHE.name, folders.MOTORS.name):
        clips = takes.read(data, *Split, sets=(name,))
        # The last part of such a source is the split.
        pairs = ((clip.family.rpartition("/")[0], clip.recording.path) for clip in clips)
        found[name] = _grouped(data, pairs)
    fans = folders.read(data, folders.FAN).recordings
    found[folders.FAN.name] = _grouped(data, ((one.id, one.path) for one in fans))
    found["industrial-cc"] = _grouped(
        data,
        (
            (clip.family, clip.recording.path)
            for clip in takes.read(data, *Split, sets=("industrial-cc",))
            if clip.family not in families
            and clip.label not in labels
            and _RUNS.search(clip.label)
            and not _BRIEF.search(clip.label)
        ),
    )
    return found


def _grouped(data: Path, files: Iterable[tuple[str, str]]) -> tuple[Machine, ...]:
    machines_by_name: dict[str, list[Path]] = {}
    for name, path in files:
        machines_by_name.setdefault(name, []).append(data / path)
    return tuple(tuple(paths) for _, paths in sorted(machines_by_name.items()))


def of_part(kinds: Mapping[str, tuple[Machine, ...]], part: Part) -> dict[str, tuple[Machine, ...]]:
    """Every second of each kind: recordings of one part are not in the other."""
    first = list(Part).index(part)
    return {kind: some[first :: len(Part)] for kind, some in kinds.items()}


def noise(
    kinds: Mapping[str, tuple[Machine, ...]], part: Part, count: int, seed: int
) -> Iterator[Stretch]:
    """Stretches of noise of one part, always the same by its seed.

    Args:
        kinds: recorded machines of both parts.
        part: whose machines run.
        count: of stretches.
        seed: of all that is by chance.

    Raises:
        AudioFileError: a recording cannot be read.
    """
    own = of_part(kinds, part)
    rng = np.random.default_rng([seed, list(Part).index(part)])
    turns = {kind: _in_turn(some, rng) for kind, some in own.items() if some}
    order = _in_turn(tuple(turns), rng)
    for number in range(count):
        running = [next(turns[kind]) for kind in islice(order, _RUNNING)]
        yield Stretch(f"{part}-{number:02}", _hall(running, number, rng))


def _in_turn(some: tuple[_T, ...], rng: np.random.Generator) -> Iterator[_T]:
    """All of them in an order by chance, again and again; nothing if there are none."""
    while some:
        for number in rng.permutation(len(some)).tolist():
            yield some[number]


def _hall(running: Sequence[Machine], number: int, rng: np.random.Generator) -> FloatArray:
    """A synthetic hall, of both kinds in turn, in which machines run for a while each."""
    size = round(STRETCH_S * RATE_HZ)
    make = (machines, factory_noise)[number % 2]
    base = _at_unit_power(make(rng, round(_BASE_S * RATE_HZ)))
    hall = _joined([base], size, rng)
    for machine in running:
        length = round(rng.uniform(*_RUNS_S) * RATE_HZ)
        clips = [read_audio(path, RATE_HZ).astype(np.float64) for path in machine]
        # What is shorter has no steady part to repeat.
        long = [clip for clip in clips if len(clip) >= _SHORTEST_S * RATE_HZ]
        if not long:
            continue
        runs = _at_unit_power(_joined(long, length, rng))
        fade = round(_FADE_S * RATE_HZ)
        runs[:fade] *= np.linspace(0.0, 1.0, fade)
        runs[-fade:] *= np.linspace(1.0, 0.0, fade)
        first = int(rng.integers(size - length))
        hall[first : first + length] += 10.0 ** (rng.uniform(*_LEVEL_DB) / 20.0) * runs
    level = 10.0 ** (rng.uniform(*_HALL_DBFS) / 20.0)
    return np.clip(level * _at_unit_power(hall), -1.0, 1.0).astype(np.float32)


def _joined(clips: Sequence[Samples], length: int, rng: np.random.Generator) -> Samples:
    """Clips one after the other from any of them on, cross-faded at equal power, repeated."""
    fade = round(_JOIN_S * RATE_HZ)
    rising = np.sin(np.linspace(0.0, np.pi / 2.0, fade))
    made = np.zeros(length + max(map(len, clips)))
    first, number = -fade, int(rng.integers(len(clips)))
    while first < length:
        clip = clips[number % len(clips)].copy()
        clip[:fade] *= rising
        clip[-fade:] *= rising[::-1]
        kept = clip[max(0, -first) :]
        at = max(0, first)
        made[at : at + len(kept)] += kept
        first, number = first + len(clip) - fade, number + 1
    return made[:length]


def _at_unit_power(samples: Samples) -> Samples:
    scaled: Samples = samples / np.sqrt(np.mean(np.square(samples)) + 1e-12)
    return scaled


def lay(
    stretch: Stretch, sounds: Sequence[FloatArray], snr_db: float, rng: np.random.Generator
) -> tuple[FloatArray, list[Span]]:
    """A stretch with sounds in it, far apart, and when they sound.

    Args:
        stretch: of noise; stays as it is.
        sounds: at most :data:`SLOTS`, mono at 32 kHz; silence around them is cut off, and what
            lasts longer than ten seconds.
        snr_db: power of each while it sounds over that of the noise around it.
        rng: where exactly they lie.
    """
    bed = stretch.samples.astype(np.float64)
    mixed, spans = bed.copy(), []
    for number, samples in enumerate(sounds):
        sound = trimmed(samples.astype(np.float64))[: round(_LONGEST_S * RATE_HZ)]
        first = round((_FIRST_S + number * _SLOT_S + rng.uniform(0.0, _JITTER_S)) * RATE_HZ)
        last, beside = first + len(sound), round(_BESIDE_S * RATE_HZ)
        around = bed[first - beside : last + beside]
        mixed[first:last] += gain(sound, around, snr_db) * sound
        spans.append(Span(first / RATE_HZ, last / RATE_HZ))
    return np.clip(mixed, -1.0, 1.0).astype(np.float32), spans
