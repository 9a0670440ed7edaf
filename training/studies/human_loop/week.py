"""A week's sound: a hall at work, errors at known times, and what only resembles them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ
from agent.core.records import FloatArray
from training.data.records import Recording
from training.studies.hall import Hall, days_of, read_kinds
from training.studies.human_loop.recordings import BEDS, ERRORS, HALL, ORDINARY, Dealt

DAYS = 7
SNR_DB = (0.0, 15.0)
"""Of a sound over the hall around it, each drawn anew."""
MOST_PER_CLASS = 3
"""Recordings of a class that resembles errors, a week."""
_MOST_OF_HALL = 6
"""Recordings of a class that the hall is made of."""
_MOST_S, _MARGIN_S = 5.0, 2.0
_QUIET = 0.02
_FRAME = RATE_HZ // 20
_PART_MIN = 10


@dataclass(frozen=True, slots=True)
class Placed:
    """A sound in a week."""

    day: int
    starts_s: float
    """From the beginning of its day."""
    ends_s: float
    sound: str
    """Class of the recording."""
    recording: str
    """Its id."""
    snr_db: float

    @property
    def error_id(self) -> str | None:
        """The description that it is; ``None`` where it is ordinary."""
        return ERRORS.get(self.sound)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is heard."""

    minutes: int = 4
    """Of sound, a day."""
    background_minutes: int = 45
    """That the site is calibrated on."""
    times: int = 2
    """How often each recording of an error is heard in its week."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week, to be made day by day; the same seed makes the same week."""

    number: int
    seed: int
    dealt: Dealt
    data: Path
    size: Size

    def placed(self) -> tuple[Placed, ...]:
        """What happens, in order."""
        rng = np.random.default_rng([self.seed, self.number, 1])
        rows = self.dealt.of(ERRORS) * self.size.times
        for name in ORDINARY:
            rows += self.dealt.of([name])[:MOST_PER_CLASS]
        total_s = self.size.minutes * 60.0
        each = max(1, -(-len(rows) // DAYS))
        slot_s = total_s / each
        found = []
        for number, at in enumerate(rng.permutation(len(rows))):
            sound, recording = rows[at]
            lasts_s = len(_trimmed(self.data, recording)) / RATE_HZ
            room_s = max(0.0, slot_s - lasts_s - _MARGIN_S)
            day, slot = number % DAYS, number // DAYS
            starts_s = slot * slot_s + float(rng.uniform(0.0, room_s))
            ends_s = min(total_s, starts_s + lasts_s)
            snr_db = float(rng.uniform(*SNR_DB))
            found.append(Placed(day, starts_s, ends_s, sound, recording.id, snr_db))
        return tuple(sorted(found, key=lambda event: (event.day, event.starts_s)))

    def days(self) -> Iterator[FloatArray]:
        """The sound of each day, float32 mono at :data:`agent.capture.scene.RATE_HZ`."""
        hall = read_hall(self.dealt, self.data)
        recordings = {clip.id: clip for _, clip in self.dealt.of((*ERRORS, *ORDINARY))}
        placed = self.placed()
        seconds = self.size.minutes * 60
        sounds = days_of(hall, _seed(self.seed, self.number), DAYS, seconds)
        for day, sound in enumerate(sounds):
            for event in placed:
                if event.day == day:
                    _add(sound, _trimmed(self.data, recordings[event.recording]), event)
            yield np.clip(sound, -1.0, 1.0)


def read_hall(dealt: Dealt, data: Path) -> Hall:
    """The hall that a stretch of the month was dealt.

    Raises:
        ValueError: it was dealt no machine, or nothing that happens.
    """
    beds, sounds = (
        read_kinds((dealt.recordings.get(name, ()) for name in classes), data, _MOST_OF_HALL)
        for classes in (BEDS, HALL)
    )
    if not beds or not sounds:
        raise ValueError("too few recordings to make a hall of; name the data folder with --data")
    return Hall(beds, sounds)


def background(dealt: Dealt, data: Path, seed: int, minutes: int) -> Iterator[FloatArray]:
    """The hall while nothing happens, at most ten minutes at a time."""
    parts = -(-minutes // _PART_MIN)
    return days_of(read_hall(dealt, data), _seed(seed, -1), parts, minutes * 60 // parts)


def _seed(seed: int, number: int) -> int:
    return 1_000 * seed + number + 10


def _trimmed(data: Path, recording: Recording) -> FloatArray:
    """A recording from where it is first heard to where it is last, at most five seconds."""
    samples = read_audio(data / recording.path, RATE_HZ)
    level = np.abs(samples)
    loud = np.flatnonzero(level >= _QUIET * max(float(level.max()), 1e-9))
    first = int(loud[0])
    last = min(int(loud[-1]) + 1, first + round(_MOST_S * RATE_HZ))
    return samples[first:last]


def _add(sound: FloatArray, clip: FloatArray, placed: Placed) -> None:
    """Mix a sound in, so that its loud parts are so much over the hall around it."""
    first = round(placed.starts_s * RATE_HZ)
    clip = clip[: len(sound) - first]
    around = sound[max(0, first - RATE_HZ) : first + len(clip) + RATE_HZ]
    hall = float(np.sqrt(np.mean(np.square(around)))) + 1e-6
    frames = clip[: len(clip) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.sort(np.square(frames).mean(axis=1)) if len(frames) else np.square(clip)
    # Half of a clip may be what rings out: its level is that of its louder half.
    own = float(np.sqrt(power[len(power) // 2 :].mean())) + 1e-9
    gain = hall / own * 10.0 ** (placed.snr_db / 20.0)
    sound[first : first + len(clip)] += np.float32(gain) * clip
