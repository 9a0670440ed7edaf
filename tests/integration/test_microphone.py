"""From a real PortAudio device to a message on a real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.cli.child import running_agent
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, settings_of
from tests.integration.pulse import pulse_server
from tests.integration.scenes import write_siren
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.broker, pytest.mark.device]


def test_recording_played_to_the_microphone_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A siren played into a null sink is heard from its monitor, and only the siren."""
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    recording = write_siren(tmp_path / "siren.wav", before_s=4.0)
    source = {"name": "mic1", "kind": "microphone", "device": "default"}
    with (
        pulse_server(tmp_path / "pulse", monkeypatch) as server,
        mosquitto(tmp_path) as broker,
        listener(broker.port) as heard,
        running_agent(tmp_path, settings_of(tmp_path, broker.port, source)) as child,
    ):
        child.wait_for_event("ready", READY_S)
        # Nothing is played yet: the monitor of an idle sink is digital silence.
        heard.wait(lambda: "silent" in heard.on(f"{BOX}/source/mic1/state"))
        with server.playing(recording):
            heard.wait(lambda: '"end"' in "".join(heard.on(f"{BOX}/alert")))
        states = heard.on(f"{BOX}/source/mic1/state")
        alerts = [json.loads(payload) for payload in heard.on(f"{BOX}/alert")]
        health = json.loads(heard.on(f"{BOX}/health")[-1])
    assert states[states.index("silent") :][:2] == ["silent", "ok"]
    assert {alert["error_id"] for alert in alerts} == {"siren"}
    assert alerts[0]["event_type"] == "new"
    assert health["counters"]["windows_dropped"] == 0
