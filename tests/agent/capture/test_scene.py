"""The factory scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.capture.scene import RATE_HZ, build_scene

if TYPE_CHECKING:
    from agent.capture.scene import Scene


def test_the_same_seed_gives_the_same_samples(scene: Scene) -> None:
    """So that the demo hears the same everywhere."""
    np.testing.assert_array_equal(build_scene().samples, scene.samples)


def test_events_stand_out_of_the_machines_and_do_not_touch(scene: Scene) -> None:
    """Calm before, between and after them; hardly a sample clips."""
    assert len(scene.events) == 5
    assert np.mean(np.abs(scene.samples) >= 1.0) < 1e-4
    assert scene.samples.dtype == np.float32
    power = np.square(scene.samples.astype(np.float64))
    calm = power[: round(scene.events[0].starts_s * RATE_HZ)].mean()
    before_s = 0.0
    for event in scene.events:
        assert event.starts_s - before_s >= 5.0
        inside = power[round(event.starts_s * RATE_HZ) : round(event.ends_s * RATE_HZ)]
        assert 10 * np.log10(inside.mean() / calm) > 10.0
        before_s = event.ends_s
    assert scene.duration_s > before_s + 2.0
