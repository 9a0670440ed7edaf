"""One sound, one question: descriptions that alarm on the same sound compete for one alert.

The first description whose rule fires at a source opens a question. It is asked a second later, of
the description that explains the sound best by then: whose score lies furthest over its threshold,
both in standard deviations over other sounds. The others are its candidates, and so is any that
fires while the same sound goes on. Another sound, which is another moment, is another question:

- a peak in windows that hold nothing of what the first is about, or
- later in a long sound, a peak that nothing in the first question explains as well.

Nothing that fires is lost: it is asked of, or a candidate of what is asked. As the detector, it
goes by positions in the stream alone, so a stored stream of scores replays to the same questions.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from agent.core.records import Step
from agent.detector.question import Member, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from agent.core.records import Detection, Match
    from agent.detector.detector import Going

PassOn: TypeAlias = "Callable[[Iterable[Detection]], Iterable[Detection]]"
"""Gives detections on without those that are kept back."""

HELD_S = 1.0
"""Between the first description that fires and the question.

Of 169 questions in a hall, a candidate came to exceed 3 by more than a standard deviation; had they
been asked half a second earlier 10, at once 15 (docs/benchmarks.md).
"""

_REMEMBERED = 64
"""Windows whose scores are remembered, to tell which description explained one of them."""


@dataclass(slots=True)
class _Source:
    """What goes on at one source."""

    questions: list[Question] = field(default_factory=list)
    """Those that are held, asked, or stand for events that still go on."""
    recent: deque[tuple[float, Match]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """Positions and scores of the latest windows."""
    at_s: float = 0.0
    """Position of the latest window."""
    window_s: float = 0.0
    """Its length."""

    def with_event(self, error_id: str) -> Question | None:
        """The question that an event which goes on is in."""
        return next((one for one in self.questions if one.holds(error_id)), None)

    def same_sound(self, member: Member) -> Question | None:
        """The question about the sound in which an event peaks; of several, the nearest."""
        alike = [one for one in self.questions if not one.over and self.belongs(one, member)]
        return min(alike, key=lambda one: abs(one.leader.peaks_s - member.peaks_s), default=None)

    def belongs(self, question: Question, member: Member) -> bool:
        """Whether an event is of the sound that a question is about."""
        if not question.overlaps(member, self.window_s):
            return False
        return question.is_near(member, self.window_s) or self._explained(question, member)

    def _explained(self, question: Question, member: Member) -> bool:
        """Whether a question's other events explain the peak of an event as well as itself."""
        match = next((one for at_s, one in self.recent if at_s >= member.peaks_s - 1e-6), None)
        if match is None:
            return False
        scores = match.scores()
        others = (
            one.event for one in question.members.values() if one is not member and one.goes_on
        )
        return any(
            scores.get(other.error_id, -1e9) - other.threshold >= member.event.excess
            for other in others
        )


