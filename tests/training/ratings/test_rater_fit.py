"""The rater fitted to people: what was put into ratings is found in them again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.data.readers.tau import Group
from training.ratings.rater_fit import (
    PEOPLE,
    Fit,
    RatedPairs,
    Scale,
    figures,
    fit,
    log_likelihood,
    side_by_side,
    simulate,
    ties,
)
from training.ratings.raters import load_model

pytestmark = pytest.mark.torch

_LISTS, _ITEMS = 60, 17


@pytest.fixture(scope="module")
def pairs() -> RatedPairs:
    """Lists as they were published: one paired, one unrelated, fifteen candidates."""
    rng = np.random.default_rng(0)
    groups = [Group.PAIRED, Group.UNRELATED, *[Group.CANDIDATE] * (_ITEMS - 2)]
    means = {Group.PAIRED: 0.8, Group.UNRELATED: 0.1, Group.CANDIDATE: 0.3}
    cosines = [means[one] + 0.15 * rng.standard_normal() for _ in range(_LISTS) for one in groups]
    return RatedPairs(
        lists=np.repeat([f"c{number}" for number in range(_LISTS)], _ITEMS),
        groups=np.array([one.value for _ in range(_LISTS) for one in groups]),
        cosines=np.array(cosines),
        ratings=np.zeros(_LISTS * _ITEMS),
    )


@pytest.fixture(scope="module")
def truth(pairs: RatedPairs) -> Fit:
    """The shipped rater, each of whose numbers is the mean of one or two people."""
    return Fit(load_model(), np.array([0.5, 0.5, 0.0, 0.0]), Scale.of(pairs), 0.0)


@pytest.fixture(scope="module")
def rated(pairs: RatedPairs, truth: Fit) -> RatedPairs:
    """Rated by that rater."""
    return replace(pairs, ratings=simulate(truth, pairs, np.random.default_rng(1)))


def test_scale_puts_the_unrelated_at_nothing_and_the_paired_at_one(pairs: RatedPairs) -> None:
    """On average; what was written for a recording fits it whatever its other captions say."""
    relevance = Scale.of(pairs).relevance(pairs)
    assert relevance[pairs.of(Group.UNRELATED)].mean() == pytest.approx(0.0, abs=1e-9)
    assert (relevance[pairs.of(Group.PAIRED)] == 1.0).all()


def test_simulated_ratings_are_ratings(rated: RatedPairs, pairs: RatedPairs, truth: Fit) -> None:
    """Whole numbers from 0 to 100, the same for the same chance, high where a pair belongs."""
    assert (rated.ratings == np.round(rated.ratings)).all()
    assert rated.ratings.min() >= 0.0
    assert rated.ratings.max() <= 100.0
    again = simulate(truth, pairs, np.random.default_rng(1))
    np.testing.assert_array_equal(again, rated.ratings)
    means = {group: rated.ratings[rated.of(group)].mean() for group in Group}
    assert means[Group.PAIRED] > means[Group.CANDIDATE] > means[Group.UNRELATED]


def test_what_made_the_ratings_is_likelier_than_another_rater(
    rated: RatedPairs, truth: Fit
) -> None:
    """A rater who never leaves the slider at 0 would not have rated so."""
    other = replace(truth, model=replace(truth.model, low=truth.model.low - 1.0))
    assert log_likelihood(truth, rated) > log_likelihood(other, rated) + 0.1


@pytest.mark.full
def test_fit_explains_the_ratings_as_well_as_their_own_rater(rated: RatedPairs, truth: Fit) -> None:
    """Maximum likelihood on what it was fitted to; shares of people add up."""
    found = fit(rated)
    assert found.log_likelihood == pytest.approx(log_likelihood(found, rated))
    assert found.log_likelihood >= log_likelihood(truth, rated) - 1e-3
    assert found.people.sum() == pytest.approx(1.0)
    assert len(found.people) == len(PEOPLE)
    assert found.model.high > found.model.low
    assert found.with_semantic(2.5).semantic == 2.5


def test_figures_count_what_they_say(pairs: RatedPairs) -> None:
    """Of ratings that are known: zeros, hundreds, ties, the paired one's place."""
    ratings = np.where(pairs.of(Group.PAIRED), 100.0, 0.0)
    found = figures(pairs, ratings)
    assert found["exact hundreds"] == pytest.approx(1 / _ITEMS)
    assert found["exact zeros"] == pytest.approx(1 - 1 / _ITEMS)
    assert found["paired: mean"] == 100.0
    assert found["lists with the paired one (joint) top"] == 1.0
    assert found["candidates rated above the paired one"] == 0.0
    assert found["recordings a list from 50"] == 1.0
    assert found["pairs within a list that are tied"] == pytest.approx(15 / 17)
    assert ties([np.array([1.0, 1.0, 2.0])]) == pytest.approx(1 / 3)


def test_people_and_simulation_stand_side_by_side(rated: RatedPairs, truth: Fit) -> None:
    """Every figure of both; ratings that the rater made itself are like its own."""
    lines = {line.name: line for line in side_by_side(truth, rated)}
    assert set(lines) == set(figures(rated, rated.ratings))
    assert lines["mean"].simulated == pytest.approx(lines["mean"].people, abs=3.0)
    zeros = lines["exact zeros"]
    assert zeros.simulated == pytest.approx(zeros.people, abs=0.05)
