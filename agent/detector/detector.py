"""Scores to events, window by window: threshold, ``n of m`` hits, hysteresis, cooldown.

:func:`step` is a pure function of (state, policy, observation), so a stored stream of scores
replays to the same events. Time inside the detector is the position in the stream, which a
jump of the wall clock does not move; UTC only labels where an event starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Detection, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from agent.core.records import Match
    from agent.detector.rule import Policy


@dataclass(frozen=True, slots=True)
class Observation:
    """One window's score for one description at one source."""

    score: float
    position_s: float
    """Start of the window in the stream, seconds since the source started."""
    starts_at: float
    """UTC start of the window, seconds since the epoch."""
    ends_at: float
    """UTC end of the window, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class State:
    """What the detector remembers of one description at one source."""

    recent: tuple[Observation, ...] = ()
    """The latest windows, oldest first, at most ``rule.windows``."""
    event: Detection | None = None
    began_s: float = 0.0
    """Position at which the event started."""
    reported_score: float = 0.0
    reported_at_s: float = 0.0
    """Position at which the event was last reported."""
    quiet_until_s: float = float("-inf")
    """Position until which the cooldown holds."""
    suppressed: int = 0
    """Events that the cooldown kept back."""


@dataclass(frozen=True, slots=True)
class Going:
    """An event that goes on."""

    event: Detection
    """As it stands, also where that was not worth reporting."""
    began_s: float
    """Position at which it started."""


# A peak that rose by less is not worth another message.
_NOTABLE_RISE = 1.0


def step(
    state: State, policy: Policy, seen: Observation, source: str, error_id: str
) -> tuple[State, Detection | None]:
    """Take one window into account.

    Returns:
        The new state, and the change to report if there is one.
    """
    rule = policy.rule
    recent = (*state.recent, seen)[-rule.windows :]
    hits = [one for one in recent if one.score >= policy.threshold_on]
    state = replace(state, recent=recent)
    if state.event is None:
        if len(hits) < rule.hits or seen.score < policy.threshold_on:
            return state, None
        if seen.position_s < state.quiet_until_s:
            # Kept back once per burst: the windows that count are used up.
            return replace(state, recent=(), suppressed=state.suppressed + 1), None
        first, last = hits[0], hits[-1]
        peak = max(hits, key=lambda one: one.score)
        state = replace(state, began_s=first.position_s)
        event = Detection(
            source=source,
            error_id=error_id,
            step=Step.NEW,
            starts_at=first.starts_at,
            peaks_at=_at(first.starts_at, state, peak),
            ends_at=_at(first.starts_at, state, last) + last.ends_at - last.starts_at,
            score=peak.score,
            threshold=policy.threshold_on,
            hits=len(hits),
            windows=len(recent),
        )
        return _reported(state, event, seen), event
    return _continue(state, state.event, policy, seen, len(hits))


def _continue(
    state: State, event: Detection, policy: Policy, seen: Observation, hits: int
) -> tuple[State, Detection | None]:
    """Take one window into account while an event is going on."""
    recent, rule = state.recent, policy.rule
    if all(one.score < policy.threshold_off for one in recent) and len(recent) == rule.windows:
        return _ended(state, event, policy, seen.position_s)
    event = replace(event, step=Step.UPDATE, hits=hits, windows=len(recent))
    seen_at = _at(event.starts_at, state, seen)
    if seen.score >= policy.threshold_off:
        event = replace(event, ends_at=seen_at + seen.ends_at - seen.starts_at)
    if seen.score > event.score:
        event = replace(event, score=seen.score, peaks_at=seen_at)
    rose = event.score - state.reported_score >= _NOTABLE_RISE
    if rose or seen.position_s - state.reported_at_s >= rule.update_s:
        return _reported(state, event, seen), event
    return replace(state, event=event), None


def _at(starts_at: float, state: State, seen: Observation) -> float:
    """UTC start of a window by the clock as it stood when the event started.

    All times of an event are by one clock: where UTC is set meanwhile, it would end before it
    started, or last for hours.
    """
    return starts_at + seen.position_s - state.began_s


def _reported(state: State, event: Detection, seen: Observation) -> State:
    return replace(state, event=event, reported_score=event.score, reported_at_s=seen.position_s)


def _ended(
    state: State, event: Detection, policy: Policy, position_s: float
) -> tuple[State, Detection]:
    ended = replace(event, step=Step.END)
    quiet = replace(state, recent=(), event=None, quiet_until_s=position_s + policy.rule.cooldown_s)
    return quiet, ended


@dataclass(slots=True)
class Detector:
    """The states of all descriptions at all sources.

    Only descriptions with something to remember are visited: a thousand quiet ones cost one
    vector comparison.
    """

    policies: Mapping[str, Policy]
    """By error id."""
    sample_rate_hz: int
    _states: dict[tuple[str, str], State] = field(default_factory=dict)
    _suppressed: int = 0
    _order: tuple[str, ...] = ()
    _positions: dict[str, int] = field(default_factory=dict)
    """Of each description in that order."""
    _thresholds: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def suppressed(self) -> int:
        """Events that a cooldown kept back, over all descriptions."""
        return self._suppressed

    @property
    def open_events(self) -> int:
        """Events that are going on."""
        return sum(state.event is not None for state in self._states.values())

    def going_on(self, source: str) -> dict[str, Going]:
        """The events that go on at a source, by error id."""
        return {
            key[1]: Going(state.event, state.began_s)
            for key, state in self._states.items()
            if key[0] == source and state.event is not None
        }

    def feed(self, match: Match) -> Iterator[Detection]:
        """Take one scored window into account and give the changes to report."""
        # To compare ten thousand names takes longer than their scores.
        if match.error_ids is not self._order and match.error_ids != self._order:
            self._order = match.error_ids
            self._positions = {error_id: at for at, error_id in enumerate(self._order)}
            self._thresholds = np.array(
                [self.policies[error_id].threshold_on for error_id in self._order]
            )
        seconds = match.index / self.sample_rate_hz
        ends_at = match.captured_at + match.duration_s
        visited = set(np.flatnonzero(match.score >= self._thresholds).tolist())
        visited |= {
            self._positions[error_id]
            for source, error_id in self._states
            if source == match.source and error_id in self._positions
        }
        for position in sorted(visited):
            error_id = self._order[position]
            key = (match.source, error_id)
            before = self._states.get(key, State())
            seen = Observation(float(match.score[position]), seconds, match.captured_at, ends_at)
            after, detection = step(before, self.policies[error_id], seen, match.source, error_id)
            self._suppressed += after.suppressed - before.suppressed
            self._keep(key, after, seconds)
            if detection is not None:
                yield detection

    def close(self, source: str | None = None) -> Iterator[Detection]:
        """End what is going on at one source, or at all: the sound is gone, so no state is stuck.

        Also forgets the windows of before the gap, which no longer adjoin the next.
        """
        for key, state in list(self._states.items()):
            if source is not None and key[0] != source:
                continue
            position_s = state.recent[-1].position_s if state.recent else 0.0
            if state.event is not None:
                after, ended = _ended(state, state.event, self.policies[key[1]], position_s)
                self._keep(key, after, position_s)
                yield ended
            else:
                self._keep(key, replace(state, recent=()), position_s)

    def reconfigure(self, policies: Mapping[str, Policy]) -> Iterator[Detection]:
        """Take over new policies; events of descriptions that are gone end."""
        for key, state in list(self._states.items()):
            if key[1] in policies:
                continue
            if state.event is not None:
                yield replace(state.event, step=Step.END)
            del self._states[key]
        self.policies = policies
        self._order = ()

    def _keep(self, key: tuple[str, str], state: State, position_s: float) -> None:
        """Remember a state only while it differs from having seen nothing."""
        policy = self.policies[key[1]]
        idle = (
            state.event is None
            and position_s >= state.quiet_until_s
            and all(one.score < policy.threshold_on for one in state.recent)
        )
        if idle:
            self._states.pop(key, None)
        else:
            self._states[key] = state
