"""Correlations and regressions on data whose relations are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from training.studies.ratings.statistics import (
    adjusted,
    can_vary,
    regress,
    share_between,
    spearman,
    within_lists,
)

_LISTS, _ITEMS = 80, 10


def clustered(effect: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and clusters: whole clusters share their x and most of their noise."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(_LISTS), _ITEMS)
    x = rng.standard_normal(_LISTS)[clusters]
    y = effect * x + rng.standard_normal(_LISTS)[clusters] + 0.2 * rng.standard_normal(len(x))
    return x, y, clusters


def test_spearman_is_scipys_with_an_interval_around_it() -> None:
    """On values with ties."""
    x, y, clusters = clustered(1.0)
    x = np.round(x)
    found = spearman(x, y, clusters, seed=0, resamples=1_000)
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.value < found.high
    assert (found.rows, found.clusters) == (_LISTS * _ITEMS, _LISTS)
    assert found.p < 0.01


def test_resamples_rank_anew() -> None:
    """A resample's correlation is that of its rows written out as often as they were drawn."""
    from training.studies.ratings.statistics import _weighted_spearman

    rng = np.random.default_rng(1)
    x, y = np.round(rng.standard_normal(40), 1), np.round(rng.standard_normal(40), 1)
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=5)
    for one, found in zip(weights, _weighted_spearman(x, y, weights.astype(float)), strict=True):
        written = stats.spearmanr(np.repeat(x, one), np.repeat(y, one)).statistic
        assert found == pytest.approx(written)


def test_known_effect_is_found_and_none_is_not() -> None:
    """Where rows of a cluster are alike, 800 rows are no more than 80."""
    assert spearman(*clustered(1.0), seed=0, resamples=1_000).p < 0.01
    covered = 0
    for seed in range(20):
        x, y, clusters = clustered(0.0, seed)
        found = spearman(x, y, clusters, seed=0, resamples=400)
        covered += found.low <= 0.0 <= found.high
    assert covered >= 17
    x, y, clusters = clustered(0.0)
    alone = spearman(x, y, np.arange(len(x)), seed=0, resamples=400)
    honest = spearman(x, y, clusters, seed=0, resamples=400)
    assert honest.high - honest.low > 2.0 * (alone.high - alone.low)


def test_same_seed_same_interval() -> None:
    """And another with another seed."""
    x, y, clusters = clustered(0.5)
    first, second, other = (spearman(x, y, clusters, seed=s, resamples=200) for s in (1, 1, 2))
    assert first == second
    assert first.low != other.low


@pytest.mark.parametrize(
    ("x", "y", "clusters", "message"),
    [
        (np.arange(4.0), np.arange(5.0), np.arange(4), "all are"),
        (np.array([1.0, np.nan, 2.0, 3.0]), np.arange(4.0), np.arange(4), "non-finite"),
        (np.ones(4), np.arange(4.0), np.arange(4), "nothing to correlate"),
        (np.arange(4.0), np.arange(4.0), np.array([0, 0, 1, 1]), "fewer than 3 clusters"),
    ],
)
def test_what_cannot_be_correlated_is_named(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, message: str
) -> None:
    """Shapes, holes, constants, two clusters."""
    with pytest.raises(ValueError, match=message):
        spearman(x, y, clusters, seed=0)


def test_within_lists_ignores_the_lists_own_level() -> None:
    """Lists that are high in both are no relation within a list."""
    rng = np.random.default_rng(5)
    level = 10.0 * np.arange(_LISTS)[:, None]
    scores, ratings = (level + rng.standard_normal((_LISTS, _ITEMS)) for _ in range(2))
    rated = np.ones_like(scores, dtype=np.bool_)
    nothing = within_lists(scores, ratings, rated, seed=0)
    assert nothing.low < 0.0 < nothing.high
    assert nothing.p > 0.05
    related = within_lists(scores, ratings + scores - level, rated, seed=0)
    assert related.low > 0.3
    assert related.p < 0.001


