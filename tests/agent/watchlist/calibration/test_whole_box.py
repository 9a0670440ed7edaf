"""What a site's thresholds come to together, on a background that was heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.descriptions import parse
from agent.detector.events import Layout
from agent.matcher.matcher import Described
from agent.watchlist.calibration.index import Finding
from agent.watchlist.calibration.site import Background, Wanted
from agent.watchlist.calibration.threshold import Kind, Rate
from agent.watchlist.calibration.whole_box import MOST, whole_box
from tests.views import views

HOP_S = 0.5
RATE = Rate(0.0, 10.0, 20.0)
AXES = np.eye(4, dtype=np.float32)
DESCRIPTIONS = b"""version: 1
defaults: {hits: 1 of 2, cooldown: 1s, hysteresis: 0}
errors: [{id: a, text: one sound}, {id: b, text: another sound}, {id: c, text: a third}]
"""


def wanted() -> list[Wanted]:
    """Descriptions along the axes."""
    errors = parse(DESCRIPTIONS, Path("d.yaml")).active
    return [
        Wanted(error, Described(error.error_id, AXES[at][None], AXES[:0]))
        for at, error in enumerate(errors)
    ]


def heard(sounds: list[np.ndarray], apart: int = 30) -> Background:
    """Ordinary sound with others in it, each of two windows; a gap after the first half."""
    rows = np.tile(AXES[3], (apart * (len(sounds) + 1), 1))
    for number, sound in enumerate(sounds):
        at = apart * (number + 1)
        rows[at : at + 2] = sound / np.linalg.norm(sound)
    position_s = np.arange(len(rows)) * HOP_S
    position_s[len(rows) // 2 :] += 60.0
    return Background(
        views(rows).astype(np.float16),
        Layout.of([position_s], HOP_S),
        position_s,
        (("mic1", False),) * len(rows),
        len(rows) * HOP_S / 3_600.0,
    )


def findings(*thresholds: float, rate: Rate | None = RATE) -> list[Finding]:
    """Of descriptions whose scores are their cosines."""
    return [
        Finding(name, "", "", 0.0, 1.0, Kind.FIXED, threshold, 1.0, rate, 1.0, held=False)
        for name, threshold in zip("abc", thresholds, strict=True)
    ]


def test_one_sound_counts_once_however_many_alarm_on_it() -> None:
    """Twenty sounds alarm two descriptions and ten one: thirty questions of fifty events."""
    both = AXES[0] + AXES[1]
    background = heard([both] * 20 + [AXES[0]] * 10)
    whole = whole_box(background, wanted(), AXES[:0], findings(0.5, 0.5, 0.5), 2.0)
    assert (whole.events, whole.questions, whole.lowered) == (50, 30, 0.0)
    assert whole.alone_per_day == 30.0
    assert whole.expected_per_day == 18.0


def test_where_nothing_alarms_thresholds_are_lowered_alike() -> None:
    """Until there are events enough to tell."""
    both = AXES[0] + AXES[1]
    background = heard([both] * 20)
    whole = whole_box(background, wanted(), AXES[:0], findings(1.5, 1.5, 1.5), 2.0)
    assert (whole.events, whole.questions, whole.lowered) == (40, 20, 1.0)
    assert whole.expected_per_day == 15.0


def test_a_background_without_any_sound_tells_nothing() -> None:
    """However far the thresholds are lowered."""
    whole = whole_box(heard([]), wanted(), AXES[:0], findings(9.0, 9.0, 9.0), 2.0)
    assert (whole.events, whole.lowered, whole.expected_per_day) == (0, MOST, None)


def test_descriptions_of_which_nothing_is_known_do_not_count() -> None:
    """They have no rate to add."""
    background = heard([AXES[0]] * 40)
    whole = whole_box(background, wanted(), AXES[:0], findings(0.5, 0.5, 0.5, rate=None), 2.0)
    assert (whole.events, whole.alone_per_day) == (0, 0.0)
