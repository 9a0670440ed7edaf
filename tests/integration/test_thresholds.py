"""A threshold set over MQTT: real agent, real Mosquitto, real database, through a restart."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.child import running_agent
from agent.store import Store
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, documents, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mosquitto import Listener

pytestmark = pytest.mark.broker

_DEAF = 90.0
"""No sound comes near it."""


def _latest(heard: Listener, topic: str) -> dict[str, Any]:
    told = heard.on(f"{BOX}/{topic}")
    return dict(json.loads(told[-1])) if told else {}


def _ask(heard: Listener, command: str, **fields: Any) -> dict[str, Any]:
    """Send a command; its answer."""
    before = len(heard.on(f"{BOX}/cmd/result"))
    asked = {"schema": 1, "error_id": "siren", "operator": "shift-a"} | fields
    heard._client.publish(f"{BOX}/cmd/{command}", json.dumps(asked), qos=1)
    heard.wait(lambda: len(heard.on(f"{BOX}/cmd/result")) > before)
    return documents(heard, "cmd/result")[-1]


def _in_force(heard: Listener, threshold: float) -> dict[str, Any]:
    """Wait until the siren's threshold is that; what the box says then."""

    def told() -> bool:
        state = _latest(heard, "config/state")
        return bool(state) and state["thresholds"]["siren"] == threshold

    heard.wait(told)
    return documents(heard, "config/state")[-1]


def _hear(heard: Listener, windows: int) -> None:
    """Let it score so many more windows, until all that it makes of them is delivered."""

    def scored() -> int:
        return int(_latest(heard, "health").get("counters", {}).get("windows", 0))

    first = scored()
    heard.wait(
        lambda: scored() >= first + windows and _latest(heard, "health")["outbox_depth"] == 0
    )


def _alarms(heard: Listener) -> list[dict[str, Any]]:
    alerts = documents(heard, "alert")
    return [one for one in alerts if one["error_id"] == "siren" and one["event_type"] == "new"]


def test_an_alert_fires_below_the_threshold_of_before(tmp_path: Path) -> None:
    """After it is lowered, also by the next start; taken back, the file counts again."""
    described = tmp_path / "descriptions.yaml"
    embed(described, tmp_path / "state")
    text = described.read_text(encoding="utf-8")
    described.write_text(text.replace("threshold: 4.0", f"threshold: {_DEAF}"), encoding="utf-8")
    path = write_siren(tmp_path / "siren.wav", before_s=1.0, after_s=2.0)
    source = {"name": "hall", "kind": "file", "path": str(path), "loop": True, "speed": 16}
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = settings_of(tmp_path, broker.port, source) | {
            "publish": {"health_interval_s": 0.5},
            "windows": {"queue_windows": 1_000},
        }
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        asked = {"request_id": "t1", "threshold": 4.6, "ts": now}
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            state = _in_force(heard, _DEAF)
            assert (state["operator_thresholds"], state["notes"]) == ({}, [])
            _hear(heard, 20)  # more than a siren
            assert _alarms(heard) == []
            assert _ask(heard, "threshold", **asked)["accepted"]
            state = _in_force(heard, 4.6)
            assert state["operator_thresholds"]["siren"]["operator"] == "shift-a"
            assert "is 90, but 4.6, set by shift-a by MQTT on " in state["notes"][0]
            heard.wait(lambda: bool(_alarms(heard)))
            assert _alarms(heard)[0]["threshold"] == 4.6
        heard.wait(lambda: heard.on(f"{BOX}/status")[-1] == "offline")
        before = len(heard.on(f"{BOX}/config/state"))
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("descriptions_noted", READY_S)
            heard.wait(lambda: len(heard.on(f"{BOX}/config/state")) > before)
            assert _in_force(heard, 4.6)["loaded_at"] > state["loaded_at"]
            assert _ask(heard, "threshold", **asked)["duplicate"]
            assert _ask(heard, "undo", request_id="u1")["accepted"]
            assert _in_force(heard, _DEAF)["operator_thresholds"] == {}
            _hear(heard, 20)  # an alarm that had begun is told by then
            alarms = len(_alarms(heard))
            _hear(heard, 20)
            assert len(_alarms(heard)) == alarms
    with closing(Store.reading(tmp_path / "state")) as store:
        trail = [one.what for one in store.trail() if one.what.startswith("threshold")]
        assert trail == ["threshold", "threshold_undone"]
