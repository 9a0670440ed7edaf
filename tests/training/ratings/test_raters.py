"""Simulated raters: what they feel, where they put the slider, and how that was fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.ratings.rater_fit import (
    Fit,
    RatedPairs,
    Scale,
    figures,
    log_likelihood,
    simulate,
    ties,
)
from training.ratings.raters import draw_raters, load_model, mean_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

MODEL = load_model()


def test_raters_differ_by_bias_and_flip_nothing() -> None:
    """Without noise every rater orders recordings alike, and a higher bias rates no lower."""
    quiet = replace(MODEL, noise=1e-4, untouched=0.0, stray=0.0, tens=0.0, bias_share=0.0)
    meant = np.linspace(-0.5, 1.5, 201)
    rows = [quiet.rate(meant, bias, np.random.default_rng(0)) for bias in (-0.2, 0.0, 0.2)]
    assert all((np.diff(row) >= 0.0).all() for row in rows)
    assert (np.diff(rows, axis=0) >= 0.0).all()
    assert (np.diff(MODEL.slider(meant)) >= 0.0).all()


def test_draws_follow_the_distribution_that_is_fitted() -> None:
    """Zeros, hundreds and ties of drawn ratings are those that the likelihood is made of."""
    rng = np.random.default_rng(5)
    levels, each = np.array([0.0, 0.5, 0.8, 1.0]), 40_000
    likely = MODEL.one_rating(levels)
    np.testing.assert_allclose(likely.sum(axis=1), 1.0)
    biases = MODEL.noise * np.sqrt(MODEL.bias_share) * rng.standard_normal((4, each))
    drawn = MODEL.rate(np.repeat(levels[:, None], each, axis=1), biases, rng)
    for row, expected in zip(drawn, likely, strict=True):
        found = np.bincount(row.astype(int), minlength=101) / each
        assert np.abs(np.cumsum(found) - np.cumsum(expected)).max() < 0.012
        assert found[0] == pytest.approx(expected[0], abs=0.01)
        assert ties([row[:4_000]]) == pytest.approx((expected**2).sum(), abs=0.02)


def test_mean_of_people_is_a_convolution() -> None:
    """Of one person it is that person's; of three what three draws average to."""
    one = MODEL.one_rating(np.array([0.9]))
    np.testing.assert_allclose(mean_of(one, 1), one, atol=1e-12)
    rng = np.random.default_rng(1)
    draws = rng.choice(101, size=(200_000, 3), p=one[0] / one[0].sum())
    means = np.floor(draws.mean(axis=1) + 0.5).astype(int)
    found = np.bincount(means, minlength=101) / len(means)
    np.testing.assert_allclose(mean_of(one, 3)[0], found, atol=0.005)


def small_pairs() -> tuple[Fit, RatedPairs]:
    """Pairs as published, whose ratings are drawn from the model."""
    rng = np.random.default_rng(2)
    lists = np.repeat([f"c{number}" for number in range(60)], 17)
    groups = np.tile(["TP", *["C15"] * 15, "TN"], 60)
    unknown = RatedPairs(lists, groups, rng.normal(0.2, 0.2, len(lists)), np.zeros(len(lists)))
    fitted = Fit(MODEL, np.array([0.0, 0.2, 0.6, 0.2]), Scale(-0.1, 0.4), 0.0)
    drawn = RatedPairs(lists, groups, unknown.cosines, simulate(fitted, unknown, rng))
    return fitted, drawn


def test_likelihood_is_highest_near_the_truth() -> None:
    """What the ratings were drawn from explains them better than what they were not."""
    fitted, pairs = small_pairs()
    truth = log_likelihood(fitted, pairs)
    for change in ({"low": MODEL.low - 0.3}, {"noise": 3 * MODEL.noise}, {"untouched": 0.4}):
        other = replace(fitted, model=replace(MODEL, **change))
        assert log_likelihood(other, pairs) < truth - 0.01, change


def test_scale_has_the_paired_at_one_and_the_unrelated_around_zero() -> None:
    """A caption is relevant to the recording that it was written for, whatever the others say."""
    groups = np.array(["TP", "TN", "C15", "TP", "TN", "C15"])
    cosines = np.array([0.5, -0.2, 0.2, 0.3, 0.0, 0.65])
    pairs = RatedPairs(np.array(["a"] * 6), groups, cosines, np.zeros(6))
    scale = Scale.of(pairs)
    assert (scale.unrelated, scale.paired) == pytest.approx((-0.1, 0.4))
    expected = [1.0, -0.2, 0.6, 1.0, 0.2, 1.5]
    np.testing.assert_allclose(scale.relevance(pairs), expected)


def test_figures_are_those_of_the_ratings() -> None:
    """By hand on two lists of four."""
    pairs = RatedPairs(
        lists=np.repeat(["a", "b"], 4),
        groups=np.tile(["TP", "C15", "C15", "TN"], 2),
        cosines=np.zeros(8),
        ratings=np.array([80.0, 90.0, 0.0, 0.0, 100.0, 50.0, 100.0, 0.0]),
    )
    found = figures(pairs, pairs.ratings)
    assert found["mean"] == 52.5
    assert found["exact zeros"] == 3 / 8
    assert found["paired: mean"] == 90.0
    assert found["candidate: 50 % are below"] == 70.0
    assert found["pairs within a list that are tied"] == 2 / 12
    assert found["lists with the paired one (joint) top"] == 0.5
    assert found["candidates rated above the paired one"] == 0.25
    assert found["recordings a list from 50"] == 2.5


def test_model_reads_back_as_written(tmp_path: Path) -> None:
    """With the command that made it."""
    MODEL.save(tmp_path / "rater.json")
    assert load_model(tmp_path / "rater.json") == MODEL
    assert "training rate --fit" in (tmp_path / "rater.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ('"noise": ', '"noise": -', r"rater\.json: noise is -.*write a number from 0\.0001"),
        ('"untouched": ', '"untouched": 9', "untouched is 9.*; write a number from 0 to 1"),
        ('"curve": ', '"curves": ', "curve is None; write a number"),
        ("{", "[", "is no JSON"),
    ],
)
def test_wrong_number_is_named(tmp_path: Path, found: str, written: str, message: str) -> None:
    """File, field, what was found and what to do."""
    path = tmp_path / "rater.json"
    MODEL.save(path)
    path.write_text(path.read_text(encoding="utf-8").replace(found, written), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_model(path)


def test_slider_needs_room(tmp_path: Path) -> None:
    """Where 100 would come before 0 the file is refused; where it is missing, that is told."""
    replace(MODEL, high=MODEL.low).save(tmp_path / "rater.json")
    with pytest.raises(ValueError, match=r"high is .*; write more than low"):
        load_model(tmp_path / "rater.json")
    with pytest.raises(FileNotFoundError, match=r"none\.json: is missing; run `python -m training"):
        load_model(tmp_path / "none.json")


def test_raters_have_names_and_biases_of_their_own() -> None:
    """The same seed gives the same people."""
    raters = draw_raters(MODEL, 8, np.random.default_rng(3))
    assert [one.name for one in raters] == [f"sim-0{number}" for number in range(1, 9)]
    assert len({one.bias for one in raters}) == 8
    assert raters == draw_raters(MODEL, 8, np.random.default_rng(3))
