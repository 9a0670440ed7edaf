"""People's answers from the dashboard to the store: real agent, real Mosquitto, real database."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.child import running_agent
from agent.core.answers import holding
from agent.core.records import Verdict
from agent.store import Store
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, documents, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import Listener, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


@dataclass
class Floor:
    """A broker, a folder for a box that hears one siren, and a dashboard."""

    folder: Path
    broker: Mosquitto
    heard: Listener

    @contextmanager
    def agent(self) -> Iterator[None]:
        """The box, listening."""
        source = {"name": "hall", "kind": "file", "path": str(self.folder / "siren.wav")}
        settings = settings_of(self.folder, self.broker.port, source | {"loop": True})
        with running_agent(self.folder, settings) as child:
            child.wait_for_event("ready", READY_S)
            yield

    def documents(self, topic: str) -> list[dict[str, Any]]:
        """JSON messages on one of the box's topics, each valid by its schema."""
        return documents(self.heard, topic)

    def wait(self, topic: str, **fields: Any) -> dict[str, Any]:
        """Block until a message on a topic says so."""

        def found() -> list[dict[str, Any]]:
            return [
                one
                for one in map(json.loads, self.heard.on(f"{BOX}/{topic}"))
                if all(one.get(name) == value for name, value in fields.items())
            ]

        self.heard.wait(lambda: bool(found()))
        self.documents(topic)
        return found()[-1]

    def send(self, command: str, payload: dict[str, Any]) -> None:
        """Publish a command at QoS 1, until the broker has it."""
        raw = json.dumps({"schema": 1, "operator": "shift-a"} | payload)
        self.heard._client.publish(f"{BOX}/cmd/{command}", raw, qos=1).wait_for_publish(60.0)

    def verdict(self, request_id: str, alert_id: str, verdict: str) -> dict[str, Any]:
        """Say something of an alert; what was sent."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {"request_id": request_id, "alert_id": alert_id, "verdict": verdict, "ts": now}
        self.send("verdict", fields)
        return fields


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    """One for a test."""
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    write_siren(tmp_path / "siren.wav", after_s=30.0)
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        yield Floor(tmp_path, broker, heard)


def test_verdicts_reach_a_running_box_and_one_that_was_away(floor: Floor) -> None:
    """Live, taken back, and by the broker's session: told, kept once, and off the open list."""
    with floor.agent():
        alert_id = floor.wait("alert", event_type="new")["alert_id"]
        floor.heard.wait(lambda: alert_id in floor.heard.on(f"{BOX}/alerts/open")[-1])
        first = floor.verdict("r1", alert_id, "reject")
        assert floor.wait("cmd/result", request_id="r1")["accepted"]
        assert floor.wait("alert", event_type="reviewed")["verdict"] == "reject"
        floor.heard.wait(lambda: alert_id not in floor.heard.on(f"{BOX}/alerts/open")[-1])
        floor.send("undo", {"request_id": "u1", "alert_id": alert_id})
        assert floor.wait("cmd/result", request_id="u1", command="undo")["accepted"]
        floor.heard.wait(lambda: alert_id in floor.heard.on(f"{BOX}/alerts/open")[-1])
        floor.verdict("r2", "01KE0000000000000000000000", "reject")
        assert "is no alert of this box" in floor.wait("cmd/result", request_id="r2")["reason"]
    floor.heard.wait(lambda: floor.heard.on(f"{BOX}/status")[-1] == "offline")
    floor.verdict("r3", alert_id, "confirm")
    floor.send("verdict", first)  # once more, as a dashboard does that heard no answer
    with floor.agent():
        assert floor.wait("cmd/result", request_id="r3")["accepted"]
        assert floor.wait("cmd/result", request_id="r1", duplicate=True)["accepted"]
        told = floor.wait("alert", event_type="reviewed", verdict="confirm")
        assert (told["alert_id"], told["operator"]) == (alert_id, "shift-a")
        floor.heard.wait(lambda: alert_id not in floor.heard.on(f"{BOX}/alerts/open")[-1])
        floor.heard.wait(
            lambda: '"verdicts":1,' in floor.heard.on(f"{BOX}/health")[-1],
        )
    floor.documents("alerts/open")
    floor.documents("health")
    with closing(Store.open(floor.folder / "state")) as store:
        answers = store.answers(alert_id)
        assert [(one.request_id, one.verdict) for one in answers] == [
            ("r1", Verdict.REJECT),
            ("r3", Verdict.CONFIRM),
        ]
        assert [one.request_id for one in holding(answers)] == ["r3"]
        assert [one.what for one in store.trail()] == ["verdict", "undo", "verdict"]
