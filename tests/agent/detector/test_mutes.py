"""Mutes: what is kept back, what is not, and what comes after."""

from __future__ import annotations

from dataclasses import replace

from agent.core.records import Detection, Step
from agent.detector.mutes import Mutes
from tests.fakes import FakeClock

NEW = Detection("mic1", "drop", Step.NEW, 10.0, 11.0, 13.5, 4.5, 4.0, 2, 3)
UPDATE, END = replace(NEW, step=Step.UPDATE, score=6.0), replace(NEW, step=Step.END)


def passed(mutes: Mutes, *detections: Detection) -> list[Detection]:
    """What comes through."""
    return list(mutes.pass_on(detections))


def test_a_new_alert_is_kept_back_to_its_end_and_counted() -> None:
    """All steps of it; other descriptions and the next one after the mute go on."""
    clock = FakeClock()
    mutes = Mutes(clock)
    mutes.mute("drop", 60)
    other = replace(NEW, error_id="siren")
    assert passed(mutes, NEW, other, UPDATE, END) == [other]
    assert mutes.count == 1
    clock.advance(60)
    assert passed(mutes, NEW, UPDATE, END) == [NEW, UPDATE, END]


def test_an_alert_that_is_going_on_is_told_to_its_end() -> None:
    """A mute is for new ones."""
    mutes = Mutes(FakeClock())
    assert passed(mutes, NEW) == [NEW]
    mutes.mute(None, 60)
    assert passed(mutes, UPDATE, END) == [UPDATE, END]
    assert mutes.count == 0


def test_a_sound_that_outlasts_the_mute_becomes_an_alert_then() -> None:
    """With all that was heard of it."""
    clock = FakeClock()
    mutes = Mutes(clock)
    mutes.mute("drop", 60)
    assert passed(mutes, NEW) == []
    clock.advance(61)
    assert passed(mutes, UPDATE, END) == [replace(UPDATE, step=Step.NEW), END]


def test_a_jump_of_the_wall_clock_neither_ends_nor_prolongs_a_mute() -> None:
    """Only time that has passed counts."""
    clock = FakeClock()
    mutes = Mutes(clock)
    mutes.mute("drop", 60)
    clock.jump(3_600)
    assert mutes.silences("drop")
    clock.jump(-7_200)
    clock.advance(60)
    assert not mutes.silences("drop")
