"""Sounds that no recording teaches: audible, different, and the same for the same seed."""

from __future__ import annotations

import numpy as np

from training.data.unfamiliar import unfamiliar

_RATE_HZ = 32_000


def test_every_window_holds_a_sound_that_is_not_clipped() -> None:
    """Each window is finite, within full scale and not silent."""
    windows = np.stack(list(unfamiliar(1, 25, 2.0, _RATE_HZ)))
    assert windows.shape == (25, 2 * _RATE_HZ)
    assert windows.dtype == np.float32
    peaks = np.abs(windows).max(axis=1)
    assert np.isfinite(windows).all()
    assert ((peaks > 0.01) & (peaks < 1.0)).all()
    clipped = (np.abs(windows) >= peaks[:, None] * 0.999).sum(axis=1)
    assert (clipped < 400).all()


def test_a_seed_gives_the_same_sounds_and_another_others() -> None:
    """What is kept of a training's cache is what another run would hear."""
    first, again, other = (list(unfamiliar(seed, 3, 0.5, _RATE_HZ)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
