"""What people answer to alerts and what the box keeps of it: frozen values, and which holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.core.records import Alert


class Through(StrEnum):
    """What an answer was given by, as its sender says."""

    MQTT = "mqtt"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer to one alert."""

    label_id: str
    """ULID of its own."""
    alert_id: str
    verdict: Verdict
    relevance: float | None
    """How well the description fits the sound, 0 to 100."""
    label: str | None
    """What it was, in the person's own words."""
    operator: str | None
    """Who says so; ``None`` once the name was purged."""
    given_at: float
    """UTC by the sender's clock, seconds since the epoch."""
    received_at: float
    """UTC by the box's clock, seconds since the epoch."""
    request_id: str
    through: Through
    undone_at: float | None = None
    """UTC by the box's clock; ``None`` while it was not taken back."""
    undone_request_id: str | None = None
    error_id: str | None = None
    """Of the description that it was instead of the alert's; ``None`` where nobody said."""
    description: str | None = None
    """Its words as they stood when the answer came in."""

    @property
    def last_request_id(self) -> str:
        """Of the request that took it back, or else of the one that gave it."""
        return self.undone_request_id or self.request_id

    def undone_by(self, request_id: str, alert_id: str, operator: str) -> bool:
        """Whether it was taken back by a request of this alert and operator."""
        asked = (request_id, alert_id, operator)
        return (self.undone_request_id, self.alert_id, self.operator) == asked

    def says_the_same(self, other: object) -> bool:
        """Whether another is the same request, that says the same, whenever it came in."""
        return isinstance(other, Answer) and all(
            getattr(self, name) == getattr(other, name)
            for name in (
                "request_id",
                "alert_id",
                "verdict",
                "error_id",
                "relevance",
                "label",
                "operator",
                "given_at",
            )
        )


def holding(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """The answers that hold: of each operator the last that was not taken back.

    Args:
        answers: to one alert, in the order in which they came in; kept.
    """
    last: dict[str, Answer] = {}
    for answer in answers:
        if answer.undone_at is None:
            key = answer.label_id if answer.operator is None else f"by {answer.operator}"
            last.pop(key, None)  # a later answer goes to the end
            last[key] = answer
    return tuple(last.values())


def agreed(answers: Iterable[Answer]) -> tuple[Verdict | None, int]:
    """What the answers to one alert that hold come to, and how many people say so.

    Args:
        answers: to one alert, in the order in which they came in.

    Returns:
        ``None`` where nobody knows or people differ; then how many know.
    """
    known = [answer.verdict for answer in holding(answers) if answer.verdict is not Verdict.UNSURE]
    return (known[0] if len(set(known)) == 1 else None), len(known)


@dataclass(frozen=True, slots=True)
class Meant:
    """What a rejected sound was instead."""

    error_id: str
    description: str
    """Its words as they stood when people said so."""
    people: int
    """Who say so."""


def agreed_instead(answers: Iterable[Answer]) -> Meant | None:
    """What the answers to one alert that hold say it was instead.

    Args:
        answers: to one alert, in the order in which they came in.

    Returns:
        ``None`` where nobody said, or people differ, also in whether it was the alert's own.
    """
    held = holding(answers)
    said = [answer for answer in held if answer.error_id is not None]
    if agreed(held)[0] is not Verdict.REJECT or len({answer.error_id for answer in said}) != 1:
        return None
    return Meant(said[-1].error_id or "", said[-1].description or "", len(said))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail."""

    at: float
    """UTC, seconds since the epoch."""
    what: str
    who: str
    detail: Mapping[str, str | float | None]
    sequence: int = 0
    """Counts from 1 as they are written; 0 before that."""


@dataclass(frozen=True, slots=True)
class KeptClip:
    """What a quota and a list need to know of a clip."""

    alert_id: str
    error_id: str
    """Empty where its alert is not known."""
    starts_at: float
    """UTC of the first sample, seconds since the epoch."""
    size_bytes: int
    file: str | None
    """Relative to the folder of clips, as is ``picture``."""
    picture: str | None
    labelled: bool
    """Whether somebody's answer to its alert holds."""
    reported: bool = False
    """Whether a person made it by reporting or teaching a sound."""

    @property
    def taken_back(self) -> bool:
        """Whether nobody stands by what was reported."""
        return self.reported and not self.labelled


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that awaits an answer."""

    alert: Alert
    clip: str | None
    """File of its clip, where there is one."""


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The newest alerts that await an answer."""

    newest: tuple[OpenAlert, ...] = ()
    """The newest first."""
    count: int = 0
    """Of all that await one."""
