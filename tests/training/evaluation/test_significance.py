"""Resampling: against all ways written out, the normal approximation, and known examples."""

from __future__ import annotations

import itertools
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from training.evaluation.significance import (
    bootstrap_interval,
    bootstrap_intervals,
    holm,
    paired_permutation,
    paired_permutations,
)


def test_interval_of_two_values_by_hand() -> None:
    """Means of two draws from 0 and 1 are 0, .5 and 1 at 1:2:1; the middle 40 in 100 are .5."""
    interval = bootstrap_interval(np.array([0.0, 1.0]), seed=1, level=0.4)
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)
    interval = bootstrap_interval(np.array([0.0, 1.0]), seed=1)
    assert (interval.low, interval.high, interval.level) == (0.0, 1.0, 0.95)


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.960), (0.8, 1.282)])
def test_interval_of_many_values_is_the_normal_one(level: float, deviations: float) -> None:
    """By the central limit theorem, with the standard error of the values."""
    values = np.random.default_rng(2).uniform(0.0, 1.0, 400)
    interval = bootstrap_interval(values, seed=3, level=level)
    half = deviations * float(values.std()) / sqrt(400)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.05 * half)


def test_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    """200 samples of a skewed measure: some 90 in 100 intervals of 90 %."""
    random = np.random.default_rng(4)
    held = 0
    for seed in range(200):
        interval = bootstrap_interval(
            random.beta(0.5, 1.5, 100), seed=seed, resamples=500, level=0.9
        )
        held += interval.low <= 0.25 <= interval.high
    assert 0.84 <= held / 200 <= 0.96


def test_same_seed_same_figures() -> None:
    """And another seed gives others."""
    random = np.random.default_rng(5)
    a, b = random.uniform(size=30), random.uniform(size=30)
    assert bootstrap_interval(a, seed=1) == bootstrap_interval(a, seed=1)
    assert bootstrap_interval(a, seed=1) != bootstrap_interval(a, seed=2)
    assert paired_permutation(a, b, seed=1) == paired_permutation(a, b, seed=1)
    assert paired_permutation(a, b, seed=1) != paired_permutation(a, b, seed=2)


def test_values_that_are_all_alike() -> None:
    """No spread, no warning."""
    interval = bootstrap_interval(np.full(9, 0.25), seed=1)
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)
    assert paired_permutation(np.full(9, 0.25), np.full(9, 0.25), seed=1) == 1.0


def test_few_queries_are_tested_exactly() -> None:
    """All ways to flip eight signs, counted here."""
    random = np.random.default_rng(6)
    a = random.uniform(size=8)
    b = a - random.normal(0.05, 0.1, 8)
    differences = a - b
    means = [
        abs(np.mean(differences * np.array(signs)))
        for signs in itertools.product((1, -1), repeat=8)
    ]
    exact = np.mean(np.array(means) >= abs(differences.mean()) - 1e-12)
    assert paired_permutation(a, b, seed=1) == pytest.approx(exact)
    assert paired_permutation(b, a, seed=1) == pytest.approx(exact)


def test_one_model_is_better_everywhere() -> None:
    """Two ways of 1,024 are as extreme; with too many ways to count, never less than 1 of all."""
    better, worse = np.linspace(0.6, 0.9, 10), np.linspace(0.4, 0.7, 10)
    assert paired_permutation(better, worse, seed=1) == pytest.approx(2 / 1024)
    many = paired_permutation(np.tile(better, 20), np.tile(worse, 20), seed=1, resamples=999)
    assert many == pytest.approx(2 / 1000)


def test_many_queries_agree_with_the_normal_approximation() -> None:
    """A difference of 1.96 standard errors has a p-value of .05."""
    differences = np.random.default_rng(7).normal(0.0, 0.1, 300)
    differences -= differences.mean()
    differences += 1.96 * sqrt(float((differences**2).mean()) / (300 - 1.96**2))
    assert paired_permutation(differences, np.zeros(300), seed=1) == pytest.approx(0.05, abs=0.008)


def test_equal_models_are_rarely_told_apart() -> None:
    """Under the null the p-value is below .1 in some 10 of 100 cases."""
    random = np.random.default_rng(8)
    p_values = [
        paired_permutation(random.normal(size=40), random.normal(size=40), seed=seed, resamples=199)
        for seed in range(200)
    ]
    assert 0.05 <= np.mean(np.array(p_values) < 0.1) <= 0.16


@pytest.mark.parametrize("queries", [6, 150])
def test_measures_together_are_as_each_alone(queries: int) -> None:
    """Same draws and flips, whatever stands in the other columns; exact and drawn."""
    columns = np.random.default_rng(11).normal(0.1, 0.3, (queries, 3))
    together = bootstrap_intervals(columns, seed=2)
    p_values = paired_permutations(columns, seed=2, resamples=999)
    for column, interval, p in zip(columns.T, together, p_values, strict=True):
        alone = bootstrap_interval(column, seed=2)
        assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high))
        assert p == paired_permutation(column, np.zeros(queries), seed=2, resamples=999)
    with pytest.raises(ValueError, match=r"\(queries, measures\), of two"):
        bootstrap_intervals(columns[:1], seed=1)
    with pytest.raises(ValueError, match="non-finite"):
        paired_permutations(columns * np.nan, seed=1)


def test_scipy_agrees() -> None:
    """Its bootstrap and permutation test, on other draws of the same values."""
    a, b = np.random.default_rng(12).normal((0.3, 0.25), 0.2, (80, 2)).T
    ends = stats.bootstrap(
        (a,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    interval = bootstrap_interval(a, seed=1)
    assert (interval.low, interval.high) == pytest.approx(tuple(ends), abs=0.003)
    flipped = stats.permutation_test(
        (a - b,),
        np.mean,
        permutation_type="samples",
        n_resamples=10_000,
        rng=np.random.default_rng(1),
    )
    assert paired_permutation(a, b, seed=1) == pytest.approx(flipped.pvalue, abs=0.02)


def test_holm_by_hand() -> None:
    """.01 * 4, .02 * 3, then the largest so far: .03 * 2 = .06 and .04 lifted to it."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([0.03]) == pytest.approx([0.03])
    assert holm([]).tolist() == []


def test_holm_rejects_what_the_stepwise_procedure_rejects() -> None:
    """As Holm wrote it: from the smallest on, stop at the first above level / comparisons left."""
    random = np.random.default_rng(9)
    for _ in range(50):
        p_values = random.uniform(size=6) ** 4
        rejected = np.zeros(6, dtype=np.bool_)
        for step, index in enumerate(np.argsort(p_values)):
            if p_values[index] > 0.05 / (6 - step):
                break
            rejected[index] = True
        assert (holm(p_values) <= 0.05).tolist() == rejected.tolist()


def test_what_cannot_be_resampled_is_refused() -> None:
    """Each message says what was found."""
    two = np.array([0.1, 0.2])
    with pytest.raises(ValueError, match=r"\(1,\)"):
        bootstrap_interval(two[:1], seed=1)
    with pytest.raises(ValueError, match="non-finite"):
        bootstrap_interval(np.array([0.1, np.nan]), seed=1)
    with pytest.raises(ValueError, match=r"level is 95"):
        bootstrap_interval(two, seed=1, level=95.0)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        paired_permutation(two, np.zeros(3), seed=1)
    with pytest.raises(ValueError, match="resamples are 0"):
        paired_permutation(two, two, seed=1, resamples=0)
    with pytest.raises(ValueError, match="p-values are"):
        holm([0.1, 1.2])
