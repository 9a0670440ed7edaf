"""Synthetic sounds: each is of its kind, and no two are the same."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.synthetic import KINDS, synthetic

RATE_HZ = 32_000
_SPAN = RATE_HZ // 50


@pytest.fixture(scope="module")
def drawn() -> list[tuple[str, np.ndarray]]:
    """Three of each kind, of two seconds."""
    return list(synthetic(5, 3 * len(KINDS), 2.0, RATE_HZ))


def of_kind(drawn: list[tuple[str, np.ndarray]], kind: str) -> list[np.ndarray]:
    """Its windows."""
    return [samples for name, samples in drawn if name == kind]


def spectrum_hz(samples: np.ndarray) -> float:
    """The middle of its power, by frequency."""
    power = np.square(np.abs(np.fft.rfft(samples)))
    return float(np.searchsorted(np.cumsum(power), power.sum() / 2.0) * RATE_HZ / len(samples))


def test_kinds_take_turns_and_no_two_are_the_same(drawn: list[tuple[str, np.ndarray]]) -> None:
    """Whole samples within full scale."""
    assert [kind for kind, _ in drawn] == list(KINDS) * 3
    for _, samples in drawn:
        assert samples.dtype == np.float32
        assert samples.shape == (2 * RATE_HZ,)
        assert 0.0 < np.abs(samples).max() < 1.0
    for kind in KINDS:
        first, second, third = of_kind(drawn, kind)
        assert not np.allclose(first, second, atol=1e-4)
        assert not np.allclose(second, third, atol=1e-4)


def test_a_seed_gives_the_same_sound_again(drawn: list[tuple[str, np.ndarray]]) -> None:
    """As a training needs it."""
    kind, samples = next(iter(synthetic(5, 1, 2.0, RATE_HZ)))
    assert kind == drawn[0][0]
    np.testing.assert_array_equal(samples, drawn[0][1])


def test_kinds_differ_in_pitch_and_time(drawn: list[tuple[str, np.ndarray]]) -> None:
    """Wood lies lower than bolts; what leaks lasts, a puff is short."""

    def middle(kind: str) -> float:
        return float(np.median([spectrum_hz(samples) for samples in of_kind(drawn, kind)]))

    def loud(kind: str) -> float:
        shares = []
        for samples in of_kind(drawn, kind):
            spans = np.square(samples).reshape(-1, _SPAN).mean(axis=1)
            shares.append(float((spans > 0.1 * spans.max()).mean()))
        return float(np.median(shares))

    assert middle("a wooden plank is dropped flat") < middle("a bolt is dropped on the floor")
    assert middle("vehicle horn") < middle("a smoke detector shrieks")
    assert loud("a short puff of air") < 0.6 < loud("air leaking from a hose")
