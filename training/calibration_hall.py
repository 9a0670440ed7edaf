"""Hours of a hall at work, mixed from recordings: what the calibration is judged on.

A bed of machines that run, change every few minutes and cross-fade, over the synthetic hum of
:func:`agent.scene.machines`; on it, now and then, doors, steps, coughs, scraping. None of what the
shipped descriptions call an error is among them, so that whatever is detected is a false alarm.
Two halves of the recordings make two halls that share no recording. The sound is made, its parts
are real: it repeats itself more than a factory does, and knows neither shifts nor seasons.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.audiofile import read_audio
from agent.scene import RATE_HZ, at_level, machines
from training.data.background import at_level as at_rms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.records import FloatArray

BLOCK_S = 60.0
"""Length of what is made at once."""
PAUSE_S = 10.0
"""Mean time from one sound on the bed to the next; they come at random."""
MOST_PER_KIND = 10
_DIGITS = re.compile(r"([0-9]+)")
_FADE_S = 2.0
_BED_S = (120.0, 480.0)
_HUM_DBFS, _BED_DBFS, _SOUND_DBFS = (-60.0, -45.0), (-50.0, -32.0), (-50.0, -22.0)

_ESC_BEDS = ("vacuum_cleaner", "washing_machine", "engine", "airplane", "train", "wind")
_ESC_SOUNDS = (
    "footsteps",
    "door_wood_knock",
    "door_wood_creaks",
    "keyboard_typing",
    "mouse_click",
    "coughing",
    "laughing",
    "clapping",
    "breathing",
    "drinking_sipping",
    "can_opening",
    "hand_saw",
    "brushing_teeth",
    "chirping_birds",
    "crow",
    "insects",
    "snoring",
)
_EVERYDAY_BEDS = ("compressor_motor", "vehicle_motor_idle", "motorbike_idle", "jet_ambience")
_EVERYDAY_SOUNDS = (
    "door_close",
    "door_open",
    "door_creak",
    "door_knock",
    "scrape",
    "zipper",
    "chalk_write",
    "coin",
    "clock_tick",
    "bicycle_spokes",
)


@dataclass(frozen=True, slots=True)
class Hall:
    """The recordings of one hall, by kind: float32 mono at :data:`agent.scene.RATE_HZ`."""

    beds: tuple[tuple[FloatArray, ...], ...]
    sounds: tuple[tuple[FloatArray, ...], ...]


def halves(data: Path) -> tuple[Hall, Hall]:
    """Two halls of the shared recordings; none is in both.

    Raises:
        FileNotFoundError: a folder is missing.
    """
    beds = [
        _files(data / "mimii-fan" / "normal"),
        # Two recordings cut into seconds: a half of each is a stretch of time.
        _files(data / "vroom-lathe" / "just_right"),
        _files(data / "brushless-motors"),
        *_esc(data, _ESC_BEDS),
        *_everyday(data, _EVERYDAY_BEDS),
    ]
    sounds = [*_esc(data, _ESC_SOUNDS), *_everyday(data, _EVERYDAY_SOUNDS)]
    first, second = (
        Hall(
            tuple(_read(kind, half) for kind in beds if len(kind) > half),
            tuple(_read(kind, half) for kind in sounds if len(kind) > half),
        )
        for half in (0, 1)
    )
    return first, second


def blocks(hall: Hall, seed: int, hours: float) -> Iterator[FloatArray]:
    """The hall's sound, :data:`BLOCK_S` at a time, without a break; the seed decides."""
    rng = np.random.default_rng(seed)
    size = round(BLOCK_S * RATE_HZ)
    fade = round(_FADE_S * RATE_HZ)
    bed = _bed(hall, rng)
    rest = np.zeros(0, np.float64)
    for _ in range(round(hours * 3_600.0 / BLOCK_S)):
        mixed = at_rms(machines(rng, size + fade), rng.uniform(*_HUM_DBFS))
        mixed[:fade] *= np.linspace(0.0, 1.0, fade)
        mixed[size:] *= np.linspace(1.0, 0.0, fade)
        out = np.zeros(max(size + fade, len(rest)))
        out[: len(rest)] += rest
        out[: size + fade] += mixed
        out[:size] += np.concatenate([next(bed) for _ in range(round(BLOCK_S))])
        for _ in range(rng.poisson(BLOCK_S / PAUSE_S)):
            kind = hall.sounds[rng.integers(len(hall.sounds))]
            sound = at_level(
                kind[rng.integers(len(kind))].astype(np.float64), rng.uniform(*_SOUND_DBFS)
            )
            first = rng.integers(size)
            if first + len(sound) > len(out):
                out = np.concatenate([out, np.zeros(first + len(sound) - len(out))])
            out[first : first + len(sound)] += sound
        rest = out[size:]
        yield np.clip(out[:size], -1.0, 1.0).astype(np.float32)


def _bed(hall: Hall, rng: np.random.Generator) -> Iterator[FloatArray]:
    """A second of machines at a time, for ever."""
    fade = round(_FADE_S * RATE_HZ)
    waiting: list[FloatArray] = []
    tail = np.zeros(fade, np.float32)
    while True:
        kind = hall.beds[rng.integers(len(hall.beds))]
        dbfs = rng.uniform(*_BED_DBFS)
        need = round(rng.uniform(*_BED_S) * RATE_HZ)
        while need > 0:
            clip = _at_least(kind[rng.integers(len(kind))], 2 * fade + 1)
            clip = at_rms(clip.astype(np.float64), dbfs).astype(np.float32)
            clip[:fade] = clip[:fade] * np.linspace(0, 1, fade, dtype=np.float32) + tail
            tail = clip[-fade:] * np.linspace(1, 0, fade, dtype=np.float32)
            waiting.append(clip[:-fade])
            need -= len(clip) - fade
        joined = np.concatenate(waiting)
        whole = len(joined) // RATE_HZ
        yield from np.split(joined[: whole * RATE_HZ], whole)
        waiting = [joined[whole * RATE_HZ :]]


def _at_least(clip: FloatArray, samples: int) -> FloatArray:
    return np.tile(clip, -(-samples // len(clip)))


def _read(files: Sequence[Path], half: int) -> tuple[FloatArray, ...]:
    middle = -(-len(files) // 2)
    chosen = files[:middle] if half == 0 else files[middle:]
    step = max(1, len(chosen) // MOST_PER_KIND)
    return tuple(read_audio(path, RATE_HZ) for path in chosen[::step][:MOST_PER_KIND])


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.flac"), key=_counted)
    if not found:
        raise FileNotFoundError(f"{folder}: no recordings; name the data folder with --data")
    return found


def _counted(path: Path) -> list[tuple[int, str]]:
    """Sorts ``-2`` before ``-10``: cut recordings in the order of time."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in _DIGITS.split(str(path))]


def _esc(data: Path, categories: Sequence[str]) -> list[list[Path]]:
    folder = data / "esc50-40"
    with (folder / "clips.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        [folder / "audio" / row["filename"] for row in rows if row["category"] == category]
        for category in categories
    ]


def _everyday(data: Path, names: Sequence[str]) -> list[list[Path]]:
    audio = sorted((data / "everyday-cc").rglob("*.flac"))
    return [[path for path in audio if path.name.startswith(name)] for name in names]
