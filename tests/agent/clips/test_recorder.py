"""What is cut for an alert: how much, from where, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.clips import Recorder
from agent.config import ClipSettings
from agent.core.records import Block, Step, Views, Window
from tests.agent.clips.scene_clips import BEGAN_AT, alert
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from agent.clips.job import Job

RATE = 1_000
SETTINGS = ClipSettings(pre_roll_s=2.0, post_roll_s=3.0, longest_s=10.0)


@dataclass
class Desk:
    """Takes jobs as the worker does, and keeps them."""

    jobs: list[Job] = field(default_factory=list)
    lost: int = 0

    def put(self, job: Job) -> None:
        """Keep a job."""
        self.jobs.append(job)

    def missed(self) -> None:
        """Count."""
        self.lost += 1


class Box:
    """A recorder, and a source of which each sample tells its second."""

    def __init__(self) -> None:
        self.desk, self.clock = Desk(), FakeClock(BEGAN_AT)
        self.recorder = Recorder(SETTINGS, ["mic1"], RATE, self.desk, self.clock)  # type: ignore[arg-type]
        self.heard_s = 0.0

    def hear(self, until_s: float) -> None:
        """Let the source go on."""
        while self.heard_s < until_s:
            first = round(self.heard_s * RATE)
            samples = (np.arange(first, first + RATE // 2) / RATE / 100.0).astype(np.float32)
            self.recorder.push(Block("mic1", first, BEGAN_AT + self.heard_s, samples))
            window = Window("mic1", first, BEGAN_AT + self.heard_s, 2.0, samples)
            self.recorder.scored(window, Views(*2 * [np.full((1, 3), self.heard_s, np.float32)]))
            self.heard_s += 0.5
            self.clock.advance(0.5)
            self.recorder.tick()


def test_an_event_is_cut_with_what_was_before_and_after() -> None:
    """Once its post-roll was heard, and not before."""
    box = Box()
    box.hear(7.0)
    box.recorder.take([alert(starts_s=5.0, ends_s=7.0)])
    box.hear(9.0)
    box.recorder.take([alert(step=Step.END, starts_s=5.0, ends_s=8.0)])
    box.hear(10.5)
    assert box.desk.jobs == []
    box.hear(11.0)
    (job,) = box.desk.jobs
    assert job.starts_at == pytest.approx(BEGAN_AT + 3.0)
    assert len(job.samples) == 8 * RATE
    assert job.samples[0] * 100 == pytest.approx(3.0, abs=0.01)
    assert (job.begins_s, job.ends_s, job.peak_s) == pytest.approx((2.0, 5.0, 2.5))
    assert job.views is not None
    assert job.views.joint[0, 0] == job.views.acoustic[0, 0] == 5.5


def test_an_event_that_lasts_is_cut_at_the_greatest_length() -> None:
    """Once; its end brings no second clip."""
    box = Box()
    box.hear(7.0)
    box.recorder.take([alert(starts_s=5.0, ends_s=7.0)])
    box.hear(13.0)
    assert len(box.desk.jobs) == 1
    assert len(box.desk.jobs[0].samples) == 10 * RATE
    box.recorder.take([alert(step=Step.END, starts_s=5.0, ends_s=40.0)])
    box.hear(45.0)
    assert len(box.desk.jobs) == 1


def test_a_clip_at_the_beginning_is_shorter() -> None:
    """Nothing was heard before."""
    box = Box()
    box.hear(2.0)
    box.recorder.take([alert(starts_s=0.5, ends_s=2.0)])
    box.recorder.take([alert(step=Step.END, starts_s=0.5, ends_s=2.0)])
    box.hear(5.0)
    (job,) = box.desk.jobs
    assert job.starts_at == BEGAN_AT
    assert job.begins_s == pytest.approx(0.5)


def test_a_source_that_is_lost_leaves_what_was_heard() -> None:
    """After some seconds without sound."""
    box = Box()
    box.hear(7.0)
    box.recorder.take([alert(starts_s=5.0, ends_s=6.0)])
    box.recorder.take([alert(step=Step.END, starts_s=5.0, ends_s=6.0)])
    box.clock.advance(7.0)
    box.recorder.tick()
    assert box.desk.jobs == []
    box.clock.advance(2.0)
    box.recorder.tick()
    assert len(box.desk.jobs[0].samples) == 4 * RATE


def test_a_clock_that_is_set_moves_no_clip() -> None:
    """An event's times are by the clock at its start; so is its clip."""
    box = Box()
    box.hear(7.0)
    box.recorder.take([alert(starts_s=5.0, ends_s=7.0)])
    late = Block("mic1", 7 * RATE, BEGAN_AT + 5_000.0, np.full(5 * RATE, 0.5, np.float32))
    box.recorder.push(late)
    box.recorder.take([alert(step=Step.END, starts_s=5.0, ends_s=7.0)])
    box.recorder.tick()
    (job,) = box.desk.jobs
    assert len(job.samples) == 7 * RATE
    assert job.starts_at == pytest.approx(BEGAN_AT + 3.0)


def test_an_alert_whose_sound_is_gone_is_counted() -> None:
    """As after a long stop of the scoring."""
    box = Box()
    box.recorder.take([alert(starts_s=5.0, ends_s=7.0)])
    assert box.desk.lost == 1
