"""How long the stages of the data path take, measured only where somebody wants to know."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sized

_Given = ParamSpec("_Given")
_Some = TypeVar("_Some", bound="Sized")
_One = TypeVar("_One")


class Stage(StrEnum):
    """What is measured."""

    FRONTEND = "frontend"
    """A block of sound to log-mel and windows."""
    ENCODER = "encoder"
    """Windows to views, some at a time."""
    RECOGNISER = "recogniser"
    """Their views to scores, detections and questions."""
    ALERTS = "alerts"
    """Detections to alerts, written to the store."""
    CLIPS = "clips"
    """Sound and views kept for clips."""
    PUBLISHING = "publishing"
    """Scores to messages."""
    HEALTH = "health"
    """Everything between two windows: states, reloads, reports."""


DATA_PATH = frozenset({Stage.FRONTEND, Stage.ENCODER, Stage.RECOGNISER, Stage.ALERTS})
"""The stages that a sound passes until it is an alert."""


@dataclass(frozen=True, slots=True)
class Took:
    """One run of a stage."""

    wall_s: float
    processor_s: float
    """Of the thread that ran it."""
    made: int
    """How many things it gave; 0 where it had nothing to give."""


Stopwatch: TypeAlias = "Callable[[Stage, Took], None]"
"""Takes a stage and what one run of it took, in the thread of the stage."""


class Action(Protocol[_Given]):
    """Work that gives nothing back."""

    def __call__(self, *given: _Given.args, **named: _Given.kwargs) -> None:
        """Do it."""


class _Lap:
    """Both clocks of a thread, from one call to the next."""

    __slots__ = ("_began_s", "_processor_s", "processor_s", "wall_s")

    def __init__(self) -> None:
        self.wall_s = self.processor_s = 0.0

    def begin(self) -> None:
        self._began_s, self._processor_s = time.perf_counter(), time.thread_time()

    def end(self) -> None:
        self.processor_s += time.thread_time() - self._processor_s
        self.wall_s += time.perf_counter() - self._began_s

    def took(self, made: int) -> Took:
        return Took(self.wall_s, self.processor_s, made)


def measured(
    stage: Stage, work: Callable[_Given, _Some], stopwatch: Stopwatch | None
) -> Callable[_Given, _Some]:
    """The work of a stage, which tells how long it took and how much it made.

    It is the work itself where there is no stopwatch.
    """
    if stopwatch is None:
        return work

    def run(*given: _Given.args, **named: _Given.kwargs) -> _Some:
        lap = _Lap()
        lap.begin()
        made = work(*given, **named)
        lap.end()
        stopwatch(stage, lap.took(len(made)))
        return made

    return run


def measured_action(
    stage: Stage, work: Action[_Given], stopwatch: Stopwatch | None
) -> Action[_Given]:
    """The same of work that gives nothing back: each run counts as one thing made."""
    if stopwatch is None:
        return work

    def run(*given: _Given.args, **named: _Given.kwargs) -> None:
        lap = _Lap()
        lap.begin()
        work(*given, **named)
        lap.end()
        stopwatch(stage, lap.took(1))

    return run


def measured_steps(
    stage: Stage, work: Callable[_Given, Iterator[_One]], stopwatch: Stopwatch | None
) -> Callable[_Given, Iterator[_One]]:
    """The same of work that gives one after another: what is done with them is not counted."""
    if stopwatch is None:
        return work

    def run(*given: _Given.args, **named: _Given.kwargs) -> Iterator[_One]:
        lap, count, steps = _Lap(), 0, work(*given, **named)
        while True:
            lap.begin()
            try:
                made = next(steps)
            except StopIteration:
                break
            finally:
                lap.end()
            count += 1
            yield made
        stopwatch(stage, lap.took(count))

    return run
