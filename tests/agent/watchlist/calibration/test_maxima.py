"""Maxima of ordinary sound: how many events there would be at a threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.detector.events import Layout, events
from agent.detector.rule import Rule
from agent.watchlist.calibration.maxima import FLOOR, STEP, maxima

HOP_S = 0.5


def test_maxima_are_what_the_hits_reach_together() -> None:
    """With two hits of three, the second loudest window counts; the loudest alone does not."""
    scores = np.zeros(400, np.float32)
    scores[100:102] = 9.0, 6.0
    scores[200:203] = 5.0, 0.0, 4.0
    scores[300] = 20.0
    layout = Layout.of([np.arange(400) * HOP_S], HOP_S)
    found = maxima(scores, layout, Rule(2, 3, 0.5, 30.0), 10)
    assert found == pytest.approx([6.0 + STEP, 4.0 + STEP])


def test_a_cooldown_makes_one_of_several() -> None:
    """Bursts that the cooldown would keep back are one event."""
    scores = np.zeros(400, np.float32)
    scores[100:300:20] = 5.0
    layout = Layout.of([np.arange(400) * HOP_S], HOP_S)
    assert len(maxima(scores, layout, Rule(1, 2, 0.5, 0.0), 50)) == 10
    assert len(maxima(scores, layout, Rule(1, 2, 0.5, 200.0), 50)) == 1


@given(st.integers(0, 2**32 - 1))
def test_at_each_maximum_there_are_fewer_events(seed: int) -> None:
    """At the k-th maximum the detector raises fewer than k events, as is promised."""
    rng = np.random.default_rng(seed)
    scores = np.convolve(rng.standard_normal(600), np.ones(4) / 2, "same").astype(np.float32)
    layout = Layout.of([np.arange(600) * HOP_S], HOP_S)
    rule = Rule(2, 4, 0.5, 10.0)
    found = maxima(scores, layout, rule, 30)
    assert (np.diff(found) <= 0).all()
    assert (found >= FLOOR).all()
    for k, level in enumerate(found, start=1):
        assert len(events(scores, layout, rule, level)) < k
