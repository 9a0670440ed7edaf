"""Operators of known badness, who answer about real embeddings or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from training.data.readers.label_lines import Verdict
from training.quality.answers import Gathered, Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.records import FloatArray

_ERROR = 0.05
"""Share of wrong verdicts of somebody who takes care."""


class Habit(StrEnum):
    """How somebody answers."""

    CAREFUL = "careful"
    ALWAYS_YES = "always yes"
    AT_RANDOM = "at random"
    CONSTANT = "constant ratings"
    UPSIDE_DOWN = "ratings upside down"
    TOO_FAST = "too fast"


@dataclass(frozen=True, slots=True)
class Truth:
    """One sound and one description."""

    heard: str
    description: str
    fits: bool
    embedding: FloatArray | None = None


def simulated(
    truths: Sequence[Truth], habits: Mapping[str, Habit], rng: np.random.Generator, share: float
) -> tuple[Gathered, frozenset[int]]:
    """What people say, each of a share of all that there is to answer.

    Returns:
        Their answers, and the positions of those where most say what is not so.
    """
    verdicts: list[dict[str, Verdict]] = [{} for _ in truths]
    ratings: list[dict[str, float]] = [{} for _ in truths]
    times: dict[str, list[datetime]] = {}
    for name, habit in habits.items():
        at = datetime(2026, 1, 5, tzinfo=UTC)
        for number in np.flatnonzero(rng.random(len(truths)) < share).tolist():
            fits = truths[number].fits
            said = fits != (rng.random() < _ERROR)
            rating = float(np.clip(rng.normal(80.0 if fits else 15.0, 15.0), 0.0, 100.0))
            if habit is Habit.ALWAYS_YES:
                said = True
            elif habit is Habit.AT_RANDOM:
                said = bool(rng.random() < 0.5)
            elif habit is Habit.CONSTANT:
                rating = 50.0
            elif habit is Habit.UPSIDE_DOWN:
                rating = 100.0 - rating
            at += timedelta(seconds=1.0 if habit is Habit.TOO_FAST else 4.0 + 20.0 * rng.random())
            times.setdefault(name, []).append(at)
            verdicts[number][name] = Verdict.CONFIRM if said else Verdict.REJECT
            ratings[number][name] = rating
    items = [
        Item(
            clip=None,
            heard=one.heard,
            error_id=one.description,
            description=one.description,
            bundle="sha256:0",
            verdicts=verdicts[number],
            ratings=ratings[number],
            where=(f"labels.jsonl:{number + 1}",),
            embedding=one.embedding,
        )
        for number, one in enumerate(truths)
    ]
    wrong = frozenset(
        number
        for number, (item, one) in enumerate(zip(items, truths, strict=True))
        if item.majority() is (not one.fits)
    )
    count = sum(len(own) for own in verdicts)
    return Gathered(tuple(items), count, {n: tuple(own) for n, own in times.items()}), wrong
