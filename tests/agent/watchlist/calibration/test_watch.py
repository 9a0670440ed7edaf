"""What a running box says of its calibration and its background."""

from __future__ import annotations

import numpy as np

from agent.core.records import FloatArray, Match
from agent.watchlist.calibration.applied import Applied
from agent.watchlist.calibration.drift import Reference
from agent.watchlist.calibration.watch import BackgroundWatch

_HOUR = 7_200
"""Windows of an hour at a hop of half a second."""


def _background(shift: float, seed: int) -> FloatArray:
    """An hour of embeddings around a place, unit length."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((_HOUR, 16)) * 0.1
    rows[:, 0] += 1.0
    rows[:, 1] += shift
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _matches(count: int) -> list[Match]:
    nothing = np.zeros(0, np.float32)
    return [Match("mic1", at, 0.5 * at, 2.0, (), nothing, nothing) for at in range(count)]


def test_a_background_that_shifted_is_told_until_it_is_back() -> None:
    """An hour of other sound is told; an hour of the calibrated one takes it back."""
    watch = BackgroundWatch(0.5)
    watch.follow(Applied({}, reference=Reference.of(_background(0.0, 1))))
    watch.feed(_matches(_HOUR), _background(0.0, 2))
    assert watch.reasons == {}
    watch.feed(_matches(_HOUR), _background(0.8, 3))
    assert "kikimimi calibrate" in watch.reasons["background"]
    watch.feed(_matches(_HOUR), _background(0.0, 4))
    assert watch.reasons == {}


def test_a_reload_does_not_begin_the_hour_again_and_a_calibration_does() -> None:
    """The same reference counts on; another one knows nothing yet."""
    watch = BackgroundWatch(0.5)
    reference = Reference.of(_background(0.0, 1))
    watch.follow(Applied({}, reference=reference))
    shifted = _background(0.8, 3)
    watch.feed(_matches(_HOUR // 2), shifted[: _HOUR // 2])
    watch.follow(Applied({}, reference=reference))
    watch.feed(_matches(_HOUR // 2), shifted[_HOUR // 2 :])
    assert "background" in watch.reasons
    watch.follow(Applied({}, reference=Reference.of(shifted)))
    assert watch.reasons == {}


def test_a_calibration_that_cannot_be_used_is_told() -> None:
    """Also where nothing can be compared with."""
    watch = BackgroundWatch(0.5)
    watch.follow(Applied({}, trouble="another bundle; run 'kikimimi calibrate --fresh'"))
    watch.feed(_matches(3), _background(0.0, 1)[:3])
    assert watch.reasons == {"calibration": "another bundle; run 'kikimimi calibrate --fresh'"}
