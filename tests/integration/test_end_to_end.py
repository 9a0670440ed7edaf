"""The real agent from sound to message: child process, shipped bundle, real Mosquitto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.cli.child import running_agent
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, Box, settings_of
from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.mosquitto import PATIENCE_S, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker."""
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def box(tmp_path: Path, broker: Mosquitto) -> Iterator[Box]:
    """An agent that hears a siren again and again."""
    described = tmp_path / "descriptions.yaml"
    # The last test's box embeds for itself.
    embed(described, tmp_path / "state")
    recording = write_siren(tmp_path / "siren.wav")
    source = {"name": "hall", "kind": "file", "path": str(recording), "loop": True}
    settings = settings_of(tmp_path, broker.port, source)
    with listener(broker.port) as heard, running_agent(tmp_path, settings) as child:
        child.wait_for_event("ready", READY_S)
        yield Box(child, heard, described)


def test_siren_becomes_an_alert_with_a_beginning_and_an_end(box: Box) -> None:
    """In the operator's words, with what it was heard by, and nothing else is reported."""
    box.heard.wait(lambda: '"end"' in "".join(box.heard.on(f"{BOX}/alert")))
    alerts = box.documents("alert")
    assert alerts[0]["event_type"] == "new"
    assert {alert["error_id"] for alert in alerts} == {"siren"}
    assert alerts[0]["description"] == "サイレンが鳴り響く音"
    assert alerts[0]["severity"] == "CRITICAL"
    assert alerts[0]["source"] == "hall"
    assert alerts[0]["score"] >= alerts[0]["threshold"] == 4.0
    end = next(alert for alert in alerts if alert["event_type"] == "end")
    assert end["alert_id"] == alerts[0]["alert_id"]
    assert end["ts_end"] > end["ts_start"]
    assert box.heard.on(f"{BOX}/status")[0] == "online"
    assert box.heard.on(f"{BOX}/source/hall/state")[-1] == "ok"
    health = box.last("health")
    assert health["bundle"] == alerts[0]["bundle"]
    assert health["counters"]["windows_dropped"] == 0


def test_saved_descriptions_are_taken_over_and_broken_ones_are_not(box: Box) -> None:
    """A wrong file leaves the last good set at work and says why."""
    box.heard.wait(lambda: bool(box.heard.on(f"{BOX}/config/state")))
    first = box.last("config/state")
    assert first["count"] == 2
    assert first["thresholds"] == {"siren": 4.0, "glass_broken": 4.0}
    hum = "  - id: hum\n    text: 低いうなり #3 号機\nbackground:"
    more = DESCRIPTIONS.replace("background:", hum)
    box.descriptions.write_text(more, encoding="utf-8")
    box.heard.wait(lambda: '"count": 3' in _spaced(box.heard.on(f"{BOX}/config/state")[-1]))
    second = box.last("config/state")
    assert second["descriptions"] != first["descriptions"]
    assert second["error"] is None
    assert first["notes"] == []
    (note,) = second["notes"]
    assert "errors[2].text: ends before '#3 号機', since ' #' begins a comment" in note
    box.child.wait_for_event("descriptions_noted", PATIENCE_S)
    box.descriptions.write_text(more.replace("severity", "sevrity"), encoding="utf-8")
    box.heard.wait(lambda: "sevrity" in box.heard.on(f"{BOX}/config/state")[-1])
    third = box.last("config/state")
    assert third["descriptions"] == second["descriptions"]
    assert third["count"] == 3
    assert "severity" in json.dumps(third["error"])
    box.child.check()
    assert not box.child.ended


def test_asked_to_end_it_says_goodbye(box: Box) -> None:
    """SIGTERM: exit status 0, and the retained status is offline."""
    process = box.child._process
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    box.heard.wait(lambda: box.heard.on(f"{BOX}/status")[-1] == "offline")


def test_killed_it_is_told_by_its_last_will(box: Box) -> None:
    """The broker publishes the status that the agent no longer can."""
    process = box.child._process
    process.kill()
    process.wait(PATIENCE_S)
    box.heard.wait(lambda: box.heard.on(f"{BOX}/status")[-1] == "offline")


def test_alert_that_met_no_broker_arrives_when_there_is_one(tmp_path: Path) -> None:
    """The agent starts without a broker, hears, and delivers when the broker comes."""
    with mosquitto(tmp_path) as broker:
        broker.kill()
        (tmp_path / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
        recording = write_siren(tmp_path / "siren.wav", after_s=6.0)
        source = {"name": "hall", "kind": "file", "path": str(recording), "loop": True}
        with running_agent(tmp_path, settings_of(tmp_path, broker.port, source)) as child:
            child.wait_for_event("alert", READY_S)
            broker.start()
            with listener(broker.port) as heard:
                heard.wait(lambda: bool(heard.on(f"{BOX}/alert")))
                first = json.loads(heard.on(f"{BOX}/alert")[0])
    assert first["event_type"] == "new"
    assert first["error_id"] == "siren"


def _spaced(payload: str) -> str:
    """A payload in one way of writing JSON."""
    return json.dumps(json.loads(payload), ensure_ascii=False)
