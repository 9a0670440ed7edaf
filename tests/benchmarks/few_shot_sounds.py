"""Takes as they are heard: clean, over hall noise, from farther away.

A sound in a condition is the same in all trials and has a key: a method may keep what it made of
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ, machines
from training.data.readers import folders
from training.data.readers.classes import CLASS
from training.data.readers.splits import chance
from training.data.sounding import mean_power, sounding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.records import FloatArray
    from training.data.arrays import Samples
    from training.data.records import Manifest, Recording
    from training.data.takes import Take

_QUIETER = 10.0 ** (-30.0 / 20.0)
_LEAST_S, _AROUND_S = 2.0, 1.0
"""Of noise with a sound in it: in all, and beyond the sound."""


class Condition(StrEnum):
    """How queries and other sounds are heard; examples are as they were recorded."""

    CLEAN = "clean"
    SNR_20 = "20 dB"
    SNR_10 = "10 dB"
    SNR_0 = "0 dB"
    QUIETER = "30 dB quieter"


SNR_DB = {Condition.SNR_20: 20.0, Condition.SNR_10: 10.0, Condition.SNR_0: 0.0}
"""Of a sound while it sounds, over hall noise."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A take in a condition."""

    key: str
    """The take's id and the condition: the same key is the same sound."""
    samples: FloatArray = field(repr=False)
    """Mono float32 at 32 kHz, full scale at 1.0, shape ``(samples,)``; read-only."""


def labelled(manifest: Manifest) -> Iterator[tuple[Recording, str]]:
    """Recordings of a set, each with the name of its class."""
    recordings = {recording.id: recording for recording in manifest.recordings}
    for pair in manifest.pairs:
        yield recordings[pair.recording], pair.caption.partition(CLASS)[2]


class Sounds:
    """Takes as they are heard; each is read and mixed once."""

    def __init__(self, data: Path) -> None:
        """Use the recordings of a data folder."""
        self._data = data
        self._kept: dict[str, Sound] = {}

    def heard(self, take: Take, condition: Condition) -> Sound:
        """A take in a condition, always the same.

        Raises:
            AudioFileError: its file cannot be read.
        """
        key = f"{take.id} {condition}"
        if key not in self._kept:
            samples = read_audio(self._data / take.recording.path, RATE_HZ)
            if condition is Condition.QUIETER:
                samples = (_QUIETER * samples).astype(np.float32)
            elif condition in SNR_DB:
                rng = np.random.default_rng(int(chance(key) * 2**63))
                samples = in_noise(samples, self._bed(rng, len(samples)), SNR_DB[condition], rng)
            samples.flags.writeable = False
            self._kept[key] = Sound(key, samples)
        return self._kept[key]

    @cached_property
    def _fans(self) -> list[FloatArray]:
        """Factory noise with a fan that is in order; evaluation only, as all of this."""
        normal = folders.FAN.class_name("normal")
        return [
            read_audio(self._data / recording.path, RATE_HZ)
            for recording, label in labelled(folders.read(self._data, folders.FAN))
            if label == normal
        ]

    def _bed(self, rng: np.random.Generator, least: int) -> FloatArray:
        """Hall noise for a sound: a recorded fan and synthetic machines, equally strong."""
        size = max(round(_LEAST_S * RATE_HZ), least + round(_AROUND_S * RATE_HZ))
        fan = self._fans[int(rng.integers(len(self._fans)))].astype(np.float64)
        fan = np.resize(np.roll(fan, int(rng.integers(len(fan)))), size)
        made = machines(rng, size)
        parts = (one / np.sqrt(np.mean(np.square(one)) + 1e-12) for one in (fan, made))
        return np.asarray(sum(parts), np.float32)


def in_noise(
    samples: FloatArray, noise: FloatArray, snr_db: float, rng: np.random.Generator
) -> FloatArray:
    """A sound somewhere in noise, float32, as long as the noise.

    Args:
        samples: shape ``(samples,)``, not longer than the noise.
        noise: likewise.
        snr_db: power of the sound while it sounds over that of the noise.
        rng: where it lies.
    """
    sound = samples.astype(np.float64)
    bed = noise.astype(np.float64)
    mixed = bed / gain(sound, bed, snr_db)
    first = int(rng.integers(len(bed) - len(sound) + 1))
    mixed[first : first + len(sound)] += sound
    peak = float(np.abs(mixed).max())
    return np.asarray(mixed / max(1.0, peak), np.float32)


def gain(sound: Samples, bed: Samples, snr_db: float) -> float:
    """Factor of a sound over noise.

    Args:
        sound: shape ``(samples,)``, not silent.
        bed: noise, any length.
        snr_db: power of the sound while it sounds over that of the noise.
    """
    power = mean_power(sound, sounding(sound))
    ratio = 10.0 ** (snr_db / 10.0) * (np.mean(np.square(bed)) + 1e-12) / power
    return float(np.sqrt(ratio))
