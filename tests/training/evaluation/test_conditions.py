"""Circumstances: what they say is what they do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.data.augment import background_log_mels
from training.data.frontend import LogMel, to_log_mel, to_power
from training.evaluation.conditions import DEFAULT, Noise, parse_conditions
from training.train.sounds import BACKGROUND_SEED

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def noise() -> Noise:
    """A few short sounds."""
    return Noise.held_out(sounds=4, frames=100)


def _sound() -> torch.Tensor:
    """A second of a loud tone in noise."""
    time_s = torch.arange(32_000) / 32_000
    random = torch.Generator().manual_seed(1)
    return 0.3 * torch.sin(2 * math.pi * 700 * time_s) + 0.05 * torch.randn(
        32_000, generator=random
    )


def test_level_is_that_of_the_samples() -> None:
    """30 dB quieter on mel power is what samples divided by 31.6 give."""
    (condition,) = parse_conditions(["level-30"])
    frontend = LogMel()
    loud = frontend(_sound()[None])[0].numpy()
    quiet = frontend(_sound()[None] * 10 ** (-30 / 20))[0].numpy()
    np.testing.assert_allclose(condition.apply(loud, "a", None), quiet, atol=1e-4)


@pytest.mark.parametrize("snr_db", [20, 10, 0, -5])
def test_noise_is_so_far_below(noise: Noise, snr_db: int) -> None:
    """What was added, against what was there, in mean mel power."""
    (condition,) = parse_conditions([f"snr{snr_db}"])
    clean = LogMel()(_sound()[None])[0]
    heard = torch.from_numpy(condition.apply(clean.numpy(), "a", noise))
    added = (to_power(heard) - to_power(clean)).mean()
    assert 10 * math.log10(to_power(clean).mean() / added) == pytest.approx(snr_db, abs=0.1)


def test_noise_follows_from_the_recording_alone(noise: Noise) -> None:
    """The same again for one, another for others; the shape is that of the noise."""
    (condition,) = parse_conditions(["snr0"])
    clean = to_log_mel(torch.ones(128, 250)).numpy()
    first, again, other = (condition.apply(clean, name, noise) for name in ("a", "a", "c"))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    assert noise.of("a", 250).shape == (128, 250)
    torch.testing.assert_close(noise.of("a", 250)[:, :100], noise.of("a", 250)[:, 100:200])


def test_noise_is_none_that_a_training_has_heard() -> None:
    """No stretch of it is like one of the training's."""
    held_out = Noise.held_out(sounds=12, frames=100).power
    heard = to_power(background_log_mels(len(held_out), BACKGROUND_SEED, held_out.shape[2]))
    levels = [torch.log(one.mean(dim=2) + 1e-5) for one in (held_out, heard)]
    assert torch.cdist(*levels).min() > 1.0
    assert held_out.mean(dim=(1, 2)).min() > 0.0


def test_clean_is_what_was_recorded() -> None:
    """Not a copy that went through power and back."""
    (condition,) = parse_conditions(["clean"])
    sound = np.zeros((128, 10), np.float32)
    assert condition.apply(sound, "a", None) is sound


def test_names() -> None:
    """As they are written; what is not one is refused."""
    found = {one.name: (one.level_db, one.snr_db) for one in parse_conditions(DEFAULT)}
    assert found == {
        "clean": (0.0, None),
        "level-30": (-30.0, None),
        "snr20": (0.0, 20.0),
        "snr10": (0.0, 10.0),
        "snr0": (0.0, 0.0),
    }
    with pytest.raises(ValueError, match="'loud'; write clean"):
        parse_conditions(["loud"])
    with pytest.raises(ValueError, match="snr0 stands there twice"):
        parse_conditions(["snr0", "snr0"])
    with pytest.raises(ValueError, match="is empty"):
        parse_conditions([])
    (condition,) = parse_conditions(["snr0"])
    with pytest.raises(ValueError, match="condition snr0 needs noise"):
        condition.apply(np.zeros((128, 10), np.float32), "a", None)
