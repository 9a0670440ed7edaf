"""Augmentation in the domain where sounds add."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.data.augment import AugmentConfig, augment, background_log_mels
from training.data.frontend import to_log_mel, to_power

pytestmark = pytest.mark.torch

_NOTHING = AugmentConfig(
    gain_db=(0.0, 0.0), noise_probability=0.0, colour_db=0.0, time_masks=0, band_masks=0
)


def _windows(count: int = 6, frames: int = 80) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return to_log_mel(torch.rand((count, 128, frames), generator=generator) + 0.1)


def _augment(config: AugmentConfig, windows: torch.Tensor, seed: int = 0) -> torch.Tensor:
    noise = to_log_mel(torch.full((3, 128, 50), 0.25))
    return augment(windows, noise, config, torch.Generator().manual_seed(seed))


def test_nothing_asked_for_nothing_changed() -> None:
    """But for rounding."""
    torch.testing.assert_close(_augment(_NOTHING, _windows()), _windows(), atol=1e-5, rtol=0.0)


def test_gain_scales_the_power() -> None:
    """Ten decibels less are a tenth of the power."""
    quiet = _augment(replace(_NOTHING, gain_db=(-10.0, -10.0)), _windows())
    torch.testing.assert_close(to_power(quiet), to_power(_windows()) / 10.0, atol=1e-4, rtol=1e-3)


def test_noise_of_equal_power_doubles_it() -> None:
    """At 0 dB, in every window; at 20 dB a hundredth is added."""
    for snr_db, factor in ((0.0, 2.0), (20.0, 1.01)):
        config = replace(_NOTHING, noise_probability=1.0, noise_snr_db=(snr_db, snr_db))
        before = to_power(_windows()).mean(dim=(1, 2))
        after = to_power(_augment(config, _windows())).mean(dim=(1, 2))
        torch.testing.assert_close(after, factor * before, atol=0.0, rtol=1e-3)


def test_microphone_colours_smoothly_and_within_bounds() -> None:
    """The same for all frames, at most as much as is asked for, no jump between bands."""
    coloured = _augment(replace(_NOTHING, colour_db=6.0), _windows())
    db = 10.0 * torch.log10(to_power(coloured) / to_power(_windows()))
    assert float(db.abs().max()) <= 6.01
    assert float(db.abs().max()) > 0.5
    assert float(db.std(dim=2).max()) < 0.01
    assert float(db[:, 1:, 0].sub(db[:, :-1, 0]).abs().max()) < 1.0


def test_masks_hide_spans_behind_the_mean() -> None:
    """Whole bands and whole moments, no more than asked for."""
    windows = _windows(50)
    config = replace(_NOTHING, time_masks=1, time_mask_frames=10, band_masks=1, band_mask_bands=8)
    masked = _augment(config, windows)
    changed = (masked - windows).abs() > 1e-4
    mean = windows.mean(dim=(1, 2), keepdim=True).expand_as(windows)
    torch.testing.assert_close(masked[changed], mean[changed], atol=1e-4, rtol=0.0)
    assert int(changed.all(dim=1).sum(dim=1).max()) <= 10
    assert int(changed.all(dim=2).sum(dim=1).max()) <= 8
    assert bool(changed.any())


def test_same_chance_same_windows() -> None:
    """And another chance others; shapes stay, silence stays finite."""
    config = AugmentConfig()
    first, again, other = (_augment(config, _windows(), seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    silence = to_log_mel(torch.zeros(2, 128, 40))
    assert bool(torch.isfinite(_augment(config, silence)).all())
    assert _augment(config, silence).shape == silence.shape


def test_backgrounds_are_as_many_and_as_long_as_asked_for() -> None:
    """And differ from each other."""
    found = background_log_mels(4, 1, 60)
    assert found.shape == (4, 128, 60)
    assert not torch.allclose(found[0], found[1])
