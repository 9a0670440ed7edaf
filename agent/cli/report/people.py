"""How long answers take and how far people agree: in aggregate, never by person.

A person's counts would be a record of performance made with a sound sensor: it is not what the
box is for, in many places it needs the consent of the workforce, and whoever knows to be ranked
answers fast instead of well. So nothing here knows a name once it has counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agent.cli.report import intervals
from agent.core.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.cli.report.cases import Case
    from agent.cli.report.intervals import Share

DELAY_EDGES_S = (60.0, 300.0, 900.0, 3_600.0, 4 * 3_600.0, 86_400.0)
"""Between the bars of the picture of delays."""
LEAST_FOR_TAIL = 10
"""Below this a 90th percentile is one or two answers."""


@dataclass(frozen=True, slots=True)
class Delays:
    """From the start of an alert to the first answer to it that holds."""

    count: int
    median_s: float
    tail_s: float | None
    """90th percentile; ``None`` for fewer than ``LEAST_FOR_TAIL``."""
    bins: tuple[int, ...]
    """Answers up to each of ``DELAY_EDGES_S``, and after the last."""
    clock_wrong: int
    """Answers whose sender's clock put them before the alert: the box's time of arrival counts."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who answered, taken together."""

    operators: int
    answers: int
    """Answers that hold."""
    nameless: int
    """Answers that hold and whose operator's name was deleted."""
    twice: int
    """Alerts of which several people said yes or no."""
    agreed: Share | None
    """Share of the alerts answered twice on which all said the same."""
    unsure: int
    """Answers of people who could not tell."""


def delays(cases: Iterable[Case]) -> Delays | None:
    """How long people take; ``None`` where nobody answered."""
    taken: list[float] = []
    wrong = 0
    for case in cases:
        if not case.answers:
            continue
        first = min(case.answers, key=lambda answer: answer.received_at)
        delay_s = first.given_at - case.starts_at
        if delay_s < 0.0:
            wrong += 1
            delay_s = max(0.0, first.received_at - case.starts_at)
        taken.append(delay_s)
    if not taken:
        return None
    edges = (float("-inf"), *DELAY_EDGES_S, float("inf"))
    enough = len(taken) >= LEAST_FOR_TAIL
    return Delays(
        count=len(taken),
        median_s=intervals.quantile(taken, 0.5),
        tail_s=intervals.quantile(taken, 0.9) if enough else None,
        bins=tuple(
            sum(low < seconds <= high for seconds in taken) for low, high in pairwise(edges)
        ),
        clock_wrong=wrong,
    )


def people(cases: Iterable[Case]) -> People:
    """How many answered, and how far they agree."""
    names: set[str] = set()
    answers = nameless = twice = agreed = unsure = 0
    for case in cases:
        answers += len(case.answers)
        names |= {answer.operator for answer in case.answers if answer.operator is not None}
        nameless += sum(answer.operator is None for answer in case.answers)
        verdicts = [answer.verdict for answer in case.answers]
        unsure += verdicts.count(Verdict.UNSURE)
        decided = [verdict for verdict in verdicts if verdict is not Verdict.UNSURE]
        if len(decided) > 1:
            twice += 1
            agreed += len(set(decided)) == 1
    return People(len(names), answers, nameless, twice, intervals.share(agreed, twice), unsure)
