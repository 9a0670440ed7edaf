"""The detector: threshold, hits, hysteresis, cooldown, gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.records import Detection, Match, Step
from agent.detector.detector import Detector
from agent.detector.rule import Policy, Rule

RATE_HZ = 32_000
HOP_S = 0.5
POLICY = Policy(4.0, Rule(hits=2, windows=3, hysteresis=1.0, cooldown_s=5.0))


def match(position: int, *scores: float, source: str = "mic1") -> Match:
    """The ``position``-th window of a stream, with a score for ids a, b, ..."""
    ids = tuple("abcdefgh"[: len(scores)])
    return Match(
        source=source,
        index=round(position * HOP_S * RATE_HZ),
        captured_at=1_000.0 + position * HOP_S,
        duration_s=2.0,
        error_ids=ids,
        cosine=np.zeros(len(scores), np.float32),
        score=np.array(scores, np.float32),
    )


def run(scores: list[float], policy: Policy = POLICY) -> list[Detection]:
    """What a stream of scores of one description gives."""
    detector = Detector({"a": policy}, RATE_HZ)
    return [one for i, score in enumerate(scores) for one in detector.feed(match(i, score))]


def test_n_of_m_hits_start_an_event_and_quiet_ends_it() -> None:
    """Two of three windows at the threshold start it; three under the lower one end it."""
    found = run([0, 4.0, 1, 5.0, 0, 0, 0, 0])
    assert [one.step for one in found] == [Step.NEW, Step.END]
    new = found[0]
    assert (new.hits, new.windows, new.score, new.threshold) == (2, 3, 5.0, 4.0)
    assert new.starts_at == 1_000.5
    assert new.peaks_at == 1_001.5
    assert new.ends_at == 1_003.5


def test_one_hit_is_not_enough() -> None:
    """A single window over the threshold starts nothing where two are asked for."""
    assert run([0, 9, 0, 0, 9, 0, 0]) == []


def test_hysteresis_keeps_an_event_between_the_thresholds() -> None:
    """A score between off and on keeps an event going but could not start one."""
    assert run([3.5] * 10) == []
    found = run([4, 4, 3.5, 3.5, 3.5, 3.5, 0, 0, 0])
    assert [one.step for one in found] == [Step.NEW, Step.END]
    assert found[1].ends_at == 1_000.0 + 5 * HOP_S + 2.0


def test_cooldown_holds_events_back_and_counts_them() -> None:
    """Within the cooldown nothing starts; what was held back is counted."""
    detector = Detector({"a": POLICY}, RATE_HZ)
    scores = [4, 4, 0, 0, 0, 4, 4, 0, 0, 0] + [0] * 10 + [4, 4]
    found = [one for i, score in enumerate(scores) for one in detector.feed(match(i, score))]
    assert [one.step for one in found] == [Step.NEW, Step.END, Step.NEW]
    assert detector.suppressed == 1


def test_a_lasting_event_is_updated() -> None:
    """A higher peak and the passing of time are reported, nothing between."""
    policy = Policy(4.0, Rule(1, 1, hysteresis=1.0, cooldown_s=0.0, update_s=5.0))
    found = run([4.0, 4.5, 6.0, *[4.0] * 12], policy)
    assert [one.step for one in found] == [Step.NEW, Step.UPDATE, Step.UPDATE]
    assert [one.score for one in found] == [4.0, 6.0, 6.0]


@pytest.mark.parametrize("step_s", [3_600.0, -3_600.0, 86_400.0])
@pytest.mark.parametrize("after", [2, 4])
def test_a_clock_that_is_set_meanwhile_moves_no_event(step_s: float, after: int) -> None:
    """All times of an event are by the clock as it stood when it started."""
    scores = [0, 4.0, 1, 5.0, 6.0, 3.5, 0, 0, 0, 0]
    detector = Detector({"a": POLICY}, RATE_HZ)
    found: list[Detection] = []
    for position, score in enumerate(scores):
        seen = match(position, score)
        if position >= after:
            seen = replace(seen, captured_at=seen.captured_at + step_s)
        found += detector.feed(seen)
    assert found == run(scores)


def test_a_gap_ends_what_is_going_on() -> None:
    """When a source is lost its event ends at once: no state is stuck on."""
    detector = Detector({"a": POLICY}, RATE_HZ)
    for i in range(3):
        list(detector.feed(match(i, 5.0)))
        list(detector.feed(match(i, 5.0, source="mic2")))
    assert detector.open_events == 2
    (ended,) = detector.close("mic1")
    assert (ended.step, ended.source) == (Step.END, "mic1")
    assert detector.open_events == 1


def test_reconfiguring_ends_events_of_descriptions_that_are_gone() -> None:
    """A description that was removed ends; the others keep their state."""
    detector = Detector({"a": POLICY, "b": POLICY}, RATE_HZ)
    for i in range(2):
        list(detector.feed(match(i, 5.0, 5.0)))
    (ended,) = detector.reconfigure({"a": POLICY})
    assert (ended.error_id, ended.step) == ("b", Step.END)
    assert detector.open_events == 1


@pytest.mark.parametrize(
    ("hits", "windows", "hysteresis", "message"),
    [
        (0, 3, 1.0, "hits must be from 1 to windows, not 0 of 3"),
        (4, 3, 1.0, "hits must be from 1 to windows, not 4 of 3"),
        (1, 1, -1.0, r"hysteresis must be at least 0, not -1\.0"),
    ],
    ids=str,
)
def test_impossible_rules_are_refused(
    hits: int, windows: int, hysteresis: float, message: str
) -> None:
    """A rule that could never start or end an event is an error, not a silence."""
    with pytest.raises(ValueError, match=message):
        Rule(hits, windows, hysteresis, cooldown_s=0.0)


@given(st.lists(st.floats(-10, 10), max_size=60), st.integers(1, 4), st.integers(0, 3))
def test_life_of_an_event_is_always_well_formed(scores: list[float], hits: int, more: int) -> None:
    """Whatever the scores: new, updates, end, in turn, and never two at once."""
    policy = Policy(2.0, Rule(hits, hits + more, hysteresis=1.0, cooldown_s=1.0, update_s=2.0))
    going_on = False
    for one in run(scores, policy):
        assert going_on is (one.step is not Step.NEW)
        going_on = one.step is not Step.END
        assert one.score >= policy.threshold_on
        assert one.starts_at <= one.peaks_at < one.ends_at


@given(st.lists(st.lists(st.floats(-5, 8), min_size=3, max_size=3), max_size=40))
def test_descriptions_do_not_influence_each_other(rows: list[list[float]]) -> None:
    """Three descriptions together give what each gives alone."""
    together = Detector(dict.fromkeys("abc", POLICY), RATE_HZ)
    found = [one for i, row in enumerate(rows) for one in together.feed(match(i, *row))]
    for position, error_id in enumerate("abc"):
        alone = run([row[position] for row in rows])
        ours = [one for one in found if one.error_id == error_id]
        assert [(o.step, o.starts_at, o.score) for o in ours] == [
            (o.step, o.starts_at, o.score) for o in alone
        ]
