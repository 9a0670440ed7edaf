"""The detector's rule on whole arrays: equal to the detector itself, window by window."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.core.records import Detection, Match, Step
from agent.detector.detector import Detector
from agent.detector.events import Layout, events
from agent.detector.rule import Policy, Rule

HOP_S = 0.5
RATE_HZ = 32_000

# What is not drawn here is not held to be equal.
FIELDS = {
    "hits": st.integers(1, 4),
    "windows": st.integers(0, 3),  # more than hits
    "hysteresis": st.sampled_from([0.0, 0.5, 0.7, 1.0]),
    "cooldown_s": st.sampled_from([0.0, 1.0, 4.0, 30.0]),
}
RULES = st.fixed_dictionaries(FIELDS).map(
    lambda drawn: Rule(**drawn | {"windows": drawn["hits"] + drawn["windows"]})
)


def detected(
    scores: np.ndarray, position_s: np.ndarray, policy: Policy
) -> list[tuple[float, float, float]]:
    """Positions of the windows at which the detector starts an event, ends it, and of its peak."""
    detector = Detector({"x": policy}, RATE_HZ)
    found: list[tuple[float, float, float]] = []
    began_s = before_s = position_s[0]

    def take(at_s: float, changes: list[Detection]) -> None:
        nonlocal began_s
        for change in changes:
            if change.step is Step.NEW:
                began_s = at_s
            elif change.step is Step.END:
                found.append((began_s, at_s, change.peaks_at))

    for score, at_s in zip(scores, position_s, strict=True):
        if at_s - before_s > 1.5 * HOP_S:
            take(before_s, list(detector.close("mic")))
        value = np.array([score], np.float32)
        match = Match("mic", round(at_s * RATE_HZ), at_s, 2.0, ("x",), value, value)
        take(at_s, list(detector.feed(match)))
        before_s = at_s
    take(before_s, list(detector.close()))
    return found


@given(
    scores=st.lists(
        st.floats(0.0, 12.0, width=32) | st.integers(0, 60).map(lambda tenths: tenths / 10.0),
        min_size=1,
        max_size=120,
    ),
    gaps=st.lists(st.integers(1, 119), max_size=4),
    rule=RULES,
    threshold=st.integers(20, 60).map(lambda tenths: tenths / 10.0),
)
def test_events_are_the_detectors(
    scores: list[float], gaps: list[int], rule: Rule, threshold: float
) -> None:
    """Whatever the scores, gaps and rule, the same windows start, end and top the events."""
    values = np.array(scores, np.float32)
    position_s = np.arange(len(values)) * HOP_S
    for gap in gaps:
        position_s[gap:] += 3.0
    found = [
        (position_s[event.start], position_s[event.end], position_s[event.peak])
        for event in events(values, Layout.of([position_s], HOP_S), rule, threshold)
    ]
    assert found == detected(values, position_s, Policy(threshold, rule))


def test_every_field_of_a_rule_is_drawn() -> None:
    """But the one that only says how often a lasting event is reported again."""
    assert {*FIELDS, "update_s"} == {one.name for one in fields(Rule)}


def test_streams_do_not_touch_each_other() -> None:
    """Neither hits nor a cooldown carry over from one recording to the next."""
    loud = np.array([0, 5, 5], np.float32)
    position_s = np.arange(3) * HOP_S
    layout = Layout.of([position_s, position_s, np.zeros(0)], HOP_S)
    found = events(np.tile(loud, 2), layout, Rule(2, 3, 0.5, 60.0), 4.0)
    assert [event.start for event in found] == [2, 5]
    one_hit_each = np.array([0, 0, 5, 5, 0, 0], np.float32)
    assert events(one_hit_each, layout, Rule(2, 3, 0.5, 0.0), 4.0) == []
