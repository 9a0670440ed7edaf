"""Views of the last windows: which are found, and how exactly."""

from __future__ import annotations

import numpy as np
import pytest

from agent.clips.views_ring import ViewsRing
from agent.core.records import Window
from tests.views import views

BEGAN_AT = 1_767_323_045.0
NONE = np.empty((0, 0), np.float32)


def ring(windows: int, capacity: int = 100) -> tuple[ViewsRing, np.ndarray]:
    """A ring that heard windows of two seconds, one each half second, and their views."""
    made = ViewsRing("mic1", capacity)
    rows = np.random.default_rng(1).normal(size=(windows, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for number in range(windows):
        window = Window("mic1", number * 500, BEGAN_AT + number / 2, 2.0, NONE)
        made.add(window, views(rows[number]))
    return made, rows


def test_windows_whose_middle_lies_in_a_while_are_found() -> None:
    """Oldest first, with views of unit length that are nearly what they were."""
    made, rows = ring(20)
    heard = made.between(BEGAN_AT + 3.0, BEGAN_AT + 4.0)
    assert heard is not None
    assert [window.index for window in heard.windows] == [2_000, 2_500, 3_000]
    assert heard.windows[0].source == "mic1"
    assert heard.views.joint == pytest.approx(rows[4:7], abs=1e-3)
    assert np.linalg.norm(heard.views.joint, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_a_moment_has_the_window_around_it() -> None:
    """Also where none has its middle there."""
    made, _ = ring(20)
    heard = made.between(BEGAN_AT + 3.1, BEGAN_AT + 3.2)
    assert heard is not None
    assert len(heard) == 1
    assert heard.windows[0].index == 2_000


def test_what_is_too_old_or_not_yet_heard_is_not_found() -> None:
    """The newest windows replace the oldest."""
    made, _ = ring(20, capacity=5)
    assert made.between(BEGAN_AT, BEGAN_AT + 5.0) is None
    assert made.between(BEGAN_AT + 60.0, BEGAN_AT + 70.0) is None
    heard = made.between(BEGAN_AT, BEGAN_AT + 99.0)
    assert heard is not None
    assert [window.index for window in heard.windows] == [7_500, 8_000, 8_500, 9_000, 9_500]
    assert ViewsRing("mic1", 5).between(BEGAN_AT, BEGAN_AT + 1.0) is None
