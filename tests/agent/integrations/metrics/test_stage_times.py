"""Times of stages become the buckets of a histogram."""

from __future__ import annotations

import pytest

from agent.core.stopwatch import Stage, Took
from agent.integrations.metrics.stage_times import BOUNDS_S, StageTimes


def test_runs_are_counted_up_to_each_bound() -> None:
    """A bound belongs to its own bucket; what took longest is in the last alone.

    What gave nothing, and what is no stage of the data path, is not counted.
    """
    times = StageTimes()
    assert times.read() == {}
    for took_s in (0.000_05, BOUNDS_S[0], 0.02, 7.0):
        times.take(Stage.ENCODER, Took(took_s, 0.0, 1))
    times.take(Stage.ALERTS, Took(0.5, 0.0, 2))
    times.take(Stage.ALERTS, Took(0.5, 0.0, 0))
    times.take(Stage.HEALTH, Took(0.5, 0.0, 1))
    found = times.read()
    assert found.keys() == {Stage.ENCODER, Stage.ALERTS}
    assert list(BOUNDS_S) == sorted(BOUNDS_S)
    assert found[Stage.ENCODER].up_to == (2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4)
    assert found[Stage.ENCODER].sum_s == pytest.approx(7.020_15)
    assert found[Stage.ALERTS].up_to == (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1)
