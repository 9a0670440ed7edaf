"""Alerts, a worker and a store for the tests of clips; all of them the real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle import loading as bundle
from agent.clips import ClipWorker, Limits
from agent.clips.scrambling import Guard
from agent.clips.speech import FRAME_S, VoiceDetector
from agent.clips.writing import ClipWriter
from agent.config.speech import SpeechPolicy
from agent.core.records import Alert, Detection, Provenance, Severity, Step
from agent.frontend.log_mel import LogMel
from agent.store.box import BoxStore
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEGAN_AT = 1_767_323_045.0
_DETECTION = Detection("mic1", "horn", Step.NEW, BEGAN_AT, BEGAN_AT, BEGAN_AT + 2.0, 5.0, 4.0, 2, 3)
_ALERT = Alert(
    alert_id="01JGN5BX5E0000000000000000",
    detection=_DETECTION,
    description="a horn",
    severity=Severity.MAJOR,
    provenance=Provenance("sha256:" + "0" * 64, "sha256:" + "1" * 64),
    clock_synced=True,
)


def alert(number: int = 0, step: Step = Step.NEW, *, starts_s: float, ends_s: float) -> Alert:
    """An alert of a source that began at BEGAN_AT."""
    detection = replace(
        _DETECTION,
        step=step,
        starts_at=BEGAN_AT + starts_s,
        peaks_at=BEGAN_AT + starts_s + 0.5,
        ends_at=BEGAN_AT + ends_s,
    )
    return replace(_ALERT, alert_id=f"01JGN5BX5E{number:016d}", detection=detection)


def worker(
    folder: Path,
    store: BoxStore | None = None,
    *,
    limits: Limits | None = None,
    policy: SpeechPolicy = SpeechPolicy.SCRAMBLE,
    load: Callable[[], VoiceDetector] = VoiceDetector,
    clock: FakeClock | None = None,
) -> ClipWorker:
    """A worker with the shipped bundle's frontend."""
    clock = clock or FakeClock()
    return ClipWorker(
        folder / "clips",
        writer=ClipWriter(folder / "clips", Guard(policy, load, FRAME_S), LogMel.of(bundle.load())),
        limits=limits or Limits(1_000_000_000, 30.0, 5),
        store=store or BoxStore(folder, clock),
        clock=clock,
    )


def hum(seconds: float, rate_hz: int = 32_000) -> np.ndarray:
    """A quiet tone with a click in each second, float32."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    sound = 0.02 * np.sin(2 * np.pi * 120.0 * time_s)
    sound[::rate_hz] += 0.5
    return sound.astype(np.float32)
