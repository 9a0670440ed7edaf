"""Thresholds after verdicts: careful, monotone, within the bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.records import Verdict
from agent.watchlist.calibration.verdicts import JUST_OVER, adapted, bounds_of

CONFIRM, REJECT, UNSURE = Verdict.CONFIRM, Verdict.REJECT, Verdict.UNSURE
BOUNDS = (3.0, 7.0)

scores = st.floats(4.0, 12.0)
judged = st.lists(st.tuples(scores, st.sampled_from(Verdict)), max_size=30)
wishes = st.floats(0.0, 5.0)


def test_rejected_alerts_beyond_the_wanted_raise_it() -> None:
    """Of four rejected ones two were allowed: just over the third from above."""
    said = [(5.0, REJECT), (6.0, REJECT), (4.5, REJECT), (4.2, REJECT), (5.2, CONFIRM)]
    after = adapted(4.0, said, BOUNDS, wanted=2.9)
    assert after.threshold == pytest.approx(4.5 + JUST_OVER)
    assert "raised over 2 rejected alerts" in after.reason
    assert "1 confirmed, 4 rejected, 2.9 allowed" in after.reason


def test_it_says_which_confirmed_ones_would_be_lost() -> None:
    """What the raise costs stands in the reason."""
    after = adapted(4.0, [(6.0, REJECT), (5.0, CONFIRM), (6.5, CONFIRM)], BOUNDS)
    assert after.threshold == pytest.approx(6.05)
    assert "1 confirmed ones would no longer be raised" in after.reason


def test_many_confirmed_and_none_rejected_relax_it_slowly() -> None:
    """A tenth for every five, never under the lowest."""
    assert adapted(4.0, [(5.0, CONFIRM)] * 4, BOUNDS).threshold == 4.0
    assert adapted(4.0, [(5.0, CONFIRM)] * 14, BOUNDS).threshold == pytest.approx(3.8)
    assert (
        adapted(4.0, [(5.0, CONFIRM)] * 14 + [(5.0, REJECT)], BOUNDS, wanted=1.0).threshold == 4.0
    )
    lowest = adapted(3.1, [(5.0, CONFIRM)] * 500, BOUNDS)
    assert lowest.threshold == 3.0
    assert "held at 3, the lowest allowed" in lowest.reason


def test_unsure_and_nothing_change_nothing() -> None:
    """No verdict that tells something, no change."""
    assert adapted(4.0, [(9.0, UNSURE)] * 20, BOUNDS).threshold == 4.0
    assert adapted(4.0, [], BOUNDS).reason.startswith("unchanged")


def test_bounds_are_the_operators_or_lie_around() -> None:
    """What is written holds; else one below and three above."""
    assert bounds_of(4.0, (2.0, 9.0)) == (2.0, 9.0)
    assert bounds_of(4.0, None) == (3.0, 7.0)
    assert bounds_of(0.5, None) == (0.0, 3.5)


@given(judged, wishes, st.floats(3.0, 7.0))
def test_it_stays_within_the_bounds(
    said: list[tuple[float, Verdict]], wanted: float, threshold: float
) -> None:
    """Whatever people say."""
    assert BOUNDS[0] <= adapted(threshold, said, BOUNDS, wanted=wanted).threshold <= BOUNDS[1]


@given(judged, wishes, scores)
def test_a_rejection_never_lowers_and_a_confirmation_never_raises(
    said: list[tuple[float, Verdict]], wanted: float, score: float
) -> None:
    """Monotone in what is said, and the order does not matter."""
    before = adapted(4.0, said, BOUNDS, wanted=wanted).threshold
    assert adapted(4.0, [*said, (score, REJECT)], BOUNDS, wanted=wanted).threshold >= before
    assert adapted(4.0, [*said, (score, CONFIRM)], BOUNDS, wanted=wanted).threshold <= before
    assert adapted(4.0, said[::-1], BOUNDS, wanted=wanted).threshold == before


@given(judged, wishes)
def test_no_more_rejected_ones_are_left_than_were_wanted(
    said: list[tuple[float, Verdict]], wanted: float
) -> None:
    """By the new threshold, unless the highest allowed keeps it down."""
    after = adapted(4.0, said, (3.0, 100.0), wanted=wanted).threshold
    assert sum(one is REJECT and score >= after for score, one in said) <= wanted
