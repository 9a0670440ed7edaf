"""Counting events on arrays: the same as the detector itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.records import Match, Step
from agent.detector.detector import Detector, Policy
from agent.watchlist.calibration.events import FLOOR, STEP, Layout, Rules, events, maxima

HOP_S = 0.5
RATE_HZ = 32_000


def detected(
    scores: np.ndarray, position_s: np.ndarray, rules: Rules, threshold: float
) -> list[float]:
    """Where the detector raises events, told by the position of the window that raised each."""
    policy = Policy(
        threshold, threshold - rules.hysteresis, rules.hits, rules.windows, rules.cooldown_s
    )
    detector = Detector({"x": policy}, RATE_HZ)
    raised = []
    before_s = position_s[0]
    for score, at_s in zip(scores, position_s, strict=True):
        if at_s - before_s > 1.5 * HOP_S:
            list(detector.close("mic"))
        one = np.array([score], np.float32)
        match = Match("mic", round(at_s * RATE_HZ), at_s, 2.0, ("x",), one, one)
        raised += [at_s for change in detector.feed(match) if change.step is Step.NEW]
        before_s = at_s
    return raised


@given(
    scores=st.lists(st.integers(0, 12), min_size=1, max_size=120),
    gaps=st.lists(st.integers(1, 119), max_size=4),
    hits=st.integers(1, 4),
    more=st.integers(0, 3),
    hysteresis=st.sampled_from([0.0, 0.5, 1.0]),
    cooldown_s=st.sampled_from([0.0, 1.0, 4.0, 30.0]),
    threshold=st.integers(4, 24),
)
def test_events_are_the_detectors(
    *,
    scores: list[int],
    gaps: list[int],
    hits: int,
    more: int,
    hysteresis: float,
    cooldown_s: float,
    threshold: int,
) -> None:
    """Whatever the scores, gaps and rules, the same windows raise events."""
    values = np.array(scores, np.float32) / 2
    position_s = np.arange(len(values)) * HOP_S
    for gap in gaps:
        position_s[gap:] += 3.0
    rules = Rules(hits, hits + more, hysteresis, cooldown_s)
    found = events(values, Layout.of([position_s], HOP_S), rules, threshold / 2)
    expected = detected(values, position_s, rules, threshold / 2)
    assert [position_s[one.start] for one in found] == expected


def test_streams_do_not_touch_each_other() -> None:
    """Neither hits nor a cooldown carry over from one recording to the next."""
    loud = np.array([0, 5, 5], np.float32)
    position_s = np.arange(3) * HOP_S
    layout = Layout.of([position_s, position_s, np.zeros(0)], HOP_S)
    found = events(np.tile(loud, 2), layout, Rules(2, 3, 0.5, 60.0), 4.0)
    assert [one.start for one in found] == [2, 5]
    one_hit_each = np.array([0, 0, 5, 5, 0, 0], np.float32)
    assert events(one_hit_each, layout, Rules(2, 3, 0.5, 0.0), 4.0) == []


def test_maxima_are_what_the_hits_reach_together() -> None:
    """With two hits of three, the second loudest window counts; the loudest alone does not."""
    scores = np.zeros(400, np.float32)
    scores[100:102] = 9.0, 6.0
    scores[200:203] = 5.0, 0.0, 4.0
    scores[300] = 20.0
    layout = Layout.of([np.arange(400) * HOP_S], HOP_S)
    found = maxima(scores, layout, Rules(2, 3, 0.5, 30.0), 10)
    assert found == pytest.approx([6.0 + STEP, 4.0 + STEP])


def test_a_cooldown_makes_one_of_several() -> None:
    """Bursts that the cooldown would keep back are one event."""
    scores = np.zeros(400, np.float32)
    scores[100:300:20] = 5.0
    layout = Layout.of([np.arange(400) * HOP_S], HOP_S)
    assert len(maxima(scores, layout, Rules(1, 2, 0.5, 0.0), 50)) == 10
    assert len(maxima(scores, layout, Rules(1, 2, 0.5, 200.0), 50)) == 1


@given(st.integers(0, 2**32 - 1))
def test_at_each_maximum_there_are_fewer_events(seed: int) -> None:
    """At the k-th maximum the detector raises fewer than k events, as is promised."""
    rng = np.random.default_rng(seed)
    scores = np.convolve(rng.standard_normal(600), np.ones(4) / 2, "same").astype(np.float32)
    layout = Layout.of([np.arange(600) * HOP_S], HOP_S)
    rules = Rules(2, 4, 0.5, 10.0)
    found = maxima(scores, layout, rules, 30)
    assert (np.diff(found) <= 0).all()
    assert (found >= FLOOR).all()
    for k, level in enumerate(found, start=1):
        assert len(events(scores, layout, rules, level)) < k
