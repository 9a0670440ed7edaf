"""The desk: detections become alerts, each with its message in the same transaction."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent.alerts.alerts import Wording
from agent.alerts.open_alerts import OPEN_ALERTS, open_payload
from agent.alerts.verdicts import Verdicts
from agent.alerts.writer import AlertWriter
from agent.config import MqttSettings, PublishSettings
from agent.core.records import Candidate, Severity, Step, Verdict
from agent.matcher.matcher import Contrast, Matcher
from agent.mqtt import Link
from agent.mqtt.topics import Topics
from agent.run.reporter import Reporter
from agent.store.box import BoxStore
from agent.watchlist.watchlist import Watchlist
from tests.agent.matcher.prototypes import NONE, described, plain
from tests.agent.store.answers import alert
from tests.agent.store.records import DETECTION
from tests.fakes import FakeClock
from tests.schemas import validator
from tests.views import views

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics("kikimimi", "plant", "press3")
BUNDLE, DESCRIPTIONS = f"sha256:{'b' * 64}", f"sha256:{'d' * 64}"
WATCH = Watchlist(
    digest=DESCRIPTIONS,
    matcher=Matcher.build(described(1), Contrast(NONE, views(NONE), NONE), plain(1)),
    policies={},
    wordings={"drop": Wording("金属部品が床に落ちた音", Severity.MAJOR)},
)


class Box:
    """A desk with all around it; its link never meets a broker."""

    def __init__(self, folder: Path, *, mqtt: bool = True) -> None:
        self.clock = FakeClock()
        self.store = BoxStore(folder, self.clock)
        self.link = (
            Link(MqttSettings(), "press3", TOPICS.status, self.store, self.clock) if mqtt else None
        )
        self.desk = AlertWriter(
            bundle_digest=BUNDLE,
            topics=TOPICS,
            store=self.store,
            link=self.link,
            clock=self.clock,
        )
        self.reporter = Reporter(self.link, TOPICS, PublishSettings(), self.clock)

    def told(self) -> list[dict[str, Any]]:
        """What waits to be published of alerts, each valid by its schema."""
        found = [json.loads(one.payload) for one in self.store.waiting()]
        for document in found:
            validator("alert").validate(document)
        return found

    def listed(self) -> dict[str, Any]:
        """What is retained on alerts/open, valid by its schema."""
        assert self.link is not None
        document: dict[str, Any] = json.loads(self.link._states[TOPICS.alerts_open])
        validator("alerts-open").validate(document)
        return document


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """One for a test."""
    made = Box(tmp_path)
    yield made
    made.store.close()


ENDED = replace(DETECTION, step=Step.END, score=6.0)


def test_an_event_is_one_alert_from_its_start_to_its_end(box: Box) -> None:
    """In the operator's words, with what scored it, and each step with its message."""
    (new,) = box.desk.handle([DETECTION], WATCH.wordings, WATCH.digest)
    (end,) = box.desk.handle([ENDED], WATCH.wordings, WATCH.digest)
    assert new.alert_id == end.alert_id
    assert (new.description, new.severity) == ("金属部品が床に落ちた音", Severity.MAJOR)
    assert (new.provenance.bundle, new.provenance.descriptions) == (BUNDLE, DESCRIPTIONS)
    assert [one["event_type"] for one in box.told()] == ["new", "end"]
    assert box.store.alert(new.alert_id) == end
    assert box.desk.alerts == 1


def test_candidates_are_kept_and_told_with_their_words(box: Box) -> None:
    """As they join, on the list of open alerts too."""
    wordings = WATCH.wordings | {"gong": Wording("銅鑼の音", Severity.MINOR)}
    heard = replace(DETECTION, candidates=(Candidate("gong", 4.75, 4.0),))
    (new,) = box.desk.handle([heard], wordings, WATCH.digest)
    (told,) = box.told()
    assert told["candidates"] == [
        {"error_id": "gong", "description": "銅鑼の音", "score": 4.75, "threshold": 4.0}
    ]
    assert box.store.alert(new.alert_id) == new
    box.reporter.open_alerts(box.store)
    (listed,) = box.listed()["alerts"]
    assert listed["candidates"] == told["candidates"]
    (end,) = box.desk.handle([replace(heard, step=Step.END, candidates=())], wordings, WATCH.digest)
    assert box.store.alert(new.alert_id) == end


def test_what_went_on_in_the_run_before_is_ended(box: Box, tmp_path: Path) -> None:
    """Once; also where somebody has answered to it already."""
    (left,) = box.desk.handle([DETECTION], WATCH.wordings, WATCH.digest)
    verdicts = Verdicts(
        topics=TOPICS, store=box.store, link=box.link, clock=box.clock, undo_s=900.0
    )
    verdicts.give(
        request_id="r1",
        alert_id=left.alert_id,
        verdict=Verdict.CONFIRM,
        operator="shift-a",
        given_at=box.clock.now(),
    )
    box.store.close()
    again = Box(tmp_path)
    (ended,) = again.desk.end_left_over()
    assert (ended.alert_id, ended.detection.step) == (left.alert_id, Step.END)
    assert again.desk.end_left_over() == []
    assert [one["event_type"] for one in again.told()] == ["new", "reviewed", "end"]
    again.store.close()


def test_without_mqtt_alerts_are_kept_and_nothing_waits(tmp_path: Path) -> None:
    """An outbox that nobody drains would only grow."""
    box = Box(tmp_path, mqtt=False)
    (new,) = box.desk.handle([DETECTION], WATCH.wordings, WATCH.digest)
    assert box.store.alert(new.alert_id) == new
    assert box.store.depth() == 0
    assert box.reporter.open_alerts(box.store) == 1
    box.store.close()


def test_open_alerts_are_published_when_they_change(box: Box) -> None:
    """At most once a second, unless it is the last word; the same list is not sent again."""
    assert box.reporter.open_alerts(box.store) == 0
    assert box.listed() == {"schema": 1, "count": 0, "alerts": []}
    (new,) = box.desk.handle([DETECTION], WATCH.wordings, WATCH.digest)
    assert box.reporter.open_alerts(box.store) == 0, "a second has not passed"
    assert box.reporter.open_alerts(box.store, at_once=True) == 1
    box.clock.advance(1.0)
    box.desk.handle([ENDED], WATCH.wordings, WATCH.digest)
    assert box.reporter.open_alerts(box.store) == 1
    (listed,) = box.listed()["alerts"]
    assert listed["alert_id"] == new.alert_id
    assert (listed["event_type"], listed["score"], listed["clip"]) == ("end", 6.0, None)


def test_the_list_is_the_newest_and_fits_a_small_broker(box: Box) -> None:
    """Fifty of them, or as many as fit; the count is of all."""
    for number in range(1, 61):
        box.store.record(alert(number), [])
    box.reporter.open_alerts(box.store)
    assert box.listed()["count"] == 60
    assert [one["alert_id"][-3:] for one in box.listed()["alerts"][::49]] == ["060", "011"]
    wordy = box.store.open_alerts(OPEN_ALERTS)
    long = [replace(one, alert=replace(one.alert, description="音" * 300)) for one in wordy.newest]
    payload = open_payload(replace(wordy, newest=tuple(long)))
    assert 16_384 < len(payload.encode()) < 33_000
    assert json.loads(payload)["count"] == 60
    validator("alerts-open").validate(json.loads(payload))
