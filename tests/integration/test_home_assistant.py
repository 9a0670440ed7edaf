"""From a sound to a press in Home Assistant and into the store: real agent, broker and database."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from agent.cli.child import running_agent
from agent.core.answers import holding
from agent.core.records import Origin, Verdict
from agent.store import Store
from tests.faults.embedded import embed
from tests.home_assistant import FakeHomeAssistant
from tests.home_assistant_facts import problems
from tests.integration.boxes import BOX, READY_S, documents, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import listener, mosquitto
from tests.schemas import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.mosquitto import Listener

pytestmark = pytest.mark.broker

TOPIC = "homeassistant/device/press3/config"


class Home(FakeHomeAssistant):
    """Home Assistant at a real broker."""

    def __init__(self, heard: Listener) -> None:
        super().__init__()
        self._heard = heard
        self._taken = 0

    def wait(self, until: Callable[[], bool]) -> None:
        """Take what comes in, one message after another, until it is so."""

        def taken() -> bool:
            while not until():
                if self._taken == len(self._heard.messages):
                    return False
                message = self._heard.messages[self._taken]
                self._taken += 1
                self.at()
                payload = message.payload.decode()
                if message.topic == TOPIC:
                    self.discover(payload)
                else:
                    self.receive(message.topic, payload)
            return True

        self._heard.wait(taken)

    def at(self) -> None:
        """It is now."""
        self.now = datetime.now(UTC)

    def shown_for(self, seconds: float) -> None:
        """It is so many seconds after the alert that is shown came up."""
        since = self.entities["yes"].attributes["since"]
        self.now = datetime.fromtimestamp(since + seconds, UTC)

    def send(self, command: tuple[str, str], **instead: Any) -> dict[str, Any]:
        """Publish what a press gives, and wait for what the box says of it."""
        topic, payload = command
        fields = json.loads(payload) | instead
        jsonschema.validate(fields, schema(f"cmd-{topic.rpartition('/')[2]}"))
        return self.send_as_it_is(topic, json.dumps(fields))

    def send_as_it_is(self, topic: str, payload: str) -> dict[str, Any]:
        """Likewise of what a box refuses."""
        answers = self.entities["answer"].events
        count = len(answers)
        self._heard._client.publish(topic, payload, qos=1).wait_for_publish(60.0)
        self.wait(lambda: len(answers) > count)
        kind, attributes = answers[-1]
        return {"event_type": kind, **attributes}


def test_an_alert_is_answered_and_a_sound_reported_in_home_assistant(tmp_path: Path) -> None:
    """Found, shown, answered once it is meant, told again at birth, removed when it is gone."""
    described = tmp_path / "descriptions.yaml"
    embed(described, tmp_path / "state")
    write_siren(tmp_path / "siren.wav", before_s=1.0, after_s=30.0)
    source = {"name": "hall", "kind": "file", "path": str(tmp_path / "siren.wav"), "loop": True}
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = settings_of(tmp_path, broker.port, source)
        settings["home_assistant"] = {"discovery": True}
        home = Home(heard)
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            home.wait(lambda: "alert" in home.entities)
            [told] = heard.on(TOPIC)
            assert problems(TOPIC, told) == []
            alert_id = _answer(home)
            _report(home)
            _set(home)
            home.wait(lambda: home.entities["level.hall"].state is not None)
            assert home.entities["state.hall"].state == "OFF"
            assert home.entities["health"].state == "OFF"
            heard._client.publish("homeassistant/status", "online", qos=1)
            heard.wait(lambda: heard.on(TOPIC) == [told, told])
            text = described.read_text(encoding="utf-8")
            first, last = text.index("  - id: glass_broken"), text.index("background:")
            described.write_text(text[:first] + text[last:], encoding="utf-8")
            home.wait(lambda: "heard.glass_broken.hall" not in home.entities)
            assert problems(TOPIC, heard.on(TOPIC)[-1]) == []
            assert "heard.siren.hall" in home.entities
        documents(heard, "health")
        assert json.loads(heard.on(f"{BOX}/health")[-1])["attached"] == {"entities_left_out": 0}
    with closing(Store.open(tmp_path / "state")) as store:
        [verdict] = holding(store.answers(alert_id))
        assert (verdict.verdict, verdict.operator) == (Verdict.CONFIRM, "home-assistant")
        missed = [one for one in store.alerts_since() if one.origin is Origin.MISSED]
        assert [one.detection.error_id for one in missed] == ["glass_broken"]


def _answer(home: Home) -> str:
    """Say yes to the alert that is shown; its id."""
    question, alert = home.entities["question"], home.entities["alert"]
    home.wait(lambda: question.state is not None and bool(alert.events))
    assert question.state == "サイレンが鳴り響く音"
    alert_id: str = question.attributes["alert_id"]
    assert alert.events[0][0] == "new"
    assert alert.events[0][1]["alert_id"] == alert_id
    # It has only just come up: the press was meant for the one before.
    home.shown_for(1)
    answer = home.send_as_it_is(*home.press("no"))
    assert answer["event_type"] == "refused"
    assert "alert_id is ''" in answer["reason"]
    home.shown_for(5)
    answer = home.send(home.press("yes"))
    assert answer == {"event_type": "accepted", "command": "verdict", "reason": None}
    home.wait(lambda: any(kind == "reviewed" for kind, _ in alert.events))
    home.wait(lambda: question.attributes.get("alert_id") != alert_id)
    return alert_id


def _set(home: Home) -> None:
    """Another threshold: refused beyond the box's bounds, else in force."""
    number = home.entities["threshold.siren"]
    home.wait(lambda: number.state == "4.0")
    home.at()
    answer = home.send(home.set_number("threshold.siren", 4.6), threshold=50)
    assert answer["event_type"] == "refused"
    home.at()
    answer = home.send(home.set_number("threshold.siren", 4.6))
    assert answer == {"event_type": "accepted", "command": "threshold", "reason": None}
    home.wait(lambda: number.state == "4.6")


def _report(home: Home) -> None:
    """Say that glass broke just now; the box remembers no longer than it has run."""
    home.at()
    begin = (home.now - timedelta(seconds=2)).isoformat()
    answer = home.send(home.press("heard.glass_broken.hall"), **{"from": begin})
    assert answer == {"event_type": "accepted", "command": "heard", "reason": None}
