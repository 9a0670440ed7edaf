"""One source, for ever."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.capture.source import SourceCounters
from agent.capture.supervisor import Backoff, Supervisor
from agent.core.errors import CaptureError
from agent.core.records import Block, SourceState
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ = 32_000
BLOCK_S = 0.5
NO_JITTER = Backoff(first_s=1.0, most_s=8.0, jitter=0.0, steady_s=10.0)

SOUND = "sound"
SILENCE = "silence"
NOTHING = "nothing"
OVERFLOW = "overflow"
END = "end"
UNPLUGGED = "unplugged"
HANGS = "hangs"
PATIENCE_S = 300.0


@dataclass
class ScriptedSource:
    """A source that does what a list says; opening fails while it is missing."""

    clock: FakeClock
    script: list[str]
    missing: bool = False
    close_fails: bool = False
    name: str = "mic1"
    ended: bool = False
    remark: str = ""
    if_silent: str = ""
    opened: int = 0
    is_open: bool = False
    hangs: threading.Event = field(default_factory=threading.Event)
    answers: threading.Event = field(default_factory=threading.Event)
    _index: int = 0
    _counters: SourceCounters = field(default_factory=SourceCounters)

    def open(self) -> None:
        """Counted, and refused while missing."""
        self.opened += 1
        if self.missing:
            raise CaptureError("device 'Yeti' not found")
        self.is_open = True

    def read(self, timeout_s: float) -> Block | None:
        """Half a second passes with each read, whatever comes of it."""
        assert self.is_open
        assert timeout_s >= 0.0
        step = self.script.pop(0) if self.script else NOTHING
        if step == UNPLUGGED:
            raise CaptureError("device 'Yeti' stopped by itself")
        if step == END:
            self.ended = True
            return None
        if step == HANGS:
            self.hangs.set()
            assert self.answers.wait(PATIENCE_S)
        self.clock.advance(BLOCK_S)
        if step == NOTHING:
            return None
        if step == OVERFLOW:
            self._counters = SourceCounters(overflows=self._counters.overflows + 1)
        count = round(BLOCK_S * RATE_HZ)
        samples = np.zeros(count, np.float32)
        if step != SILENCE:
            samples[::2] = 0.1
        block = Block(self.name, self._index, self.clock.now(), samples)
        self._index += count
        return block

    def close(self) -> None:
        """Freed."""
        self.is_open = False
        if self.close_fails:
            raise CaptureError("hangs")

    def counters(self) -> SourceCounters:
        """As the script says."""
        return self._counters


class Run:
    """A supervisor that is turned by hand."""

    def __init__(self, *script: str, missing: bool = False, backoff: Backoff = NO_JITTER) -> None:
        self.clock = FakeClock()
        self.source = ScriptedSource(self.clock, list(script), missing)
        self.supervisor = Supervisor(
            self.source,
            sample_rate_hz=RATE_HZ,
            clock=self.clock,
            backoff=backoff,
            tick_s=0.0,
            random=Random(1),  # noqa: S311 - seeded
        )
        self.stop = threading.Event()
        self.blocks: Iterator[Block | None] = self.supervisor.blocks(self.stop)

    @property
    def state(self) -> SourceState:
        """As it would be published."""
        return self.supervisor.status.state

    def turn(self, times: int = 1) -> Block | None:
        """The next value, or the one after so many."""
        block = None
        for _ in range(times):
            block = next(self.blocks)
        return block


def test_before_the_first_sound_it_is_lost() -> None:
    """A source that was never heard is not ok."""
    run = Run(SOUND)
    assert run.state is SourceState.LOST
    assert "starting" in run.supervisor.status.reason
    assert run.turn() is not None
    assert run.state is SourceState.OK
    assert run.supervisor.status.reason == ""


def test_what_a_source_says_of_its_sound_is_told() -> None:
    """A remark while it sounds, what else to try while it is silent; neither once it is lost."""
    run = Run(*[SOUND] * 2, *[SILENCE] * 12, UNPLUGGED)
    run.source.remark = "channels 1 and 2 cancel each other"
    run.source.if_silent = "or hear track: 2"
    run.turn(2)
    assert run.supervisor.status.remark == "channels 1 and 2 cancel each other"
    assert run.supervisor.status.reason == ""
    run.turn(11)
    assert run.state is SourceState.SILENT
    assert run.supervisor.status.reason.endswith("check plug, mute and gain; or hear track: 2")
    run.turn(2)
    assert run.state is SourceState.LOST
    assert run.supervisor.status.remark == ""


def test_blocks_come_with_their_level() -> None:
    """The level follows after the first second."""
    run = Run(*[SOUND] * 3)
    run.turn()
    assert run.supervisor.status.level_dbfs is None
    run.turn()
    # Every other sample 0.1: without its DC a square wave of 0.05.
    assert run.supervisor.status.level_dbfs == pytest.approx(-26.02, abs=0.01)


def test_missing_device_is_tried_with_growing_waits_for_ever() -> None:
    """1, 2, 4, 8, 8 seconds ... and each wait gives ticks."""
    run = Run(missing=True)
    openings = []
    for _ in range(600):
        assert run.turn() is None
        run.clock.advance(0.1)
        openings.append(run.source.opened)
    waits_s = [openings.count(number) / 10 for number in range(1, 7)]
    assert waits_s == pytest.approx([1.0, 2.0, 4.0, 8.0, 8.0, 8.0], abs=0.2)
    assert run.supervisor.status.reason == "device 'Yeti' not found"


def test_found_later_it_recovers() -> None:
    """No restart is needed."""
    run = Run(SOUND, SOUND, missing=True)
    run.turn()
    run.source.missing = False
    run.clock.advance(2.0)
    assert run.turn() is not None
    assert run.state is SourceState.OK
    assert run.supervisor.status.reopenings == 0


def test_lost_and_back() -> None:
    """Unplugged: lost with the reason, closed, opened again, ok."""
    run = Run(SOUND, UNPLUGGED, SOUND)
    run.turn()
    lost_at = run.clock.now()
    assert run.turn() is None
    status = run.supervisor.status
    assert (status.state, status.reason) == (SourceState.LOST, "device 'Yeti' stopped by itself")
    assert status.since == lost_at
    assert status.level_dbfs is None
    assert not run.source.is_open
    run.clock.advance(1.0)
    assert run.turn() is not None
    assert run.state is SourceState.OK
    assert run.supervisor.status.reopenings == 1


def test_flapping_device_is_not_stormed() -> None:
    """A device that opens and breaks at once is not tried ever faster; steady sound forgives."""
    run = Run(UNPLUGGED, UNPLUGGED, UNPLUGGED, *[SOUND] * 21, UNPLUGGED, SOUND)
    for wait_s in (1.0, 2.0, 4.0):
        run.turn()
        opened = run.source.opened
        run.clock.advance(wait_s - 0.01)
        run.turn()
        assert run.source.opened == opened
        run.clock.advance(0.02)
    run.turn(21)
    run.turn()
    run.clock.advance(1.01)
    assert run.turn() is not None


def test_jitter_stays_in_its_bounds() -> None:
    """Waits differ, by a quarter at most."""
    random = Random(5)  # noqa: S311 - seeded
    waits_s = {Backoff(first_s=1.0).wait_s(3, random) for _ in range(200)}
    assert len(waits_s) > 100
    assert min(waits_s) >= 3.0
    assert max(waits_s) <= 5.0
    assert Backoff().wait_s(10_000, random) <= 37.5


def test_silent_and_ok_again() -> None:
    """Digital silence for five seconds is a state of its own."""
    run = Run(*[SILENCE] * 10, SOUND)
    run.turn(9)
    assert run.state is SourceState.OK
    run.turn()
    assert run.state is SourceState.SILENT
    assert "digital silence" in run.supervisor.status.reason
    run.turn()
    assert run.state is SourceState.OK


def test_overrun_is_shown_for_ten_seconds() -> None:
    """Lost sound is seen on a dashboard that looks now and then, and then forgotten."""
    run = Run(SOUND, OVERFLOW, *[SOUND] * 20)
    run.turn(2)
    assert run.state is SourceState.OVERRUN
    assert run.supervisor.status.counters.overflows == 1
    run.turn(19)
    assert run.state is SourceState.OVERRUN
    run.turn()
    assert run.state is SourceState.OK
    assert run.supervisor.status.counters.overflows == 1


def test_source_that_says_nothing_is_lost() -> None:
    """Standard input whose sender hangs is told, without being closed."""
    run = Run(SOUND, *[NOTHING] * 10, SOUND)
    run.turn()
    run.turn(9)
    assert run.state is SourceState.OK
    run.turn()
    assert run.state is SourceState.LOST
    assert "no sound for 5 s" in run.supervisor.status.reason
    run.turn()
    assert run.state is SourceState.OK
    assert run.source.opened == 1


def test_source_that_holds_its_thread_is_lost_until_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A driver that does not return cannot say so: who reports sees it, and says it once."""
    caplog.set_level(logging.INFO)
    run = Run(SOUND, SOUND, HANGS)
    run.turn(2)
    thread = threading.Thread(target=run.turn, daemon=True)
    thread.start()
    assert run.source.hangs.wait(PATIENCE_S)
    run.clock.advance(14.5)
    run.supervisor.watch()
    assert run.state is SourceState.OK
    run.clock.advance(0.5)
    run.supervisor.watch()
    lost_at = run.clock.now()
    run.clock.advance(100.0)
    run.supervisor.watch()
    status = run.supervisor.status
    assert (status.state, status.since, status.level_dbfs) == (SourceState.LOST, lost_at, None)
    assert status.reason.startswith("a call has not returned for 15 s; check the device")
    run.source.answers.set()
    thread.join(PATIENCE_S)
    assert run.state is SourceState.OK
    assert [r.state for r in caplog.records] == ["ok", "lost", "ok"]


