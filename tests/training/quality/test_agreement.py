"""Krippendorff's alpha against its published example, and at its ends."""

from __future__ import annotations

import numpy as np
import pytest

from training.quality.agreement import Scale, agreement

# Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section C: four observers,
# twelve units, a dot where somebody said nothing.
_PUBLISHED = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def _units() -> list[dict[str, float]]:
    rows = [one.split() for one in _PUBLISHED]
    return [
        {str(rater): float(row[unit]) for rater, row in enumerate(rows) if row[unit] != "."}
        for unit in range(12)
    ]


@pytest.mark.parametrize(("scale", "alpha"), [(Scale.NOMINAL, 0.743), (Scale.INTERVAL, 0.849)])
def test_published_example(scale: Scale, alpha: float) -> None:
    """To the three digits that are published; the last unit has one answer and does not count."""
    found = agreement(_units(), scale)
    assert found is not None
    assert found.alpha == pytest.approx(alpha, abs=5e-4)
    assert (found.units, found.raters) == (11, 4)
    assert found.low < found.alpha < found.high


def test_ends_of_the_scale() -> None:
    """All agree: 1. All differ wherever they can: below 0. By chance: near to 0."""
    same = agreement([{"a": v, "b": v} for v in (0.0, 1.0, 1.0)], Scale.NOMINAL)
    apart = agreement([{"a": 0.0, "b": 1.0}] * 5, Scale.NOMINAL)
    rng = np.random.default_rng(0)
    chance = agreement(
        [{"a": float(a), "b": float(b)} for a, b in rng.integers(2, size=(4_000, 2))],
        Scale.NOMINAL,
    )
    assert same is not None
    assert same.alpha == 1.0
    assert apart is not None
    assert apart.alpha < 0.0
    assert chance is not None
    assert abs(chance.alpha) < 0.05
    assert chance.low < 0.0 < chance.high


def test_unknown_where_nothing_can_be_known() -> None:
    """Nobody answered the same as another, or all say the same of everything."""
    assert agreement([{"a": 1.0}, {"b": 0.0}], Scale.NOMINAL) is None
    assert agreement([{"a": 70.0, "b": 70.0}] * 3, Scale.INTERVAL) is None


def test_points_are_as_far_apart_as_they_are() -> None:
    """Answers that are moved and stretched alike agree alike; far ones agree less than near."""
    near = agreement([{"a": v, "b": v + 5.0} for v in (10.0, 50.0, 90.0)], Scale.INTERVAL)
    moved = agreement([{"a": v / 2, "b": v / 2 + 2.5} for v in (10.0, 50.0, 90.0)], Scale.INTERVAL)
    far = agreement([{"a": v, "b": v + 40.0} for v in (10.0, 50.0, 90.0)], Scale.INTERVAL)
    assert near is not None
    assert moved is not None
    assert far is not None
    assert near.alpha == pytest.approx(moved.alpha)
    assert far.alpha < near.alpha
