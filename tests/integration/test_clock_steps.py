"""The whole pipeline while UTC is set: no alert is lost, and none is moved."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import soundfile

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ
from agent.config import FileSettings, MqttSettings, Settings, WindowsSettings
from agent.core.clock import SystemClock
from agent.run.pipeline import Pipeline
from agent.store import FILE_NAME
from tests.attached import Watcher
from tests.faults.embedded import embed
from tests.integration.scenes import write_siren

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Match

SIRENS = 4
PERIOD_S = 16.0
STARTS_S = 3.0
STEPS_S = (3_600.0, -3_600.0, 86_400.0)
"""UTC is set by so much while the first, the second and the third siren wails."""


@dataclass
class SteppedClock(SystemClock):
    """The system's clocks, with UTC set by hand."""

    shift_s: float = 0.0

    def now(self) -> float:
        """UTC time as it was set."""
        return super().now() + self.shift_s


@dataclass
class Hand:
    """Sets the clock when the sound has come to certain places."""

    clock: SteppedClock
    steps_s: list[float] = field(default_factory=list)
    done: int = 0
    began_at: float | None = None
    """UTC of the first sample."""

    def __call__(self, match: Match) -> None:
        """A window was scored: the middle of the next siren may have come."""
        if self.began_at is None:
            self.began_at = match.captured_at - match.index / RATE_HZ
        due_s = STARTS_S + 2.0 + self.done * PERIOD_S
        if self.done < len(self.steps_s) and match.index / RATE_HZ >= due_s:
            self.clock.shift_s += self.steps_s[self.done]
            self.done += 1


class Kept(NamedTuple):
    """An alert as it stands in the database at the end."""

    error_id: str
    step: str
    starts_at: float
    peaks_at: float
    ends_at: float
    score: float


def heard(folder: Path, steps_s: tuple[float, ...]) -> tuple[float, list[Kept]]:
    """When the sound began, and the alerts that were kept."""
    one = soundfile.read(write_siren(folder / "siren.wav"))[0]
    soundfile.write(folder / "sirens.wav", np.tile(one, SIRENS), RATE_HZ, subtype="PCM_16")
    state = folder / f"state{len(steps_s)}"
    embed(folder / "descriptions.yaml", state)
    settings = Settings(
        node="press3",
        state_dir=state,
        descriptions=folder / "descriptions.yaml",
        # Read as fast as it is scored, and hardly further: a step meets the siren that it is for.
        sources=(FileSettings("hall", folder / "sirens.wav", realtime=False),),
        windows=WindowsSettings(queue_windows=1),
        mqtt=MqttSettings(enabled=False),
    )
    clock = SteppedClock()
    hand = Hand(clock, list(steps_s))
    described = descriptions.load(settings.descriptions)
    attach = {"test": Watcher(hand)}
    assert Pipeline(settings, bundles.load(None), described, clock, attach=attach).run() == 0
    assert hand.done == len(steps_s)
    assert hand.began_at is not None
    with sqlite3.connect(state / FILE_NAME) as database:
        rows = database.execute(
            f"SELECT {', '.join(Kept._fields)} FROM alerts ORDER BY rowid"  # noqa: S608
        ).fetchall()
    database.close()
    return hand.began_at, [Kept(*row) for row in rows]


def test_alerts_are_the_same_whatever_happens_to_the_clock(tmp_path: Path) -> None:
    """An hour forwards, an hour back, a day forwards, each in the middle of an alert."""
    steady_at, steady = heard(tmp_path, ())
    began_at, stepped = heard(tmp_path, STEPS_S)
    assert [one.error_id for one in steady] == ["siren"] * SIRENS
    assert len(stepped) == SIRENS
    shift_s = 0.0
    for plain, one, step_s in zip(steady, stepped, (*STEPS_S, 0.0), strict=True):
        assert (one.error_id, one.step) == (plain.error_id, "end")
        assert one.score == pytest.approx(plain.score, abs=1e-6)
        # Its length and its peak are those of the sound ...
        assert one.ends_at - one.starts_at == pytest.approx(plain.ends_at - plain.starts_at)
        assert one.peaks_at - one.starts_at == pytest.approx(plain.peaks_at - plain.starts_at)
        # ... and it starts where the sound did, by the clock as it stood then.
        place_s = plain.starts_at - steady_at
        assert one.starts_at - began_at - shift_s == pytest.approx(place_s, abs=0.2)
        shift_s += step_s
