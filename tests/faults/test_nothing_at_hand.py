"""A box in the worst place: no microphone, no broker, a state folder that is read-only."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agent.cli.child import running_agent
from agent.store import Store
from tests.faults.disks import small_disk
from tests.faults.harness import PATIENCE_S, READY_S
from tests.integration.pulse import pulse_server
from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.manager import Manager
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.broker, pytest.mark.device]

_BOX = "kikimimi/plant/press3"


def test_it_starts_says_what_is_missing_and_heals_with_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly these three things, in its status and its log; each that comes is one less."""
    state = tmp_path / "state"
    with (
        closing(Manager(str(tmp_path / "notify"))) as manager,
        small_disk(state) as disk,
        mosquitto(tmp_path) as broker,
        pulse_server(tmp_path / "pulse", monkeypatch) as sound,
    ):
        broker.kill()
        sound.kill()
        (tmp_path / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
        disk.make("ro")
        settings = {
            "site": "plant",
            "node": "press3",
            "descriptions": str(tmp_path / "descriptions.yaml"),
            "state_dir": str(state),
            "sources": [{"name": "mic1", "kind": "microphone", "device": "default"}],
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "log": {"format": "json"},
        }
        with running_agent(tmp_path, settings, {"NOTIFY_SOCKET": manager.address}):
            while manager.next(READY_S) != "READY=1":
                pass
            status = _until(manager, lambda parts: len(parts) >= 3)
            assert set(status) == {"source mic1", "broker", "store"}
            assert "read-only" in status["store"].lower()
            assert str(state) in status["store"]
            assert f"127.0.0.1:{broker.port}" in status["broker"]
            # The thread that looks for the microphone has its own pace.
            told = {"source_state", "broker_unreachable", "store_unusable", "tower_not_kept"}
            patience_s = time.monotonic() + PATIENCE_S
            while not told <= _complaints(tmp_path) and time.monotonic() < patience_s:
                time.sleep(0.1)
            assert _complaints(tmp_path) == told

            sound.start()
            # Calm first: on a busy machine it takes the agent a while to find the device.
            calm = write_siren(tmp_path / "calm.wav", before_s=240.0, after_s=0.0)
            recording = write_siren(tmp_path / "siren.wav", before_s=2.0, after_s=240.0)
            with sound.playing(calm):
                status = _until(manager, lambda parts: "source mic1" not in parts)
                assert {"broker", "store"} <= set(status)
            with sound.playing(recording):
                broker.start()
                with listener(broker.port) as heard:
                    status = _until(manager, lambda parts: "broker" not in parts)
                    assert "store" in status
                    heard.wait(lambda: '"end"' in "".join(heard.on(f"{_BOX}/alert")), PATIENCE_S)
                    disk.make("rw")
                    _until(manager, lambda parts: "store" not in parts)
                    heard.wait(lambda: _last_state(heard.on(f"{_BOX}/health")) == "ok", PATIENCE_S)
                    alerts = [json.loads(one) for one in heard.on(f"{_BOX}/alert")]
    assert [one["error_id"] for one in alerts if one["event_type"] == "new"] == ["siren"]


def test_what_was_told_meanwhile_is_on_the_disk_afterwards(tmp_path: Path) -> None:
    """The database of a folder that came back is a whole one, made with all its tables."""
    with small_disk(tmp_path / "state") as disk:
        disk.make("ro")
        with pytest.raises(OSError, match=r"[Rr]ead-only"):
            Store.open(disk.folder)
        disk.make("rw")
        store = Store.open(disk.folder)
        assert store.depth() == 0
        store.close()


def _until(manager: Manager, wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The reasons, by part, of the first status of a listening box that is as wanted."""
    while True:
        message = manager.next(PATIENCE_S)
        if not message.startswith(("STATUS=degraded", "STATUS=ok")):
            continue
        parts = dict(
            part.split(": ", 1) for part in message.partition("): ")[2].split(" | ") if ": " in part
        )
        if wanted(parts):
            return parts


def _complaints(folder: Path) -> set[str]:
    """The events that the log tells of as a warning or worse."""
    lines = (folder / "agent.log").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return {one["event"] for one in events if one["level"] in {"warning", "error"}}


def _last_state(health: list[str]) -> str:
    return str(json.loads(health[-1])["state"]) if health else ""
