"""The alerts of a period, each with what people said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.answers import agreed_instead, holding
from agent.core.records import Origin, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.core.answers import Answer
    from agent.core.records import Alert, Candidate
    from agent.store import Store


class Outcome(StrEnum):
    """What people's answers to an alert come to."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    """As many say that it was as that it was not."""
    UNSURE = "unsure"
    """Answered, but nobody could tell."""
    OPEN = "open"
    """No answer holds."""


@dataclass(frozen=True, slots=True)
class Case:
    """One alert and the answers that hold."""

    alert: Alert
    answers: tuple[Answer, ...] = ()
    outcome: Outcome = Outcome.OPEN

    @property
    def error_id(self) -> str:
        """Of its description."""
        return self.alert.detection.error_id

    @property
    def source(self) -> str:
        """Where it was heard."""
        return self.alert.detection.source

    @property
    def starts_at(self) -> float:
        """UTC, seconds since the epoch."""
        return self.alert.detection.starts_at

    @property
    def ends_at(self) -> float:
        """UTC, seconds since the epoch."""
        return self.alert.detection.ends_at

    @property
    def score(self) -> float:
        """The highest."""
        return self.alert.detection.score

    @property
    def settled(self) -> bool:
        """Whether people say that it was an error or that it was none."""
        return self.outcome in {Outcome.CONFIRMED, Outcome.REJECTED}


@dataclass(frozen=True, slots=True)
class Cases:
    """The alerts of a period."""

    cases: tuple[Case, ...]
    """Oldest first."""
    since: float
    """UTC, seconds since the epoch, as is ``until``."""
    until: float
    missed: tuple[Case, ...]
    """Sounds that raised no alert, as people reported; oldest first."""
    first_at: float | None
    """Start of the oldest alert that the store knows of, in the period or before."""


def heard(one: Case) -> tuple[Case, ...]:
    """An alert and each of its candidates as a case of its own.

    A candidate is confirmed where people say that it was that one; else nothing is known of it.
    """
    meant = agreed_instead(one.answers)
    detection = one.alert.detection

    def of(candidate: Candidate) -> Case:
        own = replace(
            detection,
            error_id=candidate.error_id,
            score=candidate.score,
            threshold=candidate.threshold,
            candidates=(),
        )
        alert = replace(
            one.alert,
            alert_id=f"{one.alert.alert_id} {candidate.error_id}",
            detection=own,
            description=candidate.description,
        )
        was_it = meant is not None and meant.error_id == candidate.error_id
        return Case(alert, outcome=Outcome.CONFIRMED if was_it else Outcome.OPEN)

    return (one, *map(of, detection.candidates))


def case(alert: Alert, answers: Iterable[Answer]) -> Case:
    """An alert with its answers.

    Args:
        alert: as it stands.
        answers: all to it, in the order in which they came in.
    """
    held = holding(answers)
    return Case(alert, held, outcome(answer.verdict for answer in held))


def outcome(verdicts: Iterable[Verdict]) -> Outcome:
    """What the verdicts of several people come to: the majority of those who could tell."""
    known = list(verdicts)
    if not known:
        return Outcome.OPEN
    confirmed, rejected = known.count(Verdict.CONFIRM), known.count(Verdict.REJECT)
    if confirmed == rejected:
        return Outcome.DISPUTED if confirmed else Outcome.UNSURE
    return Outcome.CONFIRMED if confirmed > rejected else Outcome.REJECTED


def read(store: Store, since: float, until: float) -> Cases:
    """The alerts of a store that began within a period, and what was missed.

    What people taught is neither: they made it for the box.

    Args:
        store: not changed.
        since: UTC, seconds since the epoch.
        until: likewise; excluded.

    Raises:
        StoreError: it cannot be read.
    """
    answers: dict[str, list[Answer]] = {}
    for answer in store.answers_since(0.0):
        answers.setdefault(answer.alert_id, []).append(answer)
    alerts = store.alerts_since(0.0)
    starts = [alert.detection.starts_at for alert in alerts]
    within = [alert for alert in alerts if since <= alert.detection.starts_at < until]
    within.sort(key=lambda alert: (alert.detection.starts_at, alert.alert_id))

    def of(origin: Origin) -> tuple[Case, ...]:
        chosen = (alert for alert in within if alert.origin is origin)
        return tuple(case(alert, answers.get(alert.alert_id, ())) for alert in chosen)

    return Cases(
        cases=of(Origin.DETECTED),
        missed=of(Origin.MISSED),
        since=since,
        until=until,
        first_at=min((start for start in starts if start < until), default=None),
    )
