"""A processor that is too busy: the real agent drops the oldest windows, says so and recovers."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent.bundle.manifest import FrontendConstants
from agent.capture.audiofile import iter_audio
from agent.capture.scene import RATE_HZ
from agent.cli.child import running_agent
from agent.core.records import Block
from agent.frontend.windows import Windower
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, settings_of
from tests.mosquitto import PATIENCE_S, listener, mosquitto
from tests.signals import frontend, noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.cli.child import Child

pytestmark = pytest.mark.broker

SOURCES = ("hall", "press", "gate")
SECONDS = 30.0
HOP_S = 0.1
# Two seconds of three sources: where other work holds this machine up for less, nothing is lost.
QUEUE_WINDOWS = 60
# Of each half second the starved agent has the processor for a twenty-fifth.
_RUNNING_S, _STOPPED_S = 0.02, 0.48


def starve(child: Child, until: Callable[[], bool]) -> None:
    """Let it run for a moment now and then, until something has happened."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not until() and time.monotonic() < deadline_s:
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        os.kill(child.pid, signal.SIGCONT)
        time.sleep(_RUNNING_S)


def due(path: Path) -> int:
    """How many windows a recording makes, to its end."""
    windower = Windower("any", FrontendConstants(), 200, round(100 * HOP_S), frontend())
    count = index = 0
    for samples in iter_audio(path, RATE_HZ, RATE_HZ):
        count += len(windower.push(Block("any", index, 0.0, samples)))
        index += len(samples)
    return count + len(windower.flush())


def test_starved_agent_drops_the_oldest_and_catches_up(tmp_path: Path) -> None:
    """Every window was scored or counted as dropped, and the newest was always scored."""
    recording = tmp_path / "noise.wav"
    soundfile.write(recording, noise(round(SECONDS * RATE_HZ)), RATE_HZ, subtype="PCM_16")
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        source = {"kind": "file", "path": str(recording)}
        settings = settings_of(tmp_path, broker.port, {}) | {
            "sources": [source | {"name": name} for name in SOURCES],
            "windows": {"hop_s": HOP_S, "queue_windows": QUEUE_WINDOWS},
            "publish": {"scores": True, "health_interval_s": 0.5},
        }

        def health() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(heard.on(f"{BOX}/health")[-1])
            return found

        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            heard.wait(lambda: bool(heard.on(f"{BOX}/scores")))
            starve(child, lambda: health()["counters"]["windows_dropped"] > 100)
            starved = health()
            # All sources come to their end, and the agent to its own.
            assert child._process.wait(2 * PATIENCE_S) == 0
        heard.wait(lambda: heard.on(f"{BOX}/status")[-1:] == ["offline"])
        scores = [json.loads(payload) for payload in heard.on(f"{BOX}/scores")]
        last = health()
    assert starved["state"] == "degraded"
    assert "windows dropped" in starved["reasons"]["inference"]
    assert starved["drop_ratio"] > 0.0
    counters = last["counters"]
    assert counters["windows_dropped"] >= starved["counters"]["windows_dropped"] > 100
    windows = due(recording)
    assert counters["windows"] + counters["windows_dropped"] == windows * len(SOURCES)
    assert counters["windows"] == len(scores) + counters["live_discarded"]
    ends = {name: [s["ts_end"] for s in scores if s["source"] == name] for name in SOURCES}
    for times in ends.values():
        assert times == sorted(times)
        spans = np.diff([np.datetime64(one[:-1]) for one in times]) / np.timedelta64(1, "s")
        # A gap where windows were dropped; none at the end, when it had caught up.
        assert spans.max() > HOP_S + 0.01
        assert spans[-5:] == pytest.approx(HOP_S, abs=0.002)
        assert spans.sum() == pytest.approx((windows - 1) * HOP_S, abs=HOP_S)  # the last one, too
