"""Alerts held against what is known to have happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.core.records import Alert
from training.studies.human_loop.week import Placed

SLACK_S = 1.0
"""An alert so near to a sound is about it: windows are two seconds long."""


class Cause(StrEnum):
    """What an alert came of."""

    ERROR = "error"
    """The error that it names."""
    OTHER = "other"
    """Another error than the one that it names."""
    ORDINARY = "ordinary"
    """A sound that was mixed in and is normal on this site."""
    HALL = "hall"
    """The hall itself: what the calibration has promised about."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A week at one stage, counted; adds up over seeds."""

    true: int = 0
    other: int = 0
    ordinary: int = 0
    hall: int = 0
    events: int = 0
    """Errors that happened."""
    found: int = 0
    """Errors that raised an alert of their own description."""
    hours: float = 0.0
    promised: float = 0.0
    """False alarms that the calibration allows in these hours; 0 where it promises nothing."""
    promised_hall: int = 0
    """Alerts among ``hall`` of descriptions that were promised something."""

    def __add__(self, more: Counted) -> Counted:
        return Counted(*(getattr(self, name) + getattr(more, name) for name in Counted.__slots__))

    @property
    def alerts(self) -> int:
        """All."""
        return self.true + self.false

    @property
    def false(self) -> int:
        """All that were not what they said."""
        return self.other + self.ordinary + self.hall


def cause_of(alert: Alert, day: Sequence[Placed], day_begins_at: float) -> Cause:
    """What an alert came of.

    Args:
        alert: of a day.
        day: what happened on that day.
        day_begins_at: UTC, seconds since the epoch.
    """
    starts_s = alert.detection.starts_at - day_begins_at - SLACK_S
    ends_s = alert.detection.ends_at - day_begins_at + SLACK_S
    near = [event for event in day if event.starts_s < ends_s and starts_s < event.ends_s]
    if any(event.error_id == alert.detection.error_id for event in near):
        return Cause.ERROR
    if any(event.error_id is not None for event in near):
        return Cause.OTHER
    return Cause.ORDINARY if near else Cause.HALL


def found_in(day: Sequence[Placed], alerts: Iterable[Alert], day_begins_at: float) -> int:
    """How many of a day's errors have an alert of their own description."""
    heard = [
        (
            alert.detection.error_id,
            alert.detection.starts_at - day_begins_at - SLACK_S,
            alert.detection.ends_at - day_begins_at + SLACK_S,
        )
        for alert in alerts
    ]
    return sum(
        any(
            name == clip.error_id and clip.starts_s < ends_s and starts_s < clip.ends_s
            for name, starts_s, ends_s in heard
        )
        for clip in day
        if clip.error_id is not None
    )