def test_source_is_not_blamed_for_what_its_reader_does() -> None:
    """A backlog that is full holds the reader; and a file that has ended stays so."""
    run = Run(SOUND, END)
    run.turn()
    run.clock.advance(3_600.0)
    run.supervisor.watch()
    assert run.state is SourceState.OK
    assert list(run.blocks) == []
    run.clock.advance(3_600.0)
    run.supervisor.watch()
    assert run.supervisor.status.reason == "the sound is at its end"


def test_end_of_the_sound_ends_the_blocks() -> None:
    """A file that was played is neither lost nor tried again."""
    run = Run(SOUND, END)
    assert [block is not None for block in run.blocks] == [True]
    assert run.supervisor.status.ended
    assert run.supervisor.status.reason == "the sound is at its end"
    assert run.source.opened == 1
    assert not run.source.is_open


def test_end_without_any_sound_says_so() -> None:
    """An empty pipe is told from one that was listened to."""
    run = Run(END)
    assert list(run.blocks) == []
    assert run.supervisor.status.ended
    assert run.supervisor.status.reason == "no sound came before the end"


def test_stop_ends_the_blocks_and_closes() -> None:
    """While sound comes as well as while it waits for the next try."""
    for run in (Run(*[SOUND] * 5), Run(missing=True)):
        run.turn()
        run.stop.set()
        assert list(run.blocks) == []
        assert not run.source.is_open


