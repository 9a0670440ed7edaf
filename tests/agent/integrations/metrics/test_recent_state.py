"""Scores of the last minute."""

from __future__ import annotations

import numpy as np
import pytest

from agent.core.records import Match
from agent.integrations.metrics.definitions import PEAK_S
from agent.integrations.metrics.recent_state import RecentState

HOP_S = 0.5


def match(source: str, scores: dict[str, float]) -> Match:
    """A scored window."""
    values = np.array([*scores.values()], np.float32)
    return Match(source, 0, 0.0, 2.0, tuple(scores), values, values)


def test_peak_is_the_highest_of_a_minute_of_each_source() -> None:
    """The last window is told beside it; what is older than a minute is forgotten."""
    recent = RecentState(HOP_S)
    assert recent.of("mic1") is None
    recent.feed(match("mic1", {"drop": 9.0, "leak": 1.0}))
    recent.feed(match("mic2", {"drop": 7.0, "leak": 8.0}))
    recent.feed(match("mic1", {"drop": 2.0, "leak": 3.0}))
    found = recent.of("mic1")
    assert found is not None
    assert found.error_ids == ("drop", "leak")
    assert found.last.tolist() == [2.0, 3.0]
    assert found.peak.tolist() == [9.0, 3.0]
    for _ in range(round(PEAK_S / HOP_S) - 1):
        recent.feed(match("mic1", {"drop": 0.0, "leak": 0.0}))
    found = recent.of("mic1")
    assert found is not None
    assert found.peak.tolist() == [2.0, 3.0]
    other = recent.of("mic2")
    assert other is not None
    assert other.peak.tolist() == [7.0, 8.0]


def test_other_descriptions_begin_anew() -> None:
    """A peak belongs to what is listened for now."""
    recent = RecentState(HOP_S)
    recent.feed(match("mic1", {"drop": 9.0}))
    recent.feed(match("mic1", {"drop": 1.0, "leak": 2.0}))
    found = recent.of("mic1")
    assert found is not None
    assert (found.error_ids, found.peak.tolist()) == (("drop", "leak"), pytest.approx([1.0, 2.0]))
