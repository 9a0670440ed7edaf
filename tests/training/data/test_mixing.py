"""Mixtures: levels are what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.training.mixable import mixable_manifest, write_sounds
from training.data.mix_command import ingredients
from training.data.mixing import Mixer
from training.data.records import Split
from training.data.sounding import FRAME, RATE_HZ, sounding

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two recordings of each kind in each split."""
    folder = tmp_path_factory.mktemp("data")
    write_sounds(folder)
    return folder


def test_levels_are_what_they_say(data: Path) -> None:
    """Told from the sound itself: power of each part over all the rest, where it sounds."""
    mixer = Mixer(ingredients(mixable_manifest()), Split.TRAIN, data)
    for number in range(6):
        mixture = mixer.mixture(1, number)
        for stem, part in zip(mixture.stems, mixture.parts(), strict=True):
            frames = stem.samples.reshape(-1, FRAME)
            powers = np.square(frames).mean(axis=1)
            loud = powers > powers.max() / 10**2.5
            rest = (mixture.samples - stem.samples).reshape(-1, FRAME)
            own, other = np.square(frames[loud]).mean(), np.square(rest[loud]).mean()
            assert part.level_db == pytest.approx(10 * np.log10(own / other), abs=0.5)
            assert part.share == pytest.approx(loud.mean())
        whole = sum((stem.samples for stem in mixture.stems), mixture.noise)
        np.testing.assert_allclose(mixture.samples, whole, atol=1e-9)


def test_levels_and_noise_stay_within_what_was_asked_for(data: Path) -> None:
    """Parts within 12 dB of the first, noise 0 to 20 dB below it, in 4 to 6 seconds."""
    mixer = Mixer(ingredients(mixable_manifest()), Split.TRAIN, data)
    overlaps = set()
    for number in range(12):
        mixture = mixer.mixture(2, number)
        first, *others = (stem.power_db for stem in mixture.stems)
        noise_db = 10 * np.log10(np.mean(np.square(mixture.noise)))
        assert all(abs(power_db - first) <= 12.0 + 1e-6 for power_db in others)
        assert -1e-6 <= first - noise_db <= 20.0 + 1e-6
        assert 4.0 - 0.02 <= len(mixture.samples) / RATE_HZ <= 6.0
        assert np.abs(mixture.samples).max() <= 0.95 + 1e-9
        names = [stem.ingredient.name for stem in mixture.stems]
        assert len(set(names)) == len(names)
        overlaps |= {part.overlap > 0.0 for part in mixture.parts()}
    assert overlaps == {False, True}


def test_sound_lies_over_the_whole_band(data: Path) -> None:
    """Or a model would tell a data set by its band limit: these parts end at 5 kHz."""
    mixer = Mixer(ingredients(mixable_manifest()), Split.TEST, data)
    for number in range(6):
        samples = mixer.mixture(3, number).samples
        power = np.square(np.abs(np.fft.rfft(samples)))
        high = power[int(len(power) * 0.55) :].sum() / power.sum()
        assert 10 * np.log10(high) > -45.0


def test_silence_makes_no_sound_weaker() -> None:
    """Frames more than 25 dB below the loudest are not sounding."""
    samples = np.concatenate([np.zeros(FRAME), np.full(2 * FRAME, 0.5), np.full(FRAME, 0.5 / 18)])
    assert sounding(samples).tolist() == [False, True, True, False]
