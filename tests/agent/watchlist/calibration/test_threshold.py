"""Thresholds from maxima: counted where the hours allow it, by a tail where not."""

from __future__ import annotations

import numpy as np
import pytest

from agent.watchlist.calibration.poisson import allowed
from agent.watchlist.calibration.threshold import Kind, Maxima, choose, fixed, needed


def maxima(rng: np.random.Generator, per_day: float, hours: float, most: int) -> Maxima:
    """Maxima over 2 with an exponential tail of scale 0.5, at a known rate."""
    count = rng.poisson(per_day * hours / 24)
    values = 2.0 - 0.5 * np.log(rng.uniform(size=count))
    return Maxima(np.sort(values)[::-1][:most], hours, most)


def true_rate(threshold: float, per_day: float) -> float:
    """What a threshold really costs there."""
    return per_day * float(np.exp(-max(0.0, threshold - 2.0) / 0.5))


def test_with_enough_hours_counting_decides_and_holds() -> None:
    """Nine promises in ten are kept, with no distribution assumed; not many more, not fewer."""
    rng = np.random.default_rng(0)
    per_day, hours, wanted = 400.0, 24.0, 10.0
    kept = []
    for _ in range(400):
        chosen = choose(maxima(rng, per_day, hours, needed(wanted, hours)), wanted)
        assert chosen is not None
        assert chosen.kind is Kind.EMPIRICAL
        assert chosen.rate is not None
        assert chosen.rate.high <= wanted
        kept.append(true_rate(chosen.threshold, per_day) <= wanted)
    assert 0.87 <= np.mean(kept) <= 0.99


def test_with_few_hours_a_tail_decides_and_says_how_unsure_it_is() -> None:
    """Two hours cannot count one alarm a day: the bound holds, and lies far over the median."""
    rng = np.random.default_rng(1)
    kept = []
    for _ in range(150):
        chosen = choose(maxima(rng, 800.0, 2.0, needed(1.0, 2.0)), 1.0)
        assert chosen is not None
        assert chosen.kind is Kind.TAIL
        assert chosen.rate is not None
        assert chosen.rate.expected < chosen.rate.high <= 1.0
        kept.append(true_rate(chosen.threshold, 800.0) <= 1.0)
    assert np.mean(kept) >= 0.84


def test_too_few_events_say_nothing() -> None:
    """Without maxima and without hours there is no threshold."""
    assert choose(Maxima(np.array([3.0, 2.5]), 2.0, 60), 1.0) is None
    assert choose(Maxima(np.zeros(0), 2.0, 60), 1.0) is None


def test_silence_for_long_enough_promises_the_lowest_threshold() -> None:
    """Where nothing at all was heard for 60 hours, one alarm a day can be promised."""
    chosen = choose(Maxima(np.zeros(0), 60.0, 60), 1.0)
    assert chosen is not None
    assert chosen.kind is Kind.EMPIRICAL
    assert chosen.rate is not None
    assert chosen.rate.high == pytest.approx(0.921, abs=0.001)


def test_a_number_is_kept_and_told_what_it_costs() -> None:
    """What a person wrote stands; its rate is counted below the tail and fitted within."""
    known = maxima(np.random.default_rng(2), 400.0, 24.0, 500)
    low = fixed(known, 2.2)
    assert (low.threshold, low.kind) == (2.2, Kind.FIXED)
    assert low.rate is not None
    assert low.rate.expected == pytest.approx(np.count_nonzero(known.values > 2.2))
    high = fixed(known, 4.0)
    assert high.rate is not None
    assert high.rate.low < true_rate(4.0, 400.0) < high.rate.high
    assert fixed(Maxima(known.values[:20], 24.0, 20), 2.0).rate is None


def test_trimming_leaves_out_the_loudest() -> None:
    """As many as are said to have been real no longer raise the threshold."""
    known = maxima(np.random.default_rng(3), 400.0, 24.0, 62)
    assert known.trimmed(3).values[0] == known.values[3]
    before, after = choose(known, 5.0), choose(known.trimmed(3), 5.0)
    assert before is not None
    assert after is not None
    count = allowed(5.0)
    assert count is not None
    assert after.threshold == known.values[count + 3] <= before.threshold
