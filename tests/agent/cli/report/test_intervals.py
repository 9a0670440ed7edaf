"""Intervals of shares and rates: what they promise, on all small counts and on random ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.report.intervals import bounds, dispersion, quantile, rate, share
from agent.watchlist.calibration import poisson


def test_known_values() -> None:
    """Wilson's example (8 of 10) and Garwood's table (5 events)."""
    found = share(8, 10)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert bounds(5) == pytest.approx((1.6235, 11.6683), abs=1e-4)
    assert bounds(0) == pytest.approx((0.0, 3.6889), abs=1e-4)


def test_of_nothing_there_is_neither_share_nor_rate() -> None:
    """And impossible counts are refused."""
    assert share(0, 0) is None
    assert rate(3, 0.0) is None
    with pytest.raises(ValueError, match="count is 3"):
        share(3, 2)
    with pytest.raises(ValueError, match="count is -1"):
        rate(-1, 1.0)
    with pytest.raises(ValueError, match="empty"):
        quantile([], 0.5)


@given(st.integers(1, 100_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_within_its_interval(counts: tuple[int, int]) -> None:
    """Within 0 and 1, open where it can be, and mirrored when yes and no change places."""
    count, of = counts
    one, other = share(count, of), share(of - count, of)
    assert one is not None
    assert other is not None
    assert 0.0 <= one.low <= one.value <= one.high <= 1.0
    assert (one.low == 0.0) == (count == 0)
    assert (one.high == 1.0) == (count == of)
    assert one.low == pytest.approx(1.0 - other.high, abs=1e-12)


@given(st.integers(1, 2_000), st.integers(0, 2_000))
def test_more_evidence_narrows_a_share(of: int, count: int) -> None:
    """Ten times as much of the same."""
    count = min(count, of)
    one, more = share(count, of), share(10 * count, 10 * of)
    assert one is not None
    assert more is not None
    assert more.high - more.low < one.high - one.low


def test_a_share_covers_the_truth_as_often_as_it_says() -> None:
    """Exactly, over all outcomes of 5 to 50 alerts: 95 % on average, never far below."""
    for of in (5, 10, 20, 50):
        covered = []
        for step in range(1, 200):
            p = step / 200
            inside = 0.0
            for count in range(of + 1):
                found = share(count, of)
                assert found is not None
                if found.low <= p <= found.high:
                    inside += math.comb(of, count) * p**count * (1.0 - p) ** (of - count)
            covered.append(inside)
        assert sum(covered) / len(covered) > 0.945
        assert min(covered) > 0.83  # known dips near 0 and 1


@given(st.integers(0, 100))
def test_the_ends_of_a_rate_are_those_that_just_are_not_refuted(count: int) -> None:
    """Each with 2.5 % of Poisson's distribution beyond."""
    low, high = bounds(count)
    assert low <= count <= high
    assert poisson.cdf(count, high) == pytest.approx(0.025, abs=1e-6)
    if count:
        assert 1.0 - poisson.cdf(count - 1, low) == pytest.approx(0.025, abs=1e-6)


def test_large_counts_go_on_where_small_ones_end() -> None:
    """The approximation beyond 100 agrees with the exact ends to a hundredth of an event."""
    for count in (101, 150, 400):
        exact = poisson.lower(count, 0.975), poisson.upper(count, 0.975)
        assert bounds(count) == pytest.approx(exact, abs=0.01)


@given(st.lists(st.floats(0.0, 1e6), min_size=1), st.floats(0.0, 1.0))
def test_a_quantile_has_its_share_of_values_on_both_sides(values: list[float], q: float) -> None:
    """And lies among them."""
    found = quantile(values, q)
    assert min(values) <= found <= max(values)
    assert sum(one <= found + 1e-6 for one in values) >= q * (len(values) - 1)


def test_clusters_are_told_from_chance() -> None:
    """Even counts below 1, one bad day far above."""
    assert dispersion([2, 2, 2, 2]) == 0.0
    assert dispersion([0, 0, 0, 8]) == 8.0
    assert dispersion([3]) is None
    assert dispersion([0, 0]) is None
