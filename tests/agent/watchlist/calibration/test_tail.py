"""The tail's fit, against SciPy's distribution and against rates that are known."""

from __future__ import annotations

import numpy as np
import pytest

from agent.watchlist.calibration.tail import SHAPE_PRIOR_STD, Tail, log_density, survival


def pareto(rng: np.random.Generator, shape: float, scale: float, count: int) -> np.ndarray:
    """Excesses drawn by inversion."""
    uniform = rng.uniform(size=count)
    if shape == 0.0:
        return -scale * np.log(uniform)
    return scale / shape * (uniform**-shape - 1.0)


@pytest.mark.parametrize("shape", [-0.4, -0.1, 0.0, 0.3])
def test_density_and_survival_are_scipys(shape: float) -> None:
    """Inside, at the end and beyond the end of the distribution."""
    genpareto = pytest.importorskip("scipy.stats").genpareto
    scale = np.array([0.8])
    for excess in (0.0, 0.3, 1.9, 2.5, 8.0):
        given = np.array([excess])
        expected = genpareto.logpdf(excess, shape, scale=0.8)
        assert log_density(given, np.array([shape]), scale)[0] == pytest.approx(expected)
        left = genpareto.sf(excess, shape, scale=0.8)
        assert survival(excess, np.array([shape]), scale)[0] == pytest.approx(left)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2])
def test_without_a_prior_the_fit_is_the_likeliest(shape: float) -> None:
    """With many maxima the draws lie around SciPy's maximum of likelihood."""
    genpareto = pytest.importorskip("scipy.stats").genpareto
    excesses = pareto(np.random.default_rng(3), shape, 0.7, 2_000)
    tail = Tail.fit(excesses, 2.0, 100.0, prior_std=np.inf)
    likeliest, _, scale = genpareto.fit(excesses, floc=0.0)
    assert tail.shape.mean() == pytest.approx(likeliest, abs=0.03)
    assert tail.scale.mean() == pytest.approx(scale, rel=0.05)
    assert tail.per_day.mean() == pytest.approx(2_000 * 24 / 100, rel=0.02)


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Over shapes as the prior has them, nine thresholds in ten for one alarm a day keep it."""
    rng = np.random.default_rng(11)
    scale, per_day, hours, wanted = np.array([0.6]), 300.0, 2.0, 1.0
    kept = []
    for _ in range(200):
        shape = np.array([np.clip(rng.normal(0.0, SHAPE_PRIOR_STD), -0.7, 0.7)])
        count = max(2, rng.poisson(per_day * hours / 24))
        tail = Tail.fit(pareto(rng, float(shape[0]), 0.6, count), 2.0, hours)
        threshold = tail.threshold(wanted, 100.0)
        kept.append(per_day * survival(threshold - 2.0, shape, scale)[0] <= wanted)
    assert 0.84 <= np.mean(kept) <= 0.96


def test_rates_fall_with_the_threshold() -> None:
    """A higher threshold never costs more, and the bounds lie around the median."""
    tail = Tail.fit(pareto(np.random.default_rng(5), 0.1, 0.5, 40), 2.0, 4.0)
    bounds = np.array([tail.bounds(threshold) for threshold in np.linspace(2.0, 9.0, 30)])
    assert (np.diff(bounds, axis=0) <= 0.0).all()
    assert (bounds[:, 0] <= bounds[:, 1]).all()
    assert (bounds[:, 1] <= bounds[:, 2]).all()


def test_a_wish_out_of_reach_gives_the_highest() -> None:
    """Where even the highest threshold is not enough, it is what is given."""
    tail = Tail.fit(pareto(np.random.default_rng(5), 0.3, 2.0, 20), 2.0, 0.2)
    assert tail.threshold(0.001, 4.0) == 4.0


@pytest.mark.parametrize(("excesses", "hours"), [([], 1.0), ([0.0, 0.0], 1.0), ([1.0], 0.0)])
def test_nothing_to_fit_is_refused(excesses: list[float], hours: float) -> None:
    """No maxima, none over the level, no time."""
    with pytest.raises(ValueError, match="no tail"):
        Tail.fit(np.array(excesses), 2.0, hours)
