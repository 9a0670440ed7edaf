"""The real ``kikimimi run`` under a service manager: ready, alive, reloading, stopping."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent.cli.child import running_agent
from tests.integration.scenes import DESCRIPTIONS
from tests.manager import PATIENCE_S, Manager
from tests.mosquitto import free_port, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.cli.child import Child

ROOT = Path(__file__).resolve().parents[2]
_STATUS = "kikimimi/plant/press3/status"
_BEAT = "WATCHDOG=1"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Who started the service."""
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def variables(manager: Manager) -> dict[str, str]:
    """What systemd puts into the environment: a sign of life is due every second."""
    return {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "2000000"}


def settings_of(folder: Path, source: Mapping[str, Any], port: int) -> dict[str, Any]:
    """What ``agent.yaml`` would hold; the descriptions lie beside it."""
    (folder / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    return {
        "site": "plant",
        "node": "press3",
        "descriptions": str(folder / "descriptions.yaml"),
        "state_dir": str(folder / "state"),
        "sources": [source],
        "mqtt": {"host": "127.0.0.1", "port": port},
        "log": {"format": "json"},
    }


def _silence(folder: Path) -> dict[str, Any]:
    """A source of nothing but zeros, for ever."""
    path = folder / "silence.wav"
    soundfile.write(path, np.zeros(16_000 * 3, np.float32), 16_000)
    return {"name": "hall", "kind": "file", "path": str(path), "loop": True}


def _until(manager: Manager, *parts: str) -> str:
    """The first message that holds all of these."""
    while True:
        message = manager.next()
        if all(part in message for part in parts):
            return message


@pytest.mark.broker
def test_service_from_start_to_stop(tmp_path: Path, manager: Manager) -> None:
    """Each state is told in its order, and the broker hears ``offline`` before the end."""
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = settings_of(tmp_path, _silence(tmp_path), broker.port)
        with running_agent(tmp_path, settings, variables(manager)) as child:
            assert manager.until("READY=1")[0] == "STATUS=starting: reading what to listen for"
            for _ in range(3):
                manager.until(_BEAT)

            os.kill(child.pid, signal.SIGHUP)
            begun = _until(manager, "RELOADING=1\n")
            stamp_s = int(begun.partition("MONOTONIC_USEC=")[2]) / 1e6
            assert 0.0 < time.monotonic() - stamp_s < PATIENCE_S
            manager.until("READY=1")

            (tmp_path / "descriptions.yaml").write_text("version: 1\nerorrs: []\n")
            os.kill(child.pid, signal.SIGHUP)
            _until(manager, "RELOADING=1\n")
            manager.until("READY=1")
            _until(manager, "STATUS=degraded (hall", "descriptions: ", "'errors'?")
            manager.until(_BEAT)

            os.kill(child.pid, signal.SIGTERM)
            manager.until("STOPPING=1\nSTATUS=stopping")
            assert child._process.wait(PATIENCE_S) == 0
            heard.wait(lambda: heard.on(_STATUS)[-1:] == ["offline"])
    assert heard.on(_STATUS)[-2:] == ["online", "offline"]


def test_box_without_microphone_and_broker_is_ready_and_alive(
    tmp_path: Path, manager: Manager
) -> None:
    """Both are told in its status; only a loop that hangs is a reason to start it again.

    The signal by which the watchdog ends such a loop leaves in the log where it was.
    """
    source = {"name": "hall", "kind": "microphone", "device": "no such microphone"}
    settings = settings_of(tmp_path, source, free_port())
    with running_agent(tmp_path, settings, variables(manager)) as child:
        manager.until("READY=1")
        status = _until(manager, "STATUS=degraded (hall lost)", "refused")
        assert "source hall: " in status
        assert "broker: 127.0.0.1:" in status
        for _ in range(3):
            manager.until(_BEAT)
        os.kill(child.pid, signal.SIGABRT)
        assert child._process.wait(PATIENCE_S) == -signal.SIGABRT
        log = (tmp_path / "agent.log").read_text(encoding="utf-8")
    assert "Fatal Python error: Aborted" in log
    assert "pipeline.py" in log.partition("Fatal Python error")[2]


def test_stopped_while_it_starts_it_ends_well(tmp_path: Path, manager: Manager) -> None:
    """SIGTERM to all of its processes, as systemd sends it: exit status 0 all the same."""
    settings = settings_of(tmp_path, _silence(tmp_path), free_port())
    with running_agent(tmp_path, settings, variables(manager)) as child:
        manager.until("STATUS=starting: reading what to listen for")
        embedding = _children(child)
        os.kill(child.pid, signal.SIGTERM)
        for pid in embedding:
            os.kill(pid, signal.SIGTERM)
        assert child._process.wait(PATIENCE_S) == 0


def test_unit_allows_every_system_call_that_the_agent_needs(tmp_path: Path) -> None:
    """It embeds its descriptions, hears a recording to its end and stops, without a complaint."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    settings = settings_of(tmp_path, _silence(tmp_path) | {"loop": False}, free_port())
    config = tmp_path / "agent.yaml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    filtered = [sys.executable, str(ROOT / "tests" / "seccomp.py")]
    unit = str(ROOT / "systemd" / "kikimimi.service")
    command = [sys.executable, "-m", "agent", "run", "--config", str(config)]
    ended = subprocess.run(
        [*filtered, unit, *command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 0, ended.stderr
    assert events[-1]["event"] == "stopped"
    assert events[-1]["windows"] > 0
    assert "Operation not permitted" not in ended.stderr


def _children(child: Child) -> list[int]:
    """The processes that it has started, once there is one."""
    tasks = Path(f"/proc/{child.pid}/task")
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        listed = " ".join(path.read_text() for path in tasks.glob("*/children"))
        if listed.split():
            return [int(pid) for pid in listed.split()]
        child.check()
        time.sleep(0.01)
    pytest.fail("the agent did not start to embed its descriptions")
