"""When samples were captured."""

from __future__ import annotations

import numpy as np
import pytest

from agent.capture.timeline import Timeline, WallClock
from tests.fakes import FakeClock


def test_late_deliveries_do_not_move_the_time() -> None:
    """Jitter of up to 50 ms in arrival leaves less than 2 ms in the time of capture."""
    random = np.random.default_rng(3)
    timeline = Timeline(0.0, 100.0)
    errors = []
    for position_s in np.arange(0.0, 60.0, 0.02):
        timeline.observe(position_s, 100.0 + position_s + random.exponential(0.01))
        errors.append(timeline.monotonic_s(position_s) - 100.0 - position_s)
    assert max(np.abs(errors)) < 0.002


@pytest.mark.parametrize("drift", [-200e-6, 200e-6])
def test_crystal_of_the_card_is_followed(drift: float) -> None:
    """A card that runs fast or slow by 200 ppm for an hour stays within 5 ms."""
    timeline = Timeline(0.0, 0.0)
    for position_s in np.arange(0.0, 3_600.0, 0.1):
        timeline.observe(position_s, position_s * (1.0 + drift))
    assert timeline.monotonic_s(3_600.0) == pytest.approx(3_600.0 * (1.0 + drift), abs=0.005)


def test_unlucky_start_is_forgotten() -> None:
    """A first delivery that came late shifts the times only until one comes in time."""
    timeline = Timeline(0.0, 0.5)
    timeline.observe(0.5, 0.6)
    timeline.observe(1.0, 1.0)
    timeline.observe(1.5, 1.7)
    assert timeline.monotonic_s(1.5) == pytest.approx(1.5, abs=0.001)


def test_later_the_time_falls_slowly() -> None:
    """A delivery after the start that claims to be early moves the times by a hundredth."""
    timeline = Timeline(0.0, 0.0)
    timeline.observe(10.0, 10.0)
    timeline.observe(11.0, 10.0)
    assert timeline.monotonic_s(11.0) == pytest.approx(10.99)


def test_faster_input_keeps_its_own_time() -> None:
    """A minute that is sent in a second lasts a minute, but for the start and one hundredth."""
    timeline = Timeline(0.0, 0.0)
    for position_s in np.arange(0.0, 60.0, 0.1):
        timeline.observe(position_s, position_s / 60.0)
    assert timeline.monotonic_s(60.0) == pytest.approx(60.0, abs=2.0 + 0.01 * 60.0)


def test_lateness_is_what_is_missing() -> None:
    """A sample that comes half a second later than due stands half a second late."""
    timeline = Timeline(0.0, 50.0)
    assert timeline.late_s(10.0, 60.5) == pytest.approx(0.5)


def test_step_of_utc_is_followed_and_jitter_is_not() -> None:
    """UTC that was set by an hour moves what is captured from now on by an hour."""
    clock = FakeClock(now=1_000_000.0)
    wall = WallClock(clock)
    start_s = clock.monotonic()
    clock.jump(0.01)
    assert wall.utc(start_s) == pytest.approx(1_000_000.0)
    clock.jump(3_600.0)
    assert wall.utc(start_s) == pytest.approx(1_003_600.01)
