"""A month of one site, week by week, and what each week would have been at another stage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.bundle import loading as bundles
from agent.bundle.loading import Bundle
from agent.capture.scene import RATE_HZ
from agent.core.records import Alert, FloatArray
from agent.watchlist.calibration.poisson import DAY_H
from agent.watchlist.calibration.threshold import Kind
from agent.watchlist.watchlist import Watchlist
from training.data.records import Manifest
from training.studies.hearing import EmbeddedSound, heard
from training.studies.human_loop.box import (
    BEGINS_AT,
    DAY_S,
    Answering,
    Box,
    TurnedClock,
    settings_of,
)
from training.studies.human_loop.recordings import Dealt, deal
from training.studies.human_loop.stages import BY_WEEK, Known, Stage, calibrate
from training.studies.human_loop.truth import Cause, Counted, cause_of, found_in
from training.studies.human_loop.tune import Tuning, fine_tune
from training.studies.human_loop.week import DAYS, Placed, Size, Week

_BLOCK = 10 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for every month."""

    data: Path
    output: Path
    descriptions: Path
    bundle: Path | None
    size: Size
    answering: Answering
    tuning: Tuning | None
    """``None``: no fine-tune."""


@dataclass(frozen=True, slots=True)
class Month:
    """What came of one month."""

    seed: int
    counted: dict[tuple[int, Stage], Counted]
    """By week and stage; the week's own stage is in :data:`~.stages.BY_WEEK`."""
    same_hall: Counted
    """Another stretch of the very hall that was calibrated on, without any error, calibrated."""
    answered: tuple[int, ...]
    """By week: how many alerts the operator answered."""
    notes: tuple[str, ...]


def run(plan: Plan, manifest: Manifest, seed: int, tell: Callable[[str], None]) -> Month:
    """Live through a month.

    Args:
        plan: of all months.
        manifest: what may be heard, or replayed.
        seed: deals the recordings, mixes the weeks, and decides what the operator gets wrong.
        tell: told of progress.
    """
    month = _Month(plan, manifest, seed, tell)
    for number in range(len(BY_WEEK)):
        month.live(number)
    same_hall = month.same_hall()
    return Month(seed, month.counted, same_hall, tuple(month.answered), tuple(month.notes))


