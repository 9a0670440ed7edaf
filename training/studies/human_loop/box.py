"""A box of the simulated site: its own state folder, its own watchlist, a clock that is turned.

The parts are those of the box: recogniser, alert writer, store, recorder of clips, verdicts. Only
what drives them is another: days of sound that were embedded before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent import clips
from agent.alerts.alerts import new_id
from agent.bundle.loading import Bundle
from agent.capture.scene import RATE_HZ
from agent.clips.recorder import Recorder
from agent.config import FileSettings, MqttSettings, Settings
from agent.core.records import Alert, Block, Detection, FloatArray, Step, Verdict
from agent.hearing.recogniser import Recogniser
from agent.run.parts import BoxParts
from agent.watchlist.watchlist import Watchlist
from training.studies.hearing import SOURCE, EmbeddedSound

BEGINS_AT = 1_780_272_000.0
"""1 June 2026, 0:00 UTC: the first day."""
DAY_S = 86_400.0
STATE, TEXTS = "box", "texts"

_BATCH, _BATCH_CUT = 64, 2
_LATE_S = 3.0
_PATIENCE_S = 20.0


class TurnedClock:
    """A clock that shows what it was set to."""

    def __init__(self) -> None:
        self.at = BEGINS_AT

    def now(self) -> float:
        """UTC, seconds since the epoch."""
        return self.at

    def monotonic(self) -> float:
        """Seconds of the simulated clock, which never goes back."""
        return self.at

    def synced(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class Answering:
    """How the simulated operator answers."""

    wrong: float = 0.03
    """Share of answers that say the contrary of what is true."""
    unanswered: float = 0.1
    """Share of alerts that nobody answers."""
    unsure: float = 0.02


def settings_of(folder: Path, descriptions: Path) -> Settings:
    """Settings of the simulated box."""
    return Settings(
        node="loop",
        site="simulated",
        state_dir=folder / STATE,
        descriptions=descriptions,
        # Its sound is handed over day by day; no file is opened.
        sources=(FileSettings(name=SOURCE, path=folder / "sound.flac", realtime=False),),
        mqtt=MqttSettings(enabled=False),
    )


class Box:
    """One box over several weeks."""

    def __init__(
        self, settings: Settings, bundle: Bundle, watch: Watchlist, clock: TurnedClock
    ) -> None:
        """Open its store.

        Args:
            settings: where it keeps what it remembers.
            bundle: of the windows that it will be given.
            watch: what it listens for.
            clock: turned by the sound.
        """
        self._settings = settings
        self._bundle = bundle
        self._watch = watch
        self._clock = clock
        self._parts = BoxParts(settings, bundle, clock)
        self.store = self._parts.store

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def hear(self, day: int, heard: EmbeddedSound, sound: FloatArray | None = None) -> list[Alert]:
        """Hear a day.

        Args:
            day: counted from the first one of the month.
            heard: its windows.
            sound: of the day, to cut clips from; none are kept if ``None``.

        Returns:
            The day's alerts, as they ended.
        """
        begins_at, index = BEGINS_AT + day * DAY_S, day * round(DAY_S) * RATE_HZ
        recorder = None
        if sound is not None:
            recorder = clips.recorder(self._settings, self._bundle, self.store, self._clock)
        recogniser = Recogniser(self._watch.matcher, self._watch.policies, RATE_HZ)
        ended: dict[str, Alert] = {}
        cutting = None
        if recorder is not None:
            recorder.start()
            post_roll_s = self._settings.clips.post_roll_s
            cutting = _Cutting(recorder, ended, self._clock, post_roll_s)
        windows = heard.windows(index, begins_at)
        pushed = 0
        size = _BATCH if cutting is None else _BATCH_CUT
        for at in range(0, len(windows), size):
            some = windows[at : at + size]
            views = heard.views[at : at + len(some)]
            self._clock.at = some[-1].ends_at
            if cutting is not None and sound is not None:
                until = min(len(sound), round((some[-1].ends_at - begins_at) * RATE_HZ))
                begins = begins_at + pushed / RATE_HZ
                cutting.recorder.push(Block(SOURCE, index + pushed, begins, sound[pushed:until]))
                pushed = until
            for result in recogniser.recognise(some, views):
                if cutting is not None:
                    cutting.recorder.scored(result.window, result.views)
                self._take(self._handle(result.detections), ended, cutting)
            if cutting is not None:
                cutting.tick()
        self._take(self._handle(recogniser.close()), ended, cutting)
        if recorder is not None:
            recorder.stop(_PATIENCE_S)
            if recorder.tally.missed or recorder.tally.failed:
                raise ValueError(f"clips were not written: {recorder.tally}")
        return list(ended.values())

    def _handle(self, detections: Iterable[Detection]) -> list[Alert]:
        return self._parts.alert_writer.handle(detections, self._watch.wordings, self._watch.digest)

    def answer(
        self, alerts: Iterable[tuple[Alert, bool]], answering: Answering, rng: np.random.Generator
    ) -> int:
        """Have the operator answer alerts of which it is known whether they are true.

        Returns:
            how many were answered.
        """
        given = 0
        for alert, true in alerts:
            unanswered, unsure, wrong = rng.random(3)
            if unanswered < answering.unanswered:
                continue
            verdict = Verdict.CONFIRM if true != (wrong < answering.wrong) else Verdict.REJECT
            if unsure < answering.unsure:
                verdict = Verdict.UNSURE
            self._parts.verdicts.give(
                request_id=new_id(self._clock.now()),
                alert_id=alert.alert_id,
                verdict=verdict,
                operator="operator",
                given_at=self._clock.now(),
            )
            given += 1
        return given

    @staticmethod
    def _take(alerts: Sequence[Alert], ended: dict[str, Alert], cutting: _Cutting | None) -> None:
        if cutting is not None:
            cutting.recorder.take(alerts)
        for alert in alerts:
            if alert.detection.step is Step.END:
                ended[alert.alert_id] = alert


@dataclass(slots=True)
class _Cutting:
    """Feeds a recorder no faster than it writes: a real box has seconds for each clip."""

    recorder: Recorder
    ended: dict[str, Alert]
    clock: TurnedClock
    post_roll_s: float

    def tick(self) -> None:
        """Cut what is due, and wait while clips are being written."""
        self.recorder.tick()
        until = time.monotonic() + _PATIENCE_S
        while self._due() > self._done() and time.monotonic() < until:
            time.sleep(0.005)

    def _due(self) -> int:
        """Alerts that were cut by now for sure."""
        over = self.clock.at - self.post_roll_s - _LATE_S
        return sum(alert.detection.ends_at <= over for alert in self.ended.values())

    def _done(self) -> int:
        tally = self.recorder.tally
        return tally.written + tally.failed + tally.missed
