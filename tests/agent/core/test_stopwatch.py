"""Stages that are measured do what they did, and those that are not are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.stopwatch import Stage, Took, measured, measured_action, measured_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Hand:
    """Clocks that go on by what the work says that it takes: half of it is the processor's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.took: list[tuple[Stage, Took]] = []
        monkeypatch.setattr("agent.core.stopwatch.time.perf_counter", lambda: self.now_s)
        monkeypatch.setattr("agent.core.stopwatch.time.thread_time", lambda: self.now_s / 2)

    def take(self, stage: Stage, took: Took) -> None:
        """A stopwatch."""
        self.took.append((stage, took))

    def act(self) -> None:
        """Takes three seconds and gives nothing back."""
        self.now_s += 3.0

    def work(self, *made: int) -> list[int]:
        """Takes two seconds."""
        self.now_s += 2.0
        return list(made)

    def steps(self, count: int) -> Iterator[int]:
        """Each takes half a second, and so does the end."""
        for step in range(count):
            self.now_s += 0.5
            yield step
        self.now_s += 0.5


def test_work_that_nobody_measures_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same function: nothing is added to it."""
    hand = Hand(monkeypatch)
    work, steps = hand.work, hand.steps
    assert measured(Stage.ENCODER, work, None) is work
    assert measured_steps(Stage.RECOGNISER, steps, None) is steps
    act = hand.act
    assert measured_action(Stage.CLIPS, act, None) is act


def test_a_run_is_told_with_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that had nothing to give: it took its time all the same."""
    hand = Hand(monkeypatch)
    work = measured(Stage.ALERTS, hand.work, hand.take)
    assert work() == []
    assert work(3, 4) == [3, 4]
    assert hand.took == [(Stage.ALERTS, Took(2.0, 1.0, 0)), (Stage.ALERTS, Took(2.0, 1.0, 2))]


def test_what_gives_nothing_back_counts_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run of it."""
    hand = Hand(monkeypatch)
    act = measured_action(Stage.CLIPS, hand.act, hand.take)
    act()
    assert hand.took == [(Stage.CLIPS, Took(3.0, 1.5, 1))]


def test_what_is_done_between_steps_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps of a run together, once it has come to its end."""
    hand = Hand(monkeypatch)
    found = []
    for step in measured_steps(Stage.RECOGNISER, hand.steps, hand.take)(3):
        found.append(step)
        hand.now_s += 10.0
        assert hand.took == []
    assert found == [0, 1, 2]
    assert hand.took == [(Stage.RECOGNISER, Took(2.0, 1.0, 3))]
