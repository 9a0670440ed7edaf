"""The stages joined: what each window comes to, and what goes on when descriptions change."""

from __future__ import annotations

import numpy as np
import pytest

from agent.core.records import Step, Window
from agent.detector.rule import Policy, Rule
from agent.hearing.recogniser import Recogniser
from agent.matcher.matcher import BackgroundStatistics, Described, Matcher, PrototypeSet
from tests.views import views

RATE_HZ = 32_000
AXES = np.eye(4, dtype=np.float32)
NONE = AXES[:0]
POLICY = Policy(0.5, Rule(hits=1, windows=1, hysteresis=0.0, cooldown_s=0.0))


def matcher(*error_ids: str) -> Matcher:
    """Of descriptions along the axes; a score is the cosine itself."""
    described = [Described(name, AXES["abc".index(name)][None], NONE) for name in error_ids]
    zeros, ones = np.zeros(len(described), np.float32), np.ones(len(described), np.float32)
    return Matcher(PrototypeSet(described, NONE), BackgroundStatistics(zeros, ones))


def windows(count: int, source: str = "mic1", first: int = 0) -> list[Window]:
    """Windows that follow on each other, without their frames."""
    at_s = [0.5 * number for number in range(first, first + count)]
    return [Window(source, round(at * RATE_HZ), 100.0 + at, 2.0, NONE) for at in at_s]


def recogniser(*error_ids: str) -> Recogniser:
    """That has heard nothing."""
    return Recogniser(matcher(*error_ids), dict.fromkeys(error_ids, POLICY), RATE_HZ)


def test_each_window_comes_with_all_that_was_made_of_it() -> None:
    """In order: its own views, its own scores, and the questions that it begins or ends."""
    some, heard_as = windows(8), views(AXES[[3, 0, 0, 3, 3, 3, 3, 3]])
    heard = list(recogniser("a", "b").recognise(some, heard_as))
    assert [result.window for result in heard] == some
    joint = np.concatenate([result.views.joint for result in heard])
    np.testing.assert_array_equal(joint, heard_as.joint)
    assert [result.match.scores()["a"] for result in heard] == [0.0, 1.0, 1.0, *[0.0] * 5]
    assert [result.match.index for result in heard] == [window.index for window in some]
    steps = [[(change.error_id, change.step) for change in result.detections] for result in heard]
    assert steps == [[], [], [], [("a", Step.NEW)], [], [], [("a", Step.END)], []]


def test_a_stream_that_ends_ends_what_goes_on() -> None:
    """As a file does; in one piece or in several it is the same."""
    rows = AXES[[0, 3, 3, 3, 3, 3, 1, 1]]
    at_once = list(recogniser("a", "b").detections([(windows(8), views(rows))]))
    pieces = [(windows(2), views(rows[:2])), (windows(6, first=2), views(rows[2:]))]
    assert list(recogniser("a", "b").detections(pieces)) == at_once
    assert [(change.error_id, change.step) for change in at_once] == [
        ("a", Step.NEW),
        ("a", Step.END),
        ("b", Step.NEW),
        ("b", Step.END),
    ]


def test_descriptions_of_one_sound_come_as_one_question() -> None:
    """With the other as a candidate, and counted."""
    ours = recogniser("a", "b")
    some = [(windows(4), views(AXES[[0, 1, 3, 3]]))]
    new, end = ours.detections(some)
    assert (new.error_id, new.step, end.step) == ("a", Step.NEW, Step.END)
    assert [one.error_id for one in new.candidates] == ["b"]
    assert ours.competed == 1


def test_a_source_that_is_lost_ends_alone() -> None:
    """What goes on at another goes on."""
    ours = recogniser("a")
    for source in ("mic1", "mic2"):
        list(ours.recognise(windows(3, source), views(AXES[[0, 0, 0]])))
    assert [(change.source, change.step) for change in ours.close("mic1")] == [("mic1", Step.END)]
    assert [(change.source, change.step) for change in ours.close()] == [("mic2", Step.END)]


@pytest.mark.parametrize("kept", ["a", "b"])
def test_other_descriptions_take_over_between_two_windows(kept: str) -> None:
    """Events of those that are gone end; the others go on, and what is new is heard."""
    ours = recogniser("a", "b")
    both = views(np.tile((AXES[0] + AXES[1]) / np.sqrt(2.0), (3, 1)).astype(np.float32))
    *_, heard = ours.recognise(windows(3), both)
    (new,) = heard.detections
    assert (new.error_id, [one.error_id for one in new.candidates]) == ("a", ["b"])
    told = ours.listen_for(matcher(kept, "c"), dict.fromkeys((kept, "c"), POLICY))
    assert [(change.error_id, change.step) for change in told] == {
        "a": [("a", Step.UPDATE)],
        "b": [("a", Step.END), ("b", Step.NEW)],
    }[kept]
    (heard,) = ours.recognise(windows(1, first=3), views(AXES[2:3]))
    (update,) = heard.detections
    assert (update.error_id, update.step) == (kept, Step.UPDATE)
    assert [one.error_id for one in update.candidates] == ["c"]
