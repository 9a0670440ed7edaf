"""SIGKILL at random instants, of the agent and of the broker: nothing is lost, nothing is moved.

``KIKIMIMI_KILLS=200 pytest tests/faults/test_kills.py`` is the full size.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.compare import compare
from tests.faults.harness import Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.broker

KILLS = int(os.environ.get("KIKIMIMI_KILLS", "6"))
_SPEED = float(os.environ.get("KIKIMIMI_KILLS_SPEED", "20"))


def test_whatever_was_committed_arrives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each committed message arrives, in order, and each alert begins once and ends once."""
    rng = random.Random(KILLS)  # noqa: S311
    bench = Bench(tmp_path, speed=_SPEED)
    killed = dict.fromkeys(("agent", "broker", "both"), 0)
    try:
        bench.start_agent()
        for number in range(KILLS):
            if rng.random() < 0.75:  # the others may meet it while it starts
                bench.wait_ready()
            time.sleep(rng.uniform(0.0, 2.0))
            victim = ("agent", "broker", "both")[number % 3]
            killed[victim] += 1
            if victim != "agent":
                bench.kill_broker()
            if victim != "broker":
                bench.kill_agent()
                bench.start_agent()
            if victim != "agent":
                time.sleep(rng.uniform(0.0, 1.0))
                bench.start_broker()
        bench.wait_ready()
        bench.wait_for_alerts(1)
        bench.finish()
    finally:
        bench.close()
    verdict = compare(bench.committed(), [one.payload for one in bench.consumer.alerts])
    with capsys.disabled():
        sys.stdout.write(
            f"\nkilled {killed}: {verdict.alerts} alerts in {verdict.committed} messages, "
            f"{verdict.arrived} arrived, {len(verdict.problems)} problems; "
            f"listening after {_times(bench.starts_s())}, "
            f"connected after {_times(bench.reconnections_s())}\n"
        )
    assert verdict.problems == ()
    assert verdict.alerts >= 1


def _times(seconds: list[float]) -> str:
    """Median and longest of some durations."""
    if not seconds:
        return "none"
    median_s, longest_s = statistics.median(seconds), max(seconds)
    return f"{median_s:.2f} s (longest {longest_s:.2f} s, {len(seconds)} times)"


def test_the_comparison_finds_what_is_wrong() -> None:
    """A message that is lost, moved, invented or told twice by the box does not go unseen."""
    new, update, end = (
        f'{{"alert_id": "1", "event_type": "{step}"}}' for step in ("new", "update", "end")
    )
    whole = [new, update, end]
    assert compare(whole, [new, new, update, new, end]).problems == ()
    assert compare(whole, [new, end]).problems == (f"lost: {update}",)
    assert compare([new, end], whole).problems == (f"never committed: {update}",)
    assert "out of order" in compare(whole, [update, new, end]).problems[0]
    assert "has the life ['new', 'update']" in compare(whole[:2], whole[:2]).problems[0]
    assert compare([new, end, end], [new, end]).problems[0] == f"committed twice: {end}"
