"""A question for a person, before it is an alert: one sound, and all that alarmed on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.core.records import Candidate, Step

if TYPE_CHECKING:
    from agent.core.records import Detection


@dataclass(slots=True, eq=False)
class Member:
    """An event of one description within a question."""

    event: Detection
    began_s: float
    """Position in the stream at which it began: unlike UTC, no clock that is set moves it."""
    goes_on: bool = True

    @property
    def peaks_s(self) -> float:
        """Position of the window with the highest score."""
        return self.began_s + self.event.peaks_at - self.event.starts_at

    @property
    def ends_s(self) -> float:
        """Position of the end of the last window that counted."""
        return self.began_s + self.event.ends_at - self.event.starts_at


@dataclass(slots=True, eq=False)
class Question:
    """One sound, and all that alarmed on it."""

    due_s: float
    """Position from which on it is asked."""
    members: dict[str, Member] = field(default_factory=dict)
    """By error id; there is always one."""
    name: str = ""
    """Error id of the description that it is asked of; empty until it is asked."""
    over: bool = False
    """Whether its end was told: it stands for members that go on, until they end."""

    @property
    def leader(self) -> Member:
        """Of which it is asked, or would be now: the best explained."""
        if self.name:
            return self.members[self.name]
        return max(self.members.values(), key=lambda member: member.event.excess)

    @property
    def goes_on(self) -> bool:
        """Whether an event of it goes on."""
        return any(member.goes_on for member in self.members.values())

    def holds(self, error_id: str) -> bool:
        """Whether an event of a description that goes on is one of its."""
        member = self.members.get(error_id)
        return member is not None and member.goes_on

    def is_near(self, member: Member, window_s: float) -> bool:
        """Whether an event peaks in windows that hold the same sound as the leader's peak.

        Args:
            member: the event.
            window_s: length of a window.
        """
        return abs(member.peaks_s - self.leader.peaks_s) < window_s

    def overlaps(self, member: Member, window_s: float) -> bool:
        """Whether the window in which an event peaks holds some of what the leader is about."""
        leader = self.leader
        return member.peaks_s < leader.ends_s and member.peaks_s + window_s > leader.began_s

    def told(self, step: Step) -> Detection:
        """What is to be reported of it."""
        leader = self.leader
        others = [member.event for member in self.members.values() if member is not leader]
        candidates = tuple(
            Candidate(other.error_id, other.score, other.threshold)
            for other in sorted(others, key=lambda event: -event.excess)
        )
        return replace(leader.event, step=step, candidates=candidates)

    def ask(self) -> Detection:
        """Settle of which description it is asked, and begin."""
        self.name = self.leader.event.error_id
        return self.told(Step.NEW)

    def end(self) -> Detection:
        """End it; members that go on stay with it."""
        self.over = True
        return self.told(Step.END)

    def finish(self, end: Detection) -> None:
        """An event of it has ended."""
        member = self.members[end.error_id]
        member.event, member.goes_on = end, False
