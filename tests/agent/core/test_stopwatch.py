"""Stages that are measured do what they did, and those that are not are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.stopwatch import Stage, measured, measured_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Hand:
    """A clock that goes on by as much as the work says that it takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.took: list[tuple[Stage, float]] = []
        monkeypatch.setattr("agent.core.stopwatch.time.perf_counter", lambda: self.now_s)

    def take(self, stage: Stage, took_s: float) -> None:
        """A stopwatch."""
        self.took.append((stage, took_s))

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


def test_a_run_is_measured_where_it_made_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """What had nothing to give would only hide the others."""
    hand = Hand(monkeypatch)
    work = measured(Stage.ALERTS, hand.work, hand.take)
    assert work() == []
    assert hand.took == []
    assert work(3, 4) == [3, 4]
    assert hand.took == [(Stage.ALERTS, 2.0)]


def test_what_is_done_between_steps_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps of a run together, once it has come to its end."""
    hand = Hand(monkeypatch)
    found = []
    for step in measured_steps(Stage.RECOGNISER, hand.steps, hand.take)(3):
        found.append(step)
        hand.now_s += 10.0
        assert hand.took == []
    assert found == [0, 1, 2]
    assert hand.took == [(Stage.RECOGNISER, 2.0)]
