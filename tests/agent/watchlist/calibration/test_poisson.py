"""Bounds of Poisson's distribution, against SciPy's."""

from __future__ import annotations

import math

import pytest

from agent.watchlist.calibration import poisson


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40, 300])
@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.975])
def test_bounds_are_garwoods(count: int, confidence: float) -> None:
    """Upper and lower bounds are quantiles of chi-squared."""
    stats = pytest.importorskip("scipy.stats")
    high = stats.chi2.ppf(confidence, 2 * count + 2) / 2
    assert poisson.upper(count, confidence) == pytest.approx(high, rel=1e-9)
    low = stats.chi2.ppf(1 - confidence, 2 * count) / 2 if count else 0.0
    assert poisson.lower(count, confidence) == pytest.approx(low, rel=1e-9)


@pytest.mark.parametrize("mean", [0.0, 0.3, 4.0, 120.0])
def test_distribution_is_poissons(mean: float) -> None:
    """Small and large means give SciPy's probabilities."""
    stats = pytest.importorskip("scipy.stats")
    for count in (-1, 0, 3, 100, 150):
        assert poisson.cdf(count, mean) == pytest.approx(stats.poisson.cdf(count, mean), abs=1e-12)


def test_fewer_events_are_allowed_than_are_expected() -> None:
    """The allowed count is the largest whose upper bound is still within what is promised."""
    assert poisson.allowed(2.3) is None
    for mean in (2.31, 3.0, 10.0, 96.0):
        count = poisson.allowed(mean)
        assert count is not None
        assert poisson.upper(count) <= mean < poisson.upper(count + 1)


def test_hours_and_promise_are_two_sides_of_one_thing() -> None:
    """One alarm a day takes 55.3 quiet hours; with so many that is what can be promised."""
    hours = poisson.hours_needed(1.0)
    assert hours == pytest.approx(-math.log(0.1) * 24.0)
    assert poisson.promise(hours) == pytest.approx(1.0)
    assert poisson.promise(0.0) == math.inf
