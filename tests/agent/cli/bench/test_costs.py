"""What the benchmark tells of the whole agent adds up to what its threads took."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from agent.cli.bench.costs import MEASURING, REST, STAGES, Costs, Reading, by_stage
from agent.core.stopwatch import Stage, Took

if TYPE_CHECKING:
    from pathlib import Path

    from agent.run.health import Health

HEALTH = cast("Health", None)
"""Of which the costs read nothing."""


def test_stages_add_up_to_the_threads() -> None:
    """Each thread's time is told once: by its stages, and what they left by the thread's own."""
    earlier = Reading(
        at_s=100.0,
        threads={"MainThread": 1.0, "listener-mic": 2.0},
        stages={"MainThread": {"encoder": 0.5}, "listener-mic": {"frontend": 0.25}},
    )
    later = Reading(
        at_s=110.0,
        threads={
            "MainThread": 1.5,
            "listener-mic": 2.25,
            "mqtt": 0.0625,
            "paho-mqtt-client-box": 0.0625,
            "memory": 0.125,
            "library": 0.03125,
        },
        stages={
            "MainThread": {
                "encoder": 0.75,
                "recogniser": 0.03125,
                "publishing": 0.015625,
                "clips": 0.015625,
                "health": 0.0625,
                MEASURING: 0.03125,
            },
            "listener-mic": {"frontend": 0.3125, "clips": 0.03125},
        },
    )
    found = by_stage(earlier, later)
    assert tuple(found) == STAGES
    assert found == {
        "capture": pytest.approx(100.0 * (0.25 - 0.0625 - 0.03125 + 0.03125)),
        "frontend": pytest.approx(6.25),
        "encoder": pytest.approx(25.0),
        "recogniser": pytest.approx(3.125),
        "alerts": 0.0,
        "clips": pytest.approx(100.0 * (0.125 + 0.015625 + 0.03125)),
        "mqtt": pytest.approx(100.0 * (0.125 + 0.015625)),
        "health": pytest.approx(3.125),
        MEASURING: pytest.approx(3.125),
        REST: pytest.approx(100.0 * (0.5 - 0.25 - 0.03125 - 0.03125 - 0.0625)),
    }
    threads_s = sum(later.threads.values()) - sum(earlier.threads.values())
    assert sum(found.values()) == pytest.approx(100.0 * threads_s)


def test_a_reading_holds_what_every_thread_took(tmp_path: Path) -> None:
    """Within the time of the whole process, the stages of each thread under its name."""
    path = tmp_path / "costs.json"
    costs = Costs(path)
    told, stop = threading.Event(), threading.Event()

    def work() -> None:
        costs.stopwatch()(Stage.FRONTEND, Took(0.25, 0.125, 1))
        told.set()
        stop.wait()

    thread = threading.Thread(target=work, name="listener-one")
    thread.start()
    try:
        told.wait()
        costs.reported(HEALTH)
        reading = Reading.from_json(path.read_text(encoding="utf-8"))
    finally:
        stop.set()
        thread.join()
    assert reading.stages["listener-one"] == {"frontend": 0.125}
    assert {"MainThread", "listener-one"} <= reading.threads.keys()
    assert 0.0 < reading.threads["MainThread"] <= sum(reading.threads.values())
    assert sum(reading.threads.values()) <= time.process_time()
    assert json.loads(reading.to_json())["at_s"] == reading.at_s


def test_readings_are_a_second_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at several times a second, the box tells once."""
    path, now = tmp_path / "costs.json", [50.0]
    monkeypatch.setattr("agent.cli.bench.costs.time.monotonic", lambda: now[0])
    costs = Costs(path)
    told = []
    for at_s in (50.0, 50.5, 51.0):
        now[0] = at_s
        costs.reported(HEALTH)
        told.append(Reading.from_json(path.read_text(encoding="utf-8")).at_s)
    assert told == [50.0, 50.0, 51.0]
