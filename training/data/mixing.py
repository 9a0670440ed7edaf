"""Mixtures of recordings whose contents are known, level by level and moment by moment.

Two or three recordings of different classes, at known levels and times, over factory noise. What
is graded in them has a physical meaning: a sound that is 10 dB below all else is heard less than
one that is 10 dB above.

All powers are means over the frames in which a sound sounds, see :mod:`training.data.sounding`.
Noise with energy up to half the sample rate lies over everything, and the level of the whole varies
by 24 dB: band limits, quantisation and levels of a data set tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.capture.audiofile import read_audio
from agent.core.errors import AudioFileError
from training.data.arrays import Mask, Samples
from training.data.contents import ALONE_DB, Part
from training.data.readers.folders import LATHE, MOTORS
from training.data.records import Recording, Split
from training.data.sounding import (
    RATE_HZ,
    at_unit_power,
    decibel,
    excerpt,
    factory_noise,
    lasting,
    mean_power,
    sounding,
    trimmed,
)

# Names of the sets that are long steady sounds; MIT, so a shipped model may learn from them.
_MACHINES = (LATHE.name, MOTORS.name)
_ATTEMPTS = 100
_LARGE_CLASS = 16
_PEAK = 0.95


@dataclass(frozen=True, slots=True)
class MixConfig:
    """What mixtures are drawn from; two bounds are a uniform distribution."""

    duration_s: tuple[float, float] = (4.0, 6.0)
    parts: tuple[int, int] = (2, 3)
    level_db: tuple[float, float] = (-12.0, 12.0)
    """Power of a part over that of the first, each while it sounds."""
    snr_db: tuple[float, float] = (0.0, 20.0)
    """Power of the first part over that of the noise."""
    dbfs: tuple[float, float] = (-40.0, -16.0)
    """Power of the whole; less where it would clip."""
    one_by_one: float = 0.4
    """Share of mixtures whose parts sound one after another; in the others times are free."""
    machine: float = 0.25
    """Share of training mixtures with a machine of the shop floor as one part, all the time."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A recording of one class."""

    recording: Recording
    caption: str
    """Id of the caption that names its class."""
    name: str
    """Of the class."""


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """One part alone, as it is heard in the mixture."""

    ingredient: Ingredient
    samples: Samples
    """As long as the mixture."""
    sounding: Mask
    """By frame."""

    @property
    def power_db(self) -> float:
        """Mean power while it sounds, dBFS."""
        return decibel(mean_power(self.samples, self.sounding))


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Sound and what it is made of: ``samples = sum of stems + noise``."""

    samples: Samples
    """Mono at :data:`RATE_HZ`, within full scale."""
    stems: tuple[Stem, ...]
    noise: Samples

    def parts(self) -> tuple[Part, ...]:
        """What is heard, measured on the stems."""
        found = []
        for stem in self.stems:
            others = np.zeros_like(stem.sounding)
            for other in self.stems:
                if other is not stem:
                    others |= other.sounding
            rest = mean_power(self.samples - stem.samples, stem.sounding)
            level_db = stem.power_db - decibel(rest)
            part = Part(
                recording=stem.ingredient.recording.id,
                caption=stem.ingredient.caption,
                level_db=float(np.clip(level_db, -ALONE_DB, ALONE_DB)),
                overlap=float((others & stem.sounding).sum() / stem.sounding.sum()),
                share=float(stem.sounding.mean()),
            )
            found.append(part)
        return tuple(found)


class Mixer:
    """Makes mixtures of one split's recordings; keeps what could not be used, and why."""

    def __init__(
        self,
        ingredients: Iterable[Ingredient],
        split: Split,
        data: Path,
        config: MixConfig | None = None,
    ) -> None:
        """Choose from the ingredients of a split.

        Args:
            ingredients: of any splits.
            split: whose recordings are mixed.
            data: what the recordings' paths are relative to.
            config: what mixtures are drawn from.
        """
        self.skipped: dict[str, str] = {}
        self._split = split
        self._data = data
        self._config = config or MixConfig()
        self._by_name: dict[str, list[Ingredient]] = {}
        self._machines: dict[str, list[Ingredient]] = {}
        for part in ingredients:
            if part.recording.split is split:
                self._by_name.setdefault(part.name, []).append(part)
                if split is Split.TRAIN and part.recording.id.split("/")[0] in _MACHINES:
                    self._machines.setdefault(part.name, []).append(part)

    def mixture(self, seed: int, number: int) -> Mixture:
        """One mixture: the same seed and number give the same samples.

        Raises:
            ValueError: too few classes are there, or can be read.
        """
        config = self._config
        rng = np.random.default_rng([seed, list(Split).index(self._split), number])
        # Whole tenths of a second: whole frames, and lengths that are transformed fast.
        length = round(rng.uniform(*config.duration_s) * 10) * (RATE_HZ // 10)
        count = int(rng.integers(config.parts[0], config.parts[1] + 1))
        machine = bool(self._machines) and rng.random() < config.machine
        chosen: list[tuple[Ingredient, Samples]] = []
        if machine:
            chosen.append(self._draw(self._machines, chosen, rng))
        while len(chosen) < count:
            chosen.append(self._draw(self._by_name, chosen, rng))
        sounds = [cut for _, cut in chosen]
        if machine:
            sounds = [lasting(sounds[0], length, rng), *self._placed(sounds[1:], length, rng)]
        else:
            sounds = self._placed(sounds, length, rng)
        # Relative to the first; a machine is a background among others.
        levels_db = [rng.uniform(*config.level_db) for _ in sounds]
        first = 1 if machine else 0
        levels_db[first] = 0.0
        if machine:
            levels_db[0] = -rng.uniform(*config.snr_db)
        noise = factory_noise(rng, length)
        noise *= 10.0 ** (-rng.uniform(*config.snr_db) / 20.0)
        stems = [
            (part, at_unit_power(sound) * 10.0 ** (level_db / 20.0))
            for (part, _), sound, level_db in zip(chosen, sounds, levels_db, strict=True)
        ]
        whole = noise + sum(samples for _, samples in stems)
        gain = 10.0 ** (rng.uniform(*config.dbfs) / 20.0) / np.sqrt(np.mean(np.square(whole)))
        gain = min(gain, _PEAK / np.abs(whole).max())
        return Mixture(
            gain * whole,
            tuple(Stem(part, gain * samples, sounding(samples)) for part, samples in stems),
            gain * noise,
        )

    def _draw(
        self,
        by_name: dict[str, list[Ingredient]],
        chosen: list[tuple[Ingredient, Samples]],
        rng: np.random.Generator,
    ) -> tuple[Ingredient, Samples]:
        """A recording that can be used, unlike those that were chosen before."""
        names = list(by_name)
        # Large classes more often than small ones, but not as much more.
        weights = np.sqrt([min(len(by_name[name]), _LARGE_CLASS) for name in names])
        taken = {word for part, _ in chosen for word in part.name.split()}
        # "crow" and "crow caw", of two sets, are one sound.
        weights *= [not taken & set(name.split()) for name in names]
        for _ in range(_ATTEMPTS if weights.any() else 0):
            name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
            one = by_name[name][int(rng.integers(len(by_name[name])))]
            if one.recording.id in self.skipped:
                continue
            try:
                samples = read_audio(self._data / one.recording.path, RATE_HZ).astype(np.float64)
            except AudioFileError as error:
                self.skipped[one.recording.id] = str(error)
                continue
            if not samples.any():
                self.skipped[one.recording.id] = "is digital silence"
                continue
            return one, trimmed(samples)
        raise ValueError(
            f"too few classes of the split '{self._split}' can be read "
            f"({len(self._by_name)} are there, {len(self.skipped)} recordings cannot be used); "
            "add recordings of other classes, or ask for no mixtures of this split"
        )

    def _placed(
        self, sounds: list[Samples], length: int, rng: np.random.Generator
    ) -> list[Samples]:
        """Each sound, or an excerpt, somewhere in so many samples."""
        apart = rng.random() < self._config.one_by_one
        longest = length // len(sounds) if apart else length
        cuts = [excerpt(sound, longest, rng) for sound in sounds]
        if apart:
            turn = rng.permutation(len(cuts))
            free = length - sum(map(len, cuts))
            pauses = free * np.cumsum(rng.dirichlet(np.ones(len(cuts) + 1)))[:-1]
            before = np.cumsum([0, *(len(cuts[number]) for number in turn[:-1])])
            starts = np.zeros(len(cuts), np.int64)
            starts[turn] = before + pauses.astype(np.int64)
        else:
            starts = np.array([int(rng.integers(length - len(cut) + 1)) for cut in cuts])
        placed = []
        for cut, start in zip(cuts, starts, strict=True):
            samples = np.zeros(length)
            samples[start : start + len(cut)] = cut
            placed.append(samples)
        return placed
