"""Promised against observed false alarms: ``python -m training calibrate-simulation``.

Calibrates the shipped descriptions on stretches of one hall and counts what the detector then
raises on the rest of that hall, and on a hall of other recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.bundle.loading import Bundle
from agent.core.records import FloatArray, Views
from agent.detector.events import Layout, Scores, events
from agent.detector.rule import Rule
from agent.matcher.prototypes import BackgroundStatistics, PrototypeSet
from agent.watchlist.calibration import site
from agent.watchlist.calibration.drift import Reference
from agent.watchlist.calibration.site import Background, Wanted
from agent.watchlist.calibration.threshold import Kind
from agent.watchlist.watchlist import wanted_of
from training.data.arguments import add_folders
from training.data.progress import shown
from training.studies.calibration.halls import halves
from training.studies.calibration.report import Counted, Figures, Shift, write
from training.studies.hall import BLOCK_S, Hall, minutes_of
from training.studies.hearing import HOP_S, heard

HOURS = 2.0
"""Of each of the two halls."""
WANTED = (1.0, 4.0, 24.0, 96.0)
"""False alarms a day of each description that are asked for."""
STRETCHES = {0.25: (0.0, 0.5, 1.0, 1.5), 0.5: (0.0, 0.5, 1.0, 1.5), 1.0: (0.0, 1.0), 2.0: (0.0,)}
"""By hours of calibration: where they start in the hall."""
SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class _World:
    """What all rounds share."""

    wanted: Sequence[Wanted]
    prototypes: PrototypeSet
    halls: tuple[Background, Background]
    uncalibrated: float
    cohort: BackgroundStatistics
    """Of the bundle's own background."""
    foreground: FloatArray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training calibrate-simulation``."""
    parser.add_argument("--descriptions", type=Path, default=Path("configs/descriptions.ja.yaml"))
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="instead of the shipped one")
    add_folders(parser, cache="runs/cache/calibration")
    parser.add_argument("--docs", type=Path, default=Path("runs/calibration"), metavar="FOLDER")
    parser.add_argument("--hours", type=float, default=HOURS, help="of each hall (2)")


def run(arguments: argparse.Namespace) -> int:
    """Simulate, write the report, print where it is."""
    bundle = bundles.load(arguments.bundle)
    world = _world(arguments, bundle)
    counted: list[Counted] = []
    rounds = [
        (hall, hours, start)
        for hall in (0, 1)
        for hours, starts in STRETCHES.items()
        for start in starts
        if start + hours <= arguments.hours
    ]
    for hall, hours, start in shown(rounds, "calibrating"):
        counted += _round(world, hall, start, hours)
    baseline = [_baseline(world, hall) for hall in (0, 1)]
    shifts = [_shift(world, own, other) for own in (0, 1) for other in (0, 1)]
    figures = Figures(
        bundle=bundle.digest,
        threshold=world.uncalibrated,
        descriptions=len(world.wanted),
        hours=arguments.hours,
        counted=tuple(counted),
        baseline=tuple(baseline),
        shifts=tuple(shifts),
        arguments=f"--hours {arguments.hours:g}",
    )
    print(f"written: {write(figures, arguments.docs)}")
    return 0


def _world(arguments: argparse.Namespace, bundle: Bundle) -> _World:
    described = descriptions_file.load(arguments.descriptions)
    wanted, background = wanted_of(bundle, described, arguments.cache / "texts")
    prototypes = PrototypeSet([error.described for error in wanted], background)
    halls = halves(arguments.data)
    first, second = (
        _background(_views(hall, seed, arguments.hours, bundle, arguments.cache))
        for hall, seed in zip(halls, SEEDS, strict=True)
    )
    return _World(
        wanted=wanted,
        prototypes=prototypes,
        halls=(first, second),
        uncalibrated=bundle.manifest.tuning.threshold,
        cohort=prototypes.statistics(bundle.background(), bundle.foreground()),
        foreground=bundle.foreground(),
    )


def _views(hall: Hall, seed: int, hours: float, bundle: Bundle, cache: Path) -> Views:
    """A hall as the box hears it, window by window; half precision."""
    minutes = round(hours * 3_600.0 / BLOCK_S)
    sound = shown(minutes_of(hall, seed, hours), f"hall {seed}", minutes)
    (windows,) = heard([sound], bundle, cache / f"hall-{seed}-{hours:g}h.npz")
    return windows.views.astype(np.float16)


def _background(views: Views) -> Background:
    """Windows that follow on each other, as if they had been kept by a calibration."""
    position_s = np.arange(len(views), dtype=np.float64) * np.float64(HOP_S)
    return site.Background(
        views=views,
        layout=Layout.of([position_s], HOP_S),
        starts_at=position_s,
        sources=(("hall", True),) * len(views),
        hours=len(views) * HOP_S / 3_600.0,
    )


def _round(world: _World, hall: int, start: float, hours: float) -> list[Counted]:
    """Calibrate on one stretch; count on the rest of its hall and on the other one."""
    own = world.halls[hall].views
    first, last = (round(at * 3_600.0 / HOP_S) for at in (start, start + hours))
    train = _background(own[first:last])
    statistics = world.prototypes.statistics(train.cohort, world.foreground)
    scores = site.scores_of(train, world.prototypes, statistics)
    rests = [_background(rest) for rest in (own[:first], own[last:]) if len(rest)]
    tests = {"same": rests, "other": [world.halls[1 - hall]]}
    found = {
        where: [
            (background, site.scores_of(background, world.prototypes, statistics))
            for background in some
        ]
        for where, some in tests.items()
        if some
    }
    counted = []
    for wanted in WANTED:
        for column, error in enumerate(world.wanted):
            policy = replace(error.error.policy, threshold=None, false_alarms_per_day=wanted)
            asked = replace(error, error=replace(error.error, policy=policy))
            known = site.maxima_of(scores[column], train, policy, 0)
            chosen, _ = site.threshold_of(known, asked, world.uncalibrated)
            for where, some in found.items():
                counted.append(
                    Counted(
                        error_id=error.error.error_id,
                        calibrated_hours=hours,
                        wanted=wanted,
                        kind=chosen.kind,
                        threshold=chosen.threshold,
                        where=where,
                        alarms=_alarms(some, column, Rule.of(policy), chosen.threshold),
                        hours=sum(test.hours for test, _ in some),
                    )
                )
    return counted


def _alarms(
    tests: Sequence[tuple[Background, Scores]], column: int, rule: Rule, threshold: float
) -> int:
    """What the detector raises for one description."""
    return sum(len(events(scores[column], test.layout, rule, threshold)) for test, scores in tests)


def _baseline(world: _World, hall: int) -> Counted:
    """What an uncalibrated box raises, over all descriptions."""
    heard = world.halls[hall]
    scores = site.scores_of(heard, world.prototypes, world.cohort)
    alarms = sum(
        _alarms([(heard, scores)], column, Rule.of(error.error.policy), world.uncalibrated)
        for column, error in enumerate(world.wanted)
    )
    return Counted(
        error_id="",
        calibrated_hours=0.0,
        wanted=0.0,
        kind=Kind.UNCALIBRATED,
        threshold=world.uncalibrated,
        where=f"hall {hall + 1}",
        alarms=alarms,
        hours=heard.hours,
    )


def _shift(world: _World, own: int, other: int) -> Shift:
    """What drift says of an hour of a hall, calibrated on the first hour of another or itself."""
    hour = round(3_600.0 / HOP_S)
    reference = world.halls[own].views[:hour].joint.astype(np.float32)
    last = world.halls[other].views[-hour:].joint.astype(np.float32)
    made = Reference.of(reference)
    distance = float(np.linalg.norm(last.mean(axis=0) - made.mean)) / made.spread
    return Shift(own + 1, other + 1, distance)
