"""What two bundles made of the same sounds: alerts gained, lost and changed, verdict by verdict.

Pure: from alerts of both to what differs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from agent.cli.replay.listener import ReplayedAlert
    from agent.cli.replay.sounds import Judgement, Sound

NOTABLE = 1.0
"""Standard deviations from which a score has changed."""


class Change(StrEnum):
    """What became of an alert."""

    KEPT = "kept"
    LOST = "lost"
    GAINED = "gained"


@dataclass(frozen=True, slots=True)
class Pairing:
    """An alert of either bundle, or one of both that overlap in time."""

    sound: Sound
    error_id: str
    current: ReplayedAlert | None
    candidate: ReplayedAlert | None
    verdict: Verdict | None
    """What people said of this description in this sound; ``None`` if nothing, or they differ."""

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.current is None:
            return Change.GAINED
        return Change.LOST if self.candidate is None else Change.KEPT

    @property
    def score_change(self) -> float | None:
        """Candidate's score less the current one's; ``None`` where only one heard it."""
        if self.current is None or self.candidate is None:
            return None
        return self.candidate.score - self.current.score


@dataclass(slots=True)
class Outcome:
    """What became of the sounds that people confirmed, or rejected, for one description."""

    both: int = 0
    lost: int = 0
    """The current bundle raises the alert, the candidate does not."""
    gained: int = 0
    neither: int = 0

    def count(self, *, current: bool, candidate: bool) -> None:
        """Count one sound."""
        if current and candidate:
            self.both += 1
        elif current:
            self.lost += 1
        elif candidate:
            self.gained += 1
        else:
            self.neither += 1


@dataclass(slots=True)
class Line:
    """One description's figures."""

    error_id: str
    changes: Counter[Change] = field(default_factory=Counter)
    score_changes: list[float] = field(default_factory=list)
    confirmed: Outcome = field(default_factory=Outcome)
    rejected: Outcome = field(default_factory=Outcome)

    @property
    def notable(self) -> int:
        """Kept alerts whose score has changed."""
        return sum(abs(change) >= NOTABLE for change in self.score_changes)

    @property
    def mean_change(self) -> float | None:
        """Of the scores of kept alerts."""
        own = self.score_changes
        return sum(own) / len(own) if own else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs."""

    lines: tuple[Line, ...]
    """Of descriptions with an alert or a verdict, in their order."""
    pairings: tuple[Pairing, ...]
    lost: tuple[tuple[Sound, str], ...]
    """Sounds that people confirmed, and the description, of which the candidate says nothing."""
    disputed: int
    """Verdicts that are not looked at, because people differ."""
    unsure: int
    unknown: int
    """Verdicts on descriptions that are listened for no more."""
    reworded: int
    """Verdicts on descriptions whose words are others now; they count all the same."""


class Comparing:
    """Takes sound after sound."""

    def __init__(self, wordings: dict[str, str]) -> None:
        """Compare descriptions, by error id, in this order."""
        self._wordings = wordings
        self._lines = {name: Line(name) for name in wordings}
        self._pairings: list[Pairing] = []
        self._lost: list[tuple[Sound, str]] = []
        self._disputed = self._unsure = self._unknown = self._reworded = 0

    def take(
        self, sound: Sound, current: Sequence[ReplayedAlert], candidate: Sequence[ReplayedAlert]
    ) -> None:
        """Compare what both bundles made of a sound."""
        verdicts = {judgement.error_id: judgement.verdict for judgement in sound.judged}
        for error_id, line in self._lines.items():
            old = [alert for alert in current if alert.error_id == error_id]
            new = [alert for alert in candidate if alert.error_id == error_id]
            for before, after in paired(old, new):
                pairing = Pairing(sound, error_id, before, after, verdicts.get(error_id))
                self._pairings.append(pairing)
                line.changes[pairing.change] += 1
                if pairing.score_change is not None:
                    line.score_changes.append(pairing.score_change)
        alarmed = {alert.error_id for alert in current}, {alert.error_id for alert in candidate}
        for judged in sound.judged:
            self._judge(sound, judged, *alarmed)

    def _judge(
        self, sound: Sound, judged: Judgement, current: Collection[str], candidate: Collection[str]
    ) -> None:
        name = judged.error_id
        line = self._lines.get(name)
        if line is None:
            self._unknown += 1
            return
        if judged.verdict is None:
            self._disputed += 1
            return
        if judged.verdict is Verdict.UNSURE:
            self._unsure += 1
            return
        self._reworded += judged.description != self._wordings[name]
        confirmed = judged.verdict is Verdict.CONFIRM
        outcome = line.confirmed if confirmed else line.rejected
        outcome.count(current=name in current, candidate=name in candidate)
        if confirmed and name in current and name not in candidate:
            self._lost.append((sound, name))

    def result(self) -> Comparison:
        """All that was taken."""
        differences = [
            line
            for line in self._lines.values()
            if line.changes or line.confirmed != Outcome() or line.rejected != Outcome()
        ]
        return Comparison(
            tuple(differences),
            tuple(self._pairings),
            tuple(self._lost),
            self._disputed,
            self._unsure,
            self._unknown,
            self._reworded,
        )


def paired(
    current: Iterable[ReplayedAlert], candidate: Iterable[ReplayedAlert]
) -> list[tuple[ReplayedAlert | None, ReplayedAlert | None]]:
    """Alerts of one description, each with the first of the other bundle that it overlaps.

    Args:
        current: by when they start.
        candidate: likewise.
    """
    left = list(candidate)
    found: list[tuple[ReplayedAlert | None, ReplayedAlert | None]] = []
    for alert in current:
        other = next(
            (a for a in left if a.starts_s < alert.ends_s and alert.starts_s < a.ends_s), None
        )
        if other is not None:
            left.remove(other)
        found.append((alert, other))
    return [*found, *((None, alert) for alert in left)]
