"""Sounds that are awaited: taken once they were heard, given up where they do not come."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent import descriptions
from agent.alerts.reports import Report, Reports
from agent.bundle import loading as bundles
from agent.clips import Recorder
from agent.config import ClipSettings
from agent.core.reasons import Reason
from agent.core.records import Block, Origin, Window
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import windows_at
from agent.mqtt.payload import RefusedError
from agent.run.reporting import Reporting
from agent.run.teaching import MOST_WAITING, Teaching
from agent.store.box import BoxStore
from agent.watchlist.examples import Kind, SetAside
from agent.watchlist.site import listened_for_alone
from tests.agent.run.command_box import TOPICS
from tests.fakes import FakeClock
from tests.schemas import validator
from tests.views import views

BUNDLE = bundles.load()
RATE = 8_000
DESCRIPTIONS = """\
version: 1
errors:
  - {id: siren, text: a siren wails}
  - {id: crash, text: a crash}
background: [a machine hums]
"""
NONE = np.empty((0, 0), np.float32)


def heard_as_silence() -> Any:
    """What the model makes of two seconds of zeros: unlike all ordinary sound, shape ``(dim,)``."""
    zeros = np.zeros(2 * BUNDLE.manifest.frontend.sample_rate_hz, np.float32)
    ((_, made),) = embedded(Encoder(BUNDLE), windows_at(BUNDLE, "mic1", zeros))
    return made.joint[0]


class Desk:
    """Takes clips as the worker does, and keeps them."""

    full = False

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def put(self, job: Any) -> None:
        """Keep a job."""
        self.jobs.append(job)


class Box:
    """A box whose source is fed by hand, on a clock of the test's."""

    def __init__(self) -> None:
        self.clock, self.desk = FakeClock(), Desk()
        self.store = BoxStore(Path(os.devnull), self.clock)
        parsed = descriptions.parse(DESCRIPTIONS.encode(), Path("d.yaml"))
        self.watch = listened_for_alone(BUNDLE, parsed)
        self.recorder = Recorder(
            ClipSettings(),
            ["mic1"],
            RATE,
            self.desk,
            self.clock,  # type: ignore[arg-type]
        )
        self.told: list[dict[str, Any]] = []
        self.reports = Reports(topics=TOPICS, store=self.store, link=None, clock=self.clock)
        reporting = Reporting(
            recorder=self.recorder,
            reports=self.reports,
            settings=ClipSettings(),
            bundle=BUNDLE,
            watch=lambda: self.watch,
        )
        self.teaching = Teaching(reporting, self.clock, self._publish)
        self.began_at, self.heard_s = self.clock.now(), 0.0

    def _publish(self, payload: str) -> None:
        found = json.loads(payload)
        validator("taught").validate(found)
        self.told.append(found)

    def hear(self, seconds: float, *, loud: bool = False, still: float | None = None) -> None:
        """Let the source go on: ordinary sound of the bundle, what is nothing like it, or none.

        Args:
            seconds: of it.
            loud: whether it is unlike all else.
            still: value at which a dead line stands.
        """
        silence = heard_as_silence() if still is not None else None
        rng = np.random.default_rng(round(self.heard_s))
        ordinary = BUNDLE.background().joint.mean(axis=0)
        for _ in range(round(seconds * 2)):
            first = round(self.heard_s * RATE)
            samples = rng.normal(0.0, 0.2 if loud else 0.01, RATE // 2).astype(np.float32)
            if still is not None:
                samples = np.full(RATE // 2, still, np.float32)
            at = self.began_at + self.heard_s
            self.recorder.push(Block("mic1", first, at, samples))
            view = rng.normal(size=ordinary.shape) if loud else ordinary
            view = view if silence is None else silence
            view = view.astype(np.float32) + 0.01 * rng.normal(size=ordinary.shape)
            view = (view / np.linalg.norm(view)).astype(np.float32)[None]
            self.recorder.scored(Window("mic1", first, at - 1.5, 2.0, NONE), views(view))
            self.heard_s += 0.5
            self.clock.advance(0.5)
            self.teaching.poll()

    def report(self, number: int = 1, error_id: str = "siren") -> Report:
        """Of somebody who teaches."""
        return Report(f"t{number}", error_id, "shift-a", self.clock.now(), Origin.TAUGHT)


def test_the_next_seconds_are_taken_once_they_were_heard() -> None:
    """Of them the window that stands out; what came of it is told, then how sure the box is."""
    box = Box()
    box.hear(20.0)
    report = box.report()
    box.teaching.take_next(report, "mic1", 6.0)
    assert box.teaching.awaits(report)
    box.hear(3.0)
    box.hear(1.0, loud=True)
    assert box.told == []
    box.hear(3.0)
    assert [one["step"] for one in box.told] == ["kept"]
    assert not box.teaching.awaits(report)
    known = box.reports.known(report)
    assert known is not None
    assert known.alert_id == box.told[0]["alert_id"]
    (job,) = box.desk.jobs
    assert len(job.samples) == 6 * RATE, "nothing before and nothing after"
    assert 1.0 <= job.peak_s <= 4.0
    alert_id = box.told[0]["alert_id"]
    box.teaching.listened_for(box.watch, {"another"})
    assert len(box.told) == 1
    box.teaching.listened_for(box.watch, {alert_id})
    assert [one["step"] for one in box.told] == ["kept", "learnt"]
    assert box.told[1]["windows"] > 0
    assert (box.told[1]["set_aside"], "code" in box.told[1]) == (None, False)
    box.teaching.listened_for(box.watch, {alert_id})
    assert len(box.told) == 2, "told once"


def test_why_a_sound_does_not_count_is_told_with_its_code() -> None:
    """For whoever words it in another language; where it counts, there is none."""
    box = Box()
    box.hear(20.0)
    box.teaching.take_next(box.report(), "mic1", 6.0)
    box.hear(7.0)
    alert_id = box.told[0]["alert_id"]
    reason = Reason.of("recording_silences", count=3)
    aside = SetAside("siren", alert_id, Kind.EXAMPLE, reason)
    joined = replace(box.watch.examples, set_aside=(aside,))
    box.teaching.listened_for(replace(box.watch, examples=joined), {alert_id})
    kept, learnt = box.told
    assert "code" not in kept
    assert (learnt["set_aside"], learnt["sure"]) == (reason, False)
    assert (learnt["code"], learnt["parameters"]) == ("recording_silences", {"count": 3})


def test_a_source_that_gives_nothing_is_given_up() -> None:
    """After a while, with the reason."""
    box = Box()
    box.hear(5.0)
    box.teaching.take_next(box.report(), "mic1", 5.0)
    box.clock.advance(21.0)
    box.teaching.poll()
    (told,) = box.told
    assert (told["step"], told["code"]) == ("failed", "teaching_unheard")
    assert box.desk.jobs == []
    assert box.reports.count(Origin.TAUGHT) == 0


@pytest.mark.parametrize("still", [0.0, 0.25])
def test_silence_is_refused(still: float) -> None:
    """Of a muted microphone or a dead line nothing is learnt: it would alarm whenever it is so."""
    box = Box()
    box.hear(20.0)
    box.teaching.take_next(box.report(), "mic1", 5.0)
    box.hear(6.0, still=still)
    (told,) = box.told
    assert (told["step"], told["code"]) == ("failed", "teaching_silent")
    assert told["parameters"] == {"source": "mic1"}
    # Half of the first window and of the last lies outside of what was marked.
    box.hear(2.0)
    for origin in (Origin.TAUGHT, Origin.MISSED):
        report = Report("h1", "crash", "shift-a", box.clock.now(), origin)
        with pytest.raises(RefusedError, match="nothing but digital silence") as refused:
            box.teaching.take_past(report, "mic1", box.began_at + 20.5, box.began_at + 25.5)
        assert isinstance(refused.value.args[0], Reason)
        assert box.reports.known(report) is None
        assert box.reports.count(origin) == 0
    assert box.desk.jobs == []


def test_of_a_sound_with_silence_in_it_the_sound_is_the_example() -> None:
    """Although the silence stands out more, and there is more of it."""
    box = Box()
    box.hear(20.0)
    box.teaching.take_next(box.report(), "mic1", 20.0)
    box.hear(12.0, still=0.0)
    box.hear(1.0, loud=True)
    box.hear(8.0, still=0.0)
    (job,) = box.desk.jobs
    assert 10.0 < job.peak_s < 13.0
    peak = round(job.peak_s * RATE)
    assert np.ptp(job.samples[peak : peak + 2 * RATE]) > 0.0
    alert_id = box.told[0]["alert_id"]
    box.teaching.listened_for(box.watch, {alert_id})
    assert box.told[1]["windows"] <= 5, "the silence is not the rest of the sound"


def test_only_so_many_sounds_are_awaited_at_once() -> None:
    """And none of an unknown description or source."""
    box = Box()
    with pytest.raises(RefusedError, match="is no description"):
        box.teaching.take_next(box.report(error_id="glass"), "mic1", 5.0)
    with pytest.raises(RefusedError, match="write one of mic1"):
        box.teaching.take_next(box.report(), "mic2", 5.0)
    for number in range(MOST_WAITING):
        box.teaching.take_next(box.report(number), "mic1", 5.0)
    with pytest.raises(RefusedError, match="are awaited already"):
        box.teaching.take_next(box.report(MOST_WAITING), "mic1", 5.0)


def test_a_while_is_marked_within_what_is_remembered() -> None:
    """A missed sound is cut with what was before and after it."""
    box = Box()
    box.hear(30.0)
    box.hear(1.0, loud=True)
    box.hear(9.0)
    report = Report("h1", "crash", "shift-a", box.clock.now(), Origin.MISSED)
    kept = box.teaching.take_past(report, "mic1", box.began_at + 25.0, box.began_at + 38.0)
    event = kept.alert.detection
    assert event.peaks_at - box.began_at == pytest.approx(29.5, abs=1.0)
    (job,) = box.desk.jobs
    assert job.starts_at == pytest.approx(box.began_at + 20.0)
    assert len(job.samples) == pytest.approx(20 * RATE, abs=RATE)
    for begin_s, end_s, told in (
        (-60.0, -50.0, "is remembered from"),
        (30.0, 70.0, "is remembered from"),
        (0.0, 130.0, "mark at most 120 s"),
    ):
        with pytest.raises(RefusedError, match=told):
            box.teaching.take_past(report, "mic1", box.began_at + begin_s, box.began_at + end_s)


def test_clips_that_wait_are_not_outrun() -> None:
    """A report whose clip could not be written is refused, and can be sent again."""
    box = Box()
    box.hear(10.0)
    box.desk.full = True
    report = box.report()
    with pytest.raises(RefusedError, match="send it again in"):
        box.teaching.take_past(report, "mic1", box.began_at + 2.0, box.began_at + 5.0)
    assert box.reports.known(report) is None