class Competition:
    """The questions of all sources."""

    def __init__(self, sample_rate_hz: int, pass_on: PassOn = iter, held_s: float = HELD_S) -> None:
        """Begin with none.

        Args:
            sample_rate_hz: of the windows' positions.
            pass_on: keeps back what is muted, so that it is neither asked of nor competes.
            held_s: from the first description that fires to the question, seconds.
        """
        self._rate_hz = sample_rate_hz
        self._pass_on = pass_on
        self._held_s = held_s
        self._sources: dict[str, _Source] = {}
        self.competed = 0
        """Events that became candidates, instead of questions of their own."""

    def feed(
        self, match: Match, changes: Iterable[Detection], going_on: Mapping[str, Going]
    ) -> list[Detection]:
        """Take one window into account and give the questions that begin, change or end.

        Args:
            match: the window.
            changes: what the detector reports of it.
            going_on: events that go on at its source after it, by error id.
        """
        at_s = match.index / self._rate_hz
        source = self._sources.setdefault(match.source, _Source())
        source.recent.append((at_s, match))
        source.at_s, source.window_s = at_s, match.duration_s
        told: list[Detection] = []
        touched: set[Question] = set()
        for change in self._pass_on(changes):
            error_id = change.error_id
            if change.step is Step.NEW:
                began_s = going_on[error_id].began_s
                told += self._begin(source, Member(change, began_s), touched)
            elif (question := source.with_event(error_id)) is not None:
                self._follow(source, question, change, touched)
        for question in source.questions:
            for error_id, member in question.members.items():
                if member.goes_on and error_id in going_on:
                    member.event = going_on[error_id].event
        for question in source.questions:
            told += self._moved_on(question, at_s, touched=question in touched)
        source.questions = [one for one in source.questions if not one.over or one.goes_on]
        return told

    def close(self, ends: Iterable[Detection], source: str | None = None) -> list[Detection]:
        """End the questions at one source, or at all: the sound is gone.

        Args:
            ends: of all events that went on there, as the detector reports them.
            source: that is gone; all of them if ``None``.
        """
        for end in self._pass_on(ends):
            question = self._sources[end.source].with_event(end.error_id)
            if question is not None:
                question.finish(end)
        told: list[Detection] = []
        for name in [source] if source is not None else list(self._sources):
            gone = self._sources.pop(name, _Source())
            for question in gone.questions:
                if not question.name:
                    told.append(question.ask())
                if not question.over:
                    told.append(question.end())
        return told

    def reconfigure(
        self, ends: Iterable[Detection], listened_for: Collection[str]
    ) -> list[Detection]:
        """Go on without descriptions that are gone.

        A candidate leaves its question. A question that was asked of one ends; what else goes on
        in its sound is asked anew. What was held for one is asked before.

        Args:
            ends: of all events of theirs, as the detector reports them.
            listened_for: error ids from now on.
        """
        told: list[Detection] = []
        ended = list(self._pass_on(ends))
        for name, source in self._sources.items():
            for question in list(source.questions):
                gone = question.members.keys() - set(listened_for)
                if not gone:
                    continue
                if not question.name:
                    told.append(question.ask())
                for end in ended:
                    if end.source == name and question.holds(end.error_id):
                        question.finish(end)
                if question.over:
                    continue
                if question.name in gone:
                    told.append(question.end())
                    told += self._asked_anew(source, question)
                    continue
                for error_id in gone:
                    del question.members[error_id]
                told.append(question.told(Step.UPDATE))
        return told

    def _begin(
        self, source: _Source, member: Member, touched: set[Question]
    ) -> Iterator[Detection]:
        """An event begins: it joins a question, or opens one."""
        for question in source.questions:
            # Another event of the same description is another alert.
            if question.leader.event.error_id == member.event.error_id and not question.over:
                if not question.name:
                    yield question.ask()
                yield question.end()
        self.competed += self._join(source, member, touched)

    def _join(self, source: _Source, member: Member, touched: set[Question]) -> bool:
        """Take an event into the question about its sound; opens one where there is none."""
        question = source.same_sound(member)
        joins = question is not None
        if question is None:
            question = Question(source.at_s + self._held_s)
            source.questions.append(question)
        question.members[member.event.error_id] = member
        touched.add(question)
        return joins

    def _follow(
        self, source: _Source, question: Question, change: Detection, touched: set[Question]
    ) -> None:
        """An event of a question goes on, or ends."""
        error_id = change.error_id
        if change.step is Step.END:
            question.finish(change)
            return
        member = question.members[error_id]
        before, member.event = member.event, change
        touched.add(question)
        if not question.name or error_id == question.name or source.belongs(question, member):
            return
        # It goes on in another sound than that of which it is a candidate, and remains one.
        member.event, member.goes_on = before, False
        for event in self._pass_on([replace(change, step=Step.NEW)]):
            self._join(source, Member(event, member.began_s), touched)

    def _moved_on(self, question: Question, at_s: float, *, touched: bool) -> Iterator[Detection]:
        """What is to be told of a question after a window."""
        if not question.name:
            if at_s < question.due_s:
                return
            yield question.ask()
        elif touched and not question.over:
            yield question.told(Step.UPDATE)
        leader = question.leader
        # Until its last window is past, what fires late may still be of the same sound.
        if not question.over and not leader.goes_on and at_s >= leader.ends_s:
            yield question.end()

    def _asked_anew(self, source: _Source, question: Question) -> Iterator[Detection]:
        """Ask again about events of a question whose description is gone."""
        again = Question(source.at_s)
        for error_id, member in list(question.members.items()):
            if not member.goes_on:
                continue
            member.goes_on = False
            for event in self._pass_on([replace(member.event, step=Step.NEW)]):
                again.members[error_id] = Member(event, member.began_s)
        if again.members:
            source.questions.append(again)
            yield again.ask()
