"""What lists hold, counted on a few that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.records import Recording, Split
from training.studies.ratings.lists import describe_lists
from training.studies.ratings.published import FIRST, Clip, RatedLists


def rated(ratings: list[list[float]]) -> RatedLists:
    """Lists of an own recording, candidates and, last, an unrelated one; NaN: not rated."""
    values = np.array(ratings, dtype=np.float64)
    groups = np.full(values.shape, "C15", dtype="<U8")
    groups[:, 0], groups[:, -1] = "TP", "TN"
    groups[np.isnan(values)] = ""
    clip = Clip(Recording("r", "r.wav", "r", Split.TRAIN), (), float("nan"), ())
    places = np.zeros(values.shape, np.intp)
    similar = (groups == "C15") & (np.arange(values.shape[1]) <= FIRST)
    return RatedLists(("c",) * len(values), (clip,), places, np.nan_to_num(values), groups, similar)


def test_pairs_are_in_order_or_tied_at_zero_or_elsewhere() -> None:
    """Ten pairs a list: by hand."""
    found = describe_lists(rated([[80, 60, 60, 0, 0]]), np.zeros((1, 5)))
    assert found.pairs == 10
    assert (found.ordered, found.tied_at_zero, found.tied_elsewhere) == pytest.approx(
        (0.8, 0.1, 0.1)
    )


def test_near_misses_and_groups() -> None:
    """A candidate above the own recording; shares of each group."""
    found = describe_lists(
        rated([[70, 90, 30, 0, 2], [100, 0, 10, 0, 0]]), np.array([[0, 3, 2, 1, 0]] * 2, float)
    )
    assert found.own_on_top == 0.5
    assert found.above_own == pytest.approx(1 / 6)
    assert found.zeros_each == (1, 3)
    own, candidates, unrelated = found.groups
    assert (own.name, own.rows, own.zero, own.high) == ("own recording", 2, 0.0, 1.0)
    assert candidates.zero == pytest.approx(3 / 6)
    assert (candidates.low, candidates.middle, candidates.high) == pytest.approx((1 / 6,) * 3)
    assert candidates.mean_above_zero == pytest.approx((90 + 30 + 10) / 3)
    assert (unrelated.zero, unrelated.hardly) == (0.5, 0.5)
    assert found.histogram[1] == ("first five", (3, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0))


def test_unrated_places_are_no_zeros() -> None:
    """Lists may be of different lengths."""
    found = describe_lists(rated([[70, 50, 0, 0], [70, 50, float("nan"), 0]]), np.zeros((2, 4)))
    assert found.pairs == 6 + 3
    assert found.zeros_each == (1, 2)
    assert found.groups[1].rows == 3


def test_budget_finds_what_is_near() -> None:
    """The only relevant candidate is the nearest: one rating finds it, at random one in four."""
    nearness = np.array([[0.0, 0.9, 0.5, 0.4, 0.3, 0.0]])
    found = describe_lists(rated([[90, 80, 10, 0, 0, 0]]), nearness).budgets
    assert [one.candidates for one in found] == [1, 2, 3, 4]
    assert [one.nearest for one in found] == [1.0] * 4
    assert [one.random for one in found] == [0.25, 0.5, 0.75, 1.0]
    # Own and nearest: one pair, in order. All: nine of ten pairs, the two zeros are tied.
    assert found[0].ordered_nearest == 1.0
    assert found[3].ordered_nearest == found[3].ordered_random == pytest.approx(0.9)
    # At random two: own with each (always in order) and the two, in order in five of six.
    assert found[1].ordered_random == pytest.approx((2 + 5 / 6) / 3)


def test_first_five_go_from_near_to_far() -> None:
    """The others are not among them, however near; whatever the scale of the nearness."""
    ratings = [[100.0, 50.0, 40.0, 30.0, 20.0, 0.0, 10.0, 0.0]] * 2
    nearness = np.array([[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 9.0, 0.0]] * 2)
    found = describe_lists(rated(ratings), nearness)
    assert [one.rows for one in found.nearness] == [2] * 5
    assert [one.mean_above_zero for one in found.nearness] == [None, 20.0, 30.0, 40.0, 50.0]
    assert found.nearness[0].zero == 1.0
    assert [(one.name, one.rows) for one in found.groups] == [
        ("own recording", 2),
        ("first five", 10),
        ("other candidates", 2),
        ("unrelated", 2),
    ]
    assert (found.ordered_near, found.ordered_far) == (1.0, 1.0)
