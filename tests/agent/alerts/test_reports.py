"""Reports of people: confirmed from the start, kept once, taken back, awaiting no answer."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent.alerts.alerts import Wording
from agent.alerts.reports import Report, Reports
from agent.alerts.requests import Done
from agent.alerts.verdicts import Verdicts
from agent.clips import Limits, to_delete
from agent.config import MqttSettings
from agent.core.answers import OpenAlert, agreed
from agent.core.records import Detection, Origin, Provenance, Severity, Step, Verdict
from agent.mqtt import Link
from agent.mqtt.payload import RefusedError
from agent.mqtt.topics import Topics
from agent.store import Store
from agent.store.box import BoxStore
from tests.agent.store.answers import clip
from tests.agent.store.full_disk import LONG, fill
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock
from tests.schemas import validator

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Alert

TOPICS = Topics("kikimimi", "plant", "press3")
SHA = "sha256:" + "0" * 64
WORDING = Wording("サイレンが鳴り響く音", Severity.CRITICAL)


class Box:
    """A box that takes reports, whose link never meets a broker."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = BoxStore(folder, self.clock)
        self.link = Link(MqttSettings(), "press3", TOPICS.status, self.store, self.clock)
        parts = {"topics": TOPICS, "store": self.store, "link": self.link, "clock": self.clock}
        self.reports = Reports(**parts)  # type: ignore[arg-type]
        self.verdicts = Verdicts(**parts, undo_s=900.0)  # type: ignore[arg-type]

    def report(self, number: int = 1, **fields: Any) -> Report:
        """Of a siren, but for what is said."""
        now = self.clock.now()
        made = Report(f"h{number}", "siren", "shift-a", now, Origin.MISSED)
        return replace(made, **fields)

    def keep(self, report: Report) -> Alert:
        """Keep it, as heard a minute ago."""
        at = self.clock.now() - 60.0
        detection = Detection("mic1", "siren", Step.END, at, at + 1.0, at + 5.0, 1.5, 4.0, 0, 9)
        return self.reports.keep(report, detection, WORDING, Provenance(SHA, SHA))

    def told(self) -> list[dict[str, Any]]:
        """Messages that wait, each as its schema wants it."""
        found = [json.loads(message.payload) for message in self.store.waiting()]
        for one in found:
            validator("alert").validate(one)
        return found


def test_a_report_is_confirmed_from_the_start_and_awaits_no_answer(tmp_path: Path) -> None:
    """It is told once, as reviewed, and stands in the trail."""
    box = Box(tmp_path)
    alert = box.keep(box.report())
    assert box.store.alert(alert.alert_id) == alert
    assert alert.origin is Origin.MISSED
    assert agreed(box.store.answers(alert.alert_id)) == (Verdict.CONFIRM, 1)
    assert box.store.open_alerts(10).count == 0
    (told,) = box.told()
    assert (told["event_type"], told["origin"]) == ("reviewed", "missed")
    assert (told["verdict"], told["operator"]) == ("confirm", "shift-a")
    assert [(one.what, one.who) for one in box.store.trail()] == [("heard", "shift-a")]
    assert box.reports.count(Origin.MISSED) == 1
    assert box.store.take_unfinished() == []


def test_a_request_is_carried_out_once_also_after_a_restart(tmp_path: Path) -> None:
    """The same again is recognised; another one under its id is refused."""
    box = Box(tmp_path)
    report = box.report()
    assert box.reports.known(report) is None
    alert = box.keep(report)
    box.store.close()
    box = Box(tmp_path)
    assert box.reports.known(report) == Done(duplicate=True, alert_id=alert.alert_id)
    for other in (
        {"error_id": "glass"},
        {"operator": "shift-b"},
        {"origin": Origin.TAUGHT},
    ):
        with pytest.raises(RefusedError, match="was used for something else"):
            box.reports.known(replace(report, **other))
    with pytest.raises(RefusedError, match="was used for something else"):
        box.keep(report)
    assert len(box.told()) == 1


def test_a_sender_whose_clock_is_ahead_is_told(tmp_path: Path) -> None:
    """As with verdicts."""
    box = Box(tmp_path)
    with pytest.raises(RefusedError, match="set the sender's clock"):
        box.reports.known(box.report(given_at=box.clock.now() + 301.0))


def test_what_is_taken_back_awaits_no_answer_and_its_clip_goes(tmp_path: Path) -> None:
    """By whoever reported it, as a verdict; and its sound is not kept for its own sake."""
    box = Box(tmp_path)
    alert = box.keep(box.report())
    box.store.keep_clip(clip(alert.alert_id, starts_at=box.clock.now() - 60.0))
    limits = Limits(1_000_000, 30.0, 5)
    (kept,) = box.store.clips()
    assert (kept.reported, kept.labelled, kept.error_id) == (True, True, "siren")
    assert to_delete([kept], box.clock.now(), limits) == []
    box.verdicts.undo(request_id="u1", alert_id=alert.alert_id, operator="shift-a")
    assert box.store.open_alerts(10).count == 0
    assert box.told()[-1]["verdict"] is None
    (kept,) = box.store.clips()
    assert kept.taken_back
    assert to_delete([kept], box.clock.now(), limits) == [kept]


def test_others_may_contradict(tmp_path: Path) -> None:
    """Then it counts neither way."""
    box = Box(tmp_path)
    alert = box.keep(box.report())
    box.verdicts.give(
        request_id="v1",
        alert_id=alert.alert_id,
        verdict=Verdict.REJECT,
        operator="shift-b",
        given_at=box.clock.now(),
    )
    assert agreed(box.store.answers(alert.alert_id)) == (None, 2)


def test_a_disk_that_refuses_loses_no_report(tmp_path: Path) -> None:
    """It is kept in memory, recognised there, and written when the disk takes it."""
    box = Box(tmp_path)
    box.store.record(ALERT, [("alert", LONG)])
    fill(box.store)
    box.store.record(ALERT, [("alert", LONG)])
    assert box.store.trouble
    alert = box.keep(box.report())
    assert box.reports.known(box.report()) is not None
    with pytest.raises(RefusedError, match="was used for something else"):
        box.keep(box.report())
    assert [one.alert for one in box.store.open_alerts(10).newest] == [ALERT]
    box.store.keep_clip(clip(alert.alert_id))
    assert [one.reported for one in box.store.clips()] == [True]
    box.clock.advance(10.0)
    assert box.store.retry_disk()
    box.store.close()
    with closing(Store.open(tmp_path)) as store:
        assert store.alert(alert.alert_id) == alert
        assert store.open_alerts(10).count == 1


def test_alerts_of_the_box_still_await_an_answer(tmp_path: Path) -> None:
    """Beside a report."""
    box = Box(tmp_path)
    box.store.record(ALERT, [])
    box.keep(box.report())
    assert box.store.open_alerts(10).newest == (OpenAlert(ALERT, None),)