def test_within_lists_looks_at_rated_items_only() -> None:
    """What stands elsewhere may be anything; lists that are all alike are left out."""
    scores = np.tile(np.arange(4.0), (6, 1))
    ratings = scores.copy()
    rated = np.ones_like(scores, dtype=np.bool_)
    rated[:, 0], scores[:, 0], ratings[:, 0] = False, 99.0, np.nan
    ratings[5] = 7.0
    found = within_lists(scores, ratings, rated, seed=0)
    assert (found.value, found.rows, found.clusters) == (1.0, 15, 5)
    with pytest.raises(ValueError, match="0 lists hold two different ratings"):
        within_lists(np.zeros_like(scores), ratings, rated, seed=0)


def test_regression_finds_each_effect_apart() -> None:
    """Of two related columns only one acts."""
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(200), 4)
    acts = rng.standard_normal(800)
    follows = acts + 0.5 * rng.standard_normal(800)
    outcome = 3.0 * (acts - acts.mean()) / acts.std() + rng.standard_normal(200)[clusters]
    outcome += 0.3 * rng.standard_normal(800)
    for within in (False, True):
        first, second = regress(
            outcome, {"acts": acts, "follows": follows}, clusters, within=within
        )
        assert first.low < 3.0 < first.high
        assert first.p < 1e-6
        assert second.low < 0.0 < second.high


def test_regression_allows_for_clusters() -> None:
    """Ten rows that say the same are one: the interval is that of the cluster means."""
    x, y, clusters = clustered(0.0)
    found = regress(y, {"x": x}, clusters, within=False)[0]
    naive = stats.linregress((x - x.mean()) / x.std(), y)
    assert found.value == pytest.approx(naive.slope)
    assert found.high - found.value > 2.0 * 1.96 * naive.stderr


def test_regression_errors_are_those_of_the_textbook() -> None:
    """One row a cluster: White's robust errors with the small-sample factor."""
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal(50), rng.standard_normal(50)
    z = (x - x.mean()) / x.std()
    design = np.stack([z, np.ones(50)], axis=1)
    bread = np.linalg.inv(design.T @ design)
    rest = y - design @ (bread @ design.T @ y)
    white = bread @ (design.T @ (design * rest[:, None] ** 2)) @ bread
    error = np.sqrt(white[0, 0] * 50 / 49 * 49 / 48)
    found = regress(y, {"x": x}, np.arange(50), within=False)[0]
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 49) * error)


def test_regression_refuses_what_it_cannot_tell() -> None:
    """Columns that are sums of others, constants, too few clusters."""
    rng = np.random.default_rng(4)
    x, y, rows = rng.standard_normal(30), rng.standard_normal(30), np.arange(30)
    with pytest.raises(ValueError, match="depend on each other: a, b"):
        regress(y, {"a": x, "b": 2.0 * x}, rows, within=False)
    with pytest.raises(ValueError, match="a is the same everywhere"):
        regress(y, {"a": np.ones(30)}, rows, within=False)
    with pytest.raises(ValueError, match="2 clusters are too few"):
        regress(y, {"a": x}, rows % 2, within=False)


def test_share_between_groups() -> None:
    """Near the true share where groups differ, near 0 where they do not."""
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(60), 8)
    apart = rng.standard_normal(60)[groups] + rng.standard_normal(480)
    found = share_between(apart, groups, seed=0, resamples=300)
    assert found.value == pytest.approx(0.5, abs=0.12)
    assert found.p < 0.01
    alike = share_between(rng.standard_normal(480), groups, seed=0, resamples=300)
    assert alike.low < alike.value < alike.high
    with pytest.raises(ValueError, match="fewer than 3 groups"):
        share_between(apart[:16], groups[:16], seed=0)


def test_holm_runs_over_all_that_was_tested() -> None:
    """Three at .02 are none below .05 together."""
    x, y, clusters = clustered(1.0)
    found = spearman(x, y, clusters, seed=0, resamples=199)
    assert adjusted([found] * 3) == pytest.approx([3.0 * found.p] * 3)


def test_can_vary() -> None:
    """Two values, three clusters."""
    assert can_vary(np.array([0.0, 0.0, 1.0]), np.arange(3))
    assert not can_vary(np.zeros(3), np.arange(3))
    assert not can_vary(np.arange(3.0), np.array([0, 0, 1]))