class _Month:
    """A month as far as it went."""

    def __init__(
        self, plan: Plan, manifest: Manifest, seed: int, tell: Callable[[str], None]
    ) -> None:
        self._plan, self._manifest, self._seed, self._tell = plan, manifest, seed, tell
        self._dealt: Sequence[Dealt] = deal(manifest, seed)
        self._cache = plan.output / "cache"
        self._folder = plan.output / f"month-{seed}"
        shutil.rmtree(self._folder, ignore_errors=True)
        self._settings = settings_of(self._folder, plan.descriptions)
        self._bundle = bundles.load(plan.bundle)
        self._clock = TurnedClock()
        self._rng = np.random.default_rng([seed, 3])
        self.counted: dict[tuple[int, Stage], Counted] = {}
        self.answered: list[int] = []
        self.notes: list[str] = []

    def live(self, number: int) -> None:
        """Live through a week, then look at it again at the other stages."""
        stage, bundle = BY_WEEK[number], self._bundle
        stages = [
            earlier for earlier in Stage if list(Stage).index(earlier) <= list(Stage).index(stage)
        ]
        if stage is Stage.TUNED:
            tuned = self._tuned(number)
            if tuned is None:
                stage = Stage.EXAMPLES
                stages.remove(Stage.TUNED)
            else:
                bundle = tuned
        week = Week(
            number + 1, self._seed, self._dealt[number + 1], self._plan.data, self._plan.size
        )
        placed = week.placed()
        known = {
            other: self._watch(other, number, bundle if other is Stage.TUNED else self._bundle)
            for other in stages
        }
        own = self._heard(week, bundle)
        self._hear(number, week, placed, own, (stage, known[stage], bundle))
        first = own if bundle is self._bundle else self._heard(week, self._bundle)
        for other in stages:
            if other is not stage:
                self._again(number, placed, first, (other, known[other]))

    def same_hall(self) -> Counted:
        """What the calibration promised about: the hall that it heard, at another time."""
        week = Week(0, self._seed, self._dealt[0], self._plan.data, self._plan.size)
        watch = self._watch(Stage.CALIBRATED, 0, self._bundle)
        # After the month, so that no alert is counted twice.
        number = len(BY_WEEK)
        self._again(number, (), self._heard(week, self._bundle), (Stage.CALIBRATED, watch))
        return self.counted.pop((number, Stage.CALIBRATED))

    def _heard(self, week: Week, bundle: Bundle) -> list[EmbeddedSound]:
        size = week.size
        name = f"s{week.seed}-w{week.number}-{size.minutes}m-{size.times}x.npz"
        days = (np.split(day, range(_BLOCK, len(day), _BLOCK)) for day in week.days())
        return heard(days, bundle, self._cache / name)

    def _watch(self, stage: Stage, number: int, bundle: Bundle) -> Watchlist:
        calibration = self._cache / self._calibration_name(bundle)
        if stage is not Stage.UNCALIBRATED:
            calibrate(
                calibration,
                bundle,
                self._plan.descriptions,
                self._dealt[0],
                self._plan.data,
                seed=self._seed,
                size=self._plan.size,
            )
        known = Known(
            settings=self._settings,
            calibration=calibration,
            texts=self._cache / "texts",
            since=BEGINS_AT + DAYS * DAY_S,
            now=BEGINS_AT + number * DAYS * DAY_S,
            sound=self._plan.size.minutes / 60.0 / DAY_H,
        )
        return known.watchlist(stage, bundle)

    def _calibration_name(self, bundle: Bundle) -> str:
        minutes = self._plan.size.background_minutes
        return f"calibration-s{self._seed}-{minutes}m-{bundle.sha256[:12]}"

    @property
    def _hours(self) -> float:
        """Of sound in a week."""
        return DAYS * self._plan.size.minutes / 60.0

    def _hear(
        self,
        number: int,
        week: Week,
        placed: Sequence[Placed],
        days: Sequence[EmbeddedSound],
        at: tuple[Stage, Watchlist, Bundle],
    ) -> None:
        """The week as it was: with clips, and answers every evening."""
        stage, watch, bundle = at
        box = Box(self._settings, bundle, watch, self._clock)
        total, given = self._live_through(number, placed, days, (box, watch), week.days())
        self.counted[number, stage] = total
        self.answered.append(given)
        self._tell(f"month {self._seed}, week {number}, {stage}: {total}")

    def _again(
        self,
        number: int,
        placed: Sequence[Placed],
        days: Sequence[EmbeddedSound],
        at: tuple[Stage, Watchlist],
    ) -> None:
        """The same sounds at another stage, in a store of their own."""
        stage, watch = at
        settings = settings_of(self._folder / f"again-{number}-{stage}", self._plan.descriptions)
        settings = replace(settings, clips=replace(settings.clips, enabled=False))
        box = Box(settings, self._bundle, watch, TurnedClock())
        total, _ = self._live_through(number, placed, days, (box, watch))
        self.counted[number, stage] = total
        self._tell(f"month {self._seed}, week {number} again, {stage}: {total}")

    def _live_through(
        self,
        number: int,
        placed: Sequence[Placed],
        days: Sequence[EmbeddedSound],
        of: tuple[Box, Watchlist],
        sounds: Iterator[FloatArray] | None = None,
    ) -> tuple[Counted, int]:
        """What a box raises in a week; where it has sound its alerts are answered, so many."""
        box, watch = of
        total, given = self._none(watch), 0
        try:
            for day, windows in enumerate(days):
                sound = None if sounds is None else next(sounds)
                alerts = box.hear(number * DAYS + day, windows, sound)
                counted, causes = self._count(number, day, placed, alerts, watch)
                total += counted
                if sound is not None:
                    said = [(a, c is Cause.ERROR) for a, c in zip(alerts, causes, strict=True)]
                    given += box.answer(said, self._plan.answering, self._rng)
        finally:
            box.close()
        return total, given

    def _none(self, watch: Watchlist) -> Counted:
        """A week without an alert yet."""
        wanted = sum(_promised(watch).values())
        return Counted(hours=self._hours, promised=wanted * self._hours / DAY_H)

    def _count(
        self,
        number: int,
        day: int,
        placed: Sequence[Placed],
        alerts: Sequence[Alert],
        watch: Watchlist,
    ) -> tuple[Counted, list[Cause]]:
        today = [event for event in placed if event.day == day]
        begins_at = BEGINS_AT + (number * DAYS + day) * DAY_S
        causes = [cause_of(alert, today, begins_at) for alert in alerts]
        promised = _promised(watch)
        counted = Counted(
            true=causes.count(Cause.ERROR),
            other=causes.count(Cause.OTHER),
            ordinary=causes.count(Cause.ORDINARY),
            hall=causes.count(Cause.HALL),
            events=sum(event.error_id is not None for event in today),
            found=found_in(today, alerts, begins_at),
            promised_hall=sum(
                cause is Cause.HALL and alert.detection.error_id in promised
                for alert, cause in zip(alerts, causes, strict=True)
            ),
        )
        return counted, causes

    def _tuned(self, number: int) -> Bundle | None:
        tuning = self._plan.tuning
        if tuning is None:
            return None
        self._tell(f"month {self._seed}: fine-tuning on the answers so far")
        folder = self._folder / "tuning"
        now = BEGINS_AT + number * DAYS * DAY_S
        made = fine_tune(
            folder, self._settings, tuning, self._manifest, self._dealt, now=now, seed=self._seed
        )
        if made is None:
            self.notes.append(f"month {self._seed}: the gates refused the fine-tuned model")
            return None
        return bundles.load(made)


def _promised(watch: Watchlist) -> dict[str, float]:
    """False alarms a day that the calibration promises, by description."""
    return {
        name: finding.wanted
        for name, finding in watch.calibration.findings.items()
        if finding.kind is not Kind.UNCALIBRATED
    }