def test_stop_is_noticed_while_it_waits() -> None:
    """A wait of eight seconds ends at once, in real time."""
    run = Run(missing=True)
    run.supervisor._tick_s = 600.0
    run.turn()
    threading.Timer(0.05, run.stop.set).start()
    assert list(run.blocks) == []


def test_abandoned_blocks_close_the_source() -> None:
    """A consumer that gives up frees the device."""
    run = Run(SOUND)
    run.turn()
    run.blocks.close()
    assert not run.source.is_open


def test_failing_close_is_logged_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """A device that cannot be closed does not end the supervision."""
    run = Run(UNPLUGGED, SOUND)
    run.source.close_fails = True
    run.turn()
    run.clock.advance(1.1)
    assert run.turn() is not None
    assert "source_not_closed" in caplog.messages


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log of a device that is missing for a week is one line."""
    caplog.set_level(logging.INFO)
    run = Run(SOUND, SOUND, UNPLUGGED)
    run.turn(3)
    run.source.missing = True
    for _ in range(1_000):
        run.clock.advance(1.0)
        run.turn()
    lines = [(r.levelname, r.state, r.reason) for r in caplog.records]
    assert lines == [
        ("INFO", "ok", ""),
        ("WARNING", "lost", "device 'Yeti' stopped by itself"),
        ("WARNING", "lost", "device 'Yeti' not found"),
    ]
