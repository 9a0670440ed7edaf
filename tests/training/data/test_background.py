"""The cohort of ordinary sound."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.background import backgrounds

pytestmark = pytest.mark.torch


def test_the_same_seed_gives_the_same_sound() -> None:
    """And another seed another one."""
    first, again, other = (np.stack(list(backgrounds(seed, 6, 0.5, 32_000))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_sounds_are_within_range_and_of_many_levels() -> None:
    """Finite, unclipped for the most part, from near silence to loud."""
    sounds = np.stack(list(backgrounds(1, 40, 0.5, 32_000)))
    assert sounds.shape == (40, 16_000)
    assert sounds.dtype == np.float32
    assert np.isfinite(sounds).all()
    assert np.abs(sounds).max() <= 1.0
    levels_dbfs = 20 * np.log10(np.sqrt(np.mean(np.square(sounds), axis=1)))
    assert levels_dbfs.min() < -50.0
    assert levels_dbfs.max() > -22.0
    # One window may be the first part of a longer run: it does not depend on how many are made.
    np.testing.assert_array_equal(next(iter(backgrounds(1, 1, 0.5, 32_000))), sounds[0])
