"""How long the stages of the data path take, measured only where somebody wants to know."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar

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


Stopwatch: TypeAlias = "Callable[[Stage, float], None]"
"""Takes a stage and the seconds that one run of it took, in the thread of the stage."""


def measured(
    stage: Stage, work: Callable[_Given, _Some], stopwatch: Stopwatch | None
) -> Callable[_Given, _Some]:
    """The work of a stage, which tells how long it took where it made something.

    It is the work itself where there is no stopwatch.
    """
    if stopwatch is None:
        return work

    def run(*given: _Given.args, **named: _Given.kwargs) -> _Some:
        began_s = time.perf_counter()
        made = work(*given, **named)
        if len(made):
            stopwatch(stage, time.perf_counter() - began_s)
        return made

    return run


def measured_steps(
    stage: Stage, work: Callable[_Given, Iterator[_One]], stopwatch: Stopwatch | None
) -> Callable[_Given, Iterator[_One]]:
    """The same of work that gives one after another: what is done with them is not counted."""
    if stopwatch is None:
        return work

    def run(*given: _Given.args, **named: _Given.kwargs) -> Iterator[_One]:
        took_s, steps = 0.0, work(*given, **named)
        while True:
            began_s = time.perf_counter()
            try:
                made = next(steps)
            except StopIteration:
                break
            finally:
                took_s += time.perf_counter() - began_s
            yield made
        stopwatch(stage, took_s)

    return run
