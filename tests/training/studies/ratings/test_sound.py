"""Loudness and spectral properties of sounds whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.signals import noise
from training.studies.ratings.sound import HIGHEST_HZ, LOWEST_HZ, measure

_RATE_HZ = 32_000


def tone(hertz: float, amplitude: float = 1.0) -> np.ndarray:
    """One second of a sine."""
    times = np.arange(_RATE_HZ) / _RATE_HZ
    return (amplitude * np.sin(2.0 * np.pi * hertz * times)).astype(np.float32)


@pytest.mark.parametrize("hertz", [440.0, 1_000.0, 9_000.0])
def test_centroid_of_a_tone_is_its_frequency(hertz: float) -> None:
    """And it has next to no bandwidth."""
    found = measure(tone(hertz), _RATE_HZ)
    assert found.centroid_hz == pytest.approx(hertz, abs=2.0)
    assert found.bandwidth_hz < 50.0
    assert found.flatness_db < -60.0


def test_two_tones_are_as_wide_as_half_their_distance() -> None:
    """Centroid in the middle, standard deviation half the distance."""
    found = measure(tone(2_000.0, 0.4) + tone(6_000.0, 0.4), _RATE_HZ)
    assert found.centroid_hz == pytest.approx(4_000.0, rel=0.01)
    assert found.bandwidth_hz == pytest.approx(2_000.0, rel=0.01)


def test_white_noise_is_flat() -> None:
    """Centroid and bandwidth of an even distribution over what is looked at."""
    found = measure(noise(8 * _RATE_HZ), _RATE_HZ)
    assert found.flatness_db == pytest.approx(0.0, abs=0.2)
    assert found.centroid_hz == pytest.approx((LOWEST_HZ + HIGHEST_HZ) / 2, rel=0.02)
    assert found.bandwidth_hz == pytest.approx((HIGHEST_HZ - LOWEST_HZ) / 12**0.5, rel=0.02)
    assert found.duration_s == 8.0


def test_level_and_crest_of_a_sine() -> None:
    """Full scale has -3.01 dBFS; half of it 6.02 dB less; the peak is 3.01 dB above."""
    assert measure(tone(1_000.0), _RATE_HZ).level_dbfs == pytest.approx(-3.01, abs=0.01)
    half = measure(tone(1_000.0, 0.5), _RATE_HZ)
    assert half.level_dbfs == pytest.approx(-9.03, abs=0.01)
    assert half.crest_db == pytest.approx(3.01, abs=0.05)


def test_loudness_changes_no_spectrum() -> None:
    """Nor does an offset change the level."""
    quiet, loud = measure(0.001 * noise(_RATE_HZ), _RATE_HZ), measure(noise(_RATE_HZ), _RATE_HZ)
    assert quiet.centroid_hz == pytest.approx(loud.centroid_hz, rel=1e-3)
    assert loud.level_dbfs - quiet.level_dbfs == pytest.approx(60.0, abs=0.01)
    lifted = measure(noise(_RATE_HZ) + np.float32(0.2), _RATE_HZ)
    assert lifted.level_dbfs == pytest.approx(loud.level_dbfs, abs=0.01)


def test_single_knock_has_a_high_crest() -> None:
    """One loud sample in a second of faint noise."""
    knock = 0.001 * noise(_RATE_HZ)
    knock[1_000] = 0.9
    assert measure(knock, _RATE_HZ).crest_db > 30.0


def test_short_sounds_are_measured() -> None:
    """Shorter than a window: one window of their length."""
    assert measure(tone(4_000.0)[:200], _RATE_HZ).centroid_hz == pytest.approx(4_000.0, rel=0.05)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(1_000, np.float32), "digital silence"),
        (np.full(1_000, 0.3, np.float32), "digital silence"),
        (np.zeros(10, np.float32), "64 samples or more"),
    ],
)
def test_nothing_to_measure_is_named(samples: np.ndarray, message: str) -> None:
    """Rather than a spectrum of nothing."""
    with pytest.raises(ValueError, match=message):
        measure(samples, _RATE_HZ)
