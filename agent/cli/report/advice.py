"""What to do next, each with the counts that it follows from, and only where they suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from agent.cli.report.cases import Outcome
from agent.cli.report.confusion import normalised
from agent.cli.report.intervals import Share, bounds
from agent.cli.report.tallies import tally
from agent.cli.report.thresholds import Option, Tradeoff, latest, tradeoff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.cli.report.cases import Case
    from agent.cli.report.confusion import RejectionLabel
    from agent.descriptions import ErrorDescription

LEAST_SETTLED = 10
"""Judged alerts below which no description is called unreliable."""
RELIABLE = 0.5
LEAST_SAID = 3
"""Alerts about which operators wrote the same, before it becomes a suggestion."""
LEAST_OPEN, OPEN_SHARE = 5, 0.5
LEAST_DAYS = 7.0
"""A shorter silence is no news."""
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Raise:
    """A higher threshold would have kept many false alarms away."""

    error_id: str
    current: float
    """Threshold of the newest alert."""
    auto: bool | None
    """Whether the file leaves it to calibration; ``None`` where the file is not known."""
    best: Option
    lost: Share
    tradeoff: Tradeoff
    kind: str = "raise"


@dataclass(frozen=True, slots=True)
class Reword:
    """Most alerts are false, and no threshold would mend that."""

    error_id: str
    precision: Share
    kind: str = "reword"


@dataclass(frozen=True, slots=True)
class AddUnlike:
    """Operators keep saying what it was instead."""

    error_id: str
    label: str
    alerts: int
    rejected: int
    kind: str = "unlike"


@dataclass(frozen=True, slots=True)
class TellApart:
    """Operators keep saying that it was another description's sound."""

    error_id: str
    other: str
    alerts: int
    rejected: int
    kind: str = "apart"


@dataclass(frozen=True, slots=True)
class Answer:
    """Too few alerts are answered to know how reliable it is."""

    error_id: str
    open: int
    alerts: int
    low: float
    """Precision if all that is not settled were false."""
    high: float
    kind: str = "answer"


@dataclass(frozen=True, slots=True)
class Look:
    """Alerts on which people disagree or that nobody could tell: worth a rating."""

    alerts: tuple[Case, ...]
    """The newest, at most ``MOST_SHOWN``."""
    count: int
    """Of all of them."""
    error_id: str = ""
    kind: str = "look"


@dataclass(frozen=True, slots=True)
class Silent:
    """Descriptions that never raised an alert."""

    error_ids: tuple[str, ...]
    days: float
    at_most: float
    """Alerts of each a day that this silence does not refute."""
    error_id: str = ""
    kind: str = "silent"


Advice: TypeAlias = Raise | Reword | AddUnlike | TellApart | Answer | Look | Silent


def advice(
    cases: Sequence[Case],
    labels: Sequence[RejectionLabel],
    described: Mapping[str, ErrorDescription],
    days: float,
) -> tuple[Advice, ...]:
    """All suggestions: what removes the most false alarms first.

    Args:
        cases: of the period, oldest first.
        labels: what operators wrote.
        described: the active descriptions as they stand now, by id.
        days: for which was listened.
    """
    found: list[tuple[int, Advice]] = []
    by_id: dict[str, list[Case]] = {}
    for case in cases:
        by_id.setdefault(case.error_id, []).append(case)
    for error_id, mine in by_id.items():
        if described and error_id not in described:
            continue  # was deleted or switched off: nothing to mend
        found += _of_description(mine, described.get(error_id))
        rejected = tally(mine).rejected
        found += _of_labels(
            [label for label in labels if label.error_id == error_id],
            described.get(error_id),
            rejected,
        )
    found.sort(key=lambda item: (-item[0], item[1].error_id, item[1].kind))
    rest: list[Advice] = []
    doubtful = [case for case in cases if case.outcome in {Outcome.DISPUTED, Outcome.UNSURE}]
    if doubtful:
        rest.append(Look(tuple(doubtful[: -MOST_SHOWN - 1 : -1]), len(doubtful)))
    silent = tuple(error_id for error_id in described if error_id not in by_id)
    if silent and days >= LEAST_DAYS:
        rest.append(Silent(silent, days, bounds(0)[1] / days))
    return (*(piece for _, piece in found), *rest)


def _of_description(
    cases: Sequence[Case], described: ErrorDescription | None
) -> list[tuple[int, Advice]]:
    """What the verdicts on one description suggest, with how many alerts that concerns."""
    error_id = cases[0].error_id
    found: list[tuple[int, Advice]] = []
    comparable = latest(cases)
    weighed = tradeoff(comparable)
    now = tally(comparable)
    if weighed.best is not None and weighed.lost_at_most is not None:
        current = comparable[-1].alert.detection.threshold
        auto = None if described is None else described.policy.threshold is None
        found.append(
            (
                weighed.best.removed,
                Raise(error_id, current, auto, weighed.best, weighed.lost_at_most, weighed),
            )
        )
    elif (
        now.precision is not None and now.settled >= LEAST_SETTLED and now.precision.high < RELIABLE
    ):
        found.append((now.rejected, Reword(error_id, now.precision)))
    every = tally(cases)
    possible = every.possible
    if possible and every.open >= LEAST_OPEN and every.open >= OPEN_SHARE * every.alerts:
        found.append((0, Answer(error_id, every.open, every.alerts, *possible)))
    return found


def _of_labels(
    labels: Sequence[RejectionLabel], described: ErrorDescription | None, rejected: int
) -> list[tuple[int, Advice]]:
    """What operators' words suggest."""
    found: list[tuple[int, Advice]] = []
    known = {normalised(text) for text in described.unlike} if described else set()
    for label in labels:
        if label.alerts < LEAST_SAID or normalised(label.label) in known:
            continue
        if label.meant is None:
            advice_ = AddUnlike(label.error_id, label.label, label.alerts, rejected)
            found.append((label.alerts, advice_))
        elif label.meant != label.error_id:
            found.append(
                (label.alerts, TellApart(label.error_id, label.meant, label.alerts, rejected))
            )
    return found
