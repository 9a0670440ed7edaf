"""Figures of alarms in noise, from what was asked alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.core.records import Detection


@dataclass(frozen=True, slots=True)
class Sounding:
    """A sound in noise."""

    error_id: str
    """Of the description that it belongs to."""
    starts_s: float
    ends_s: float
    """Seconds from the start of the stretch of noise."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one sound."""

    questions: int
    """That overlap it."""
    first: bool
    """Whether the first of them is asked of the right description."""
    among: bool
    """Whether one of them is asked of it, or names it as a candidate."""


@dataclass(frozen=True, slots=True)
class Found:
    """Figures over all sounds."""

    share: float
    """Of sounds that any question overlaps."""
    right_first: float
    """Of all sounds, those whose first question is asked of the right description."""
    right_among: float
    """Of all sounds, those of which a question names it at all."""
    questions: float
    """For each sound that was found; not a number where none was."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What noise alone raises, for each hour of it."""

    questions: float
    """Of the whole box."""
    mean: float
    """Events of a description."""
    most: float
    """Events of the description that raises most."""


def answered(sounding: Sounding, told: Sequence[Detection], words: Mapping[str, str]) -> Answered:
    """What the questions of its stretch come to for one sound.

    Args:
        sounding: the sound.
        told: begins, changes and ends of questions, in the order of time.
        words: of each description, by its id: those with the same words are all right.
    """
    # A question is known again by the event that it is asked of.
    asked = [_key(one) for one in told if one.step is Step.NEW]
    ends = {_key(one): one for one in told if one.step is Step.END}
    own = [
        ends[key]
        for key in dict.fromkeys(asked)
        if ends[key].starts_at < sounding.ends_s and ends[key].ends_at > sounding.starts_s
    ]
    right = words[sounding.error_id]
    named = (
        words[error_id] == right
        for one in own
        for error_id in (one.error_id, *(other.error_id for other in one.candidates))
    )
    return Answered(len(own), bool(own) and words[own[0].error_id] == right, any(named))


def _key(one: Detection) -> tuple[str, float]:
    return one.error_id, one.starts_at


def found(some: Sequence[Answered]) -> Found:
    """Figures over at least one sound."""
    counts = np.array([one.questions for one in some])
    heard = counts > 0
    return Found(
        share=float(heard.mean()),
        right_first=float(np.mean([one.first for one in some])),
        right_among=float(np.mean([one.among for one in some])),
        questions=float(counts[heard].mean()) if heard.any() else float("nan"),
    )


def false_alarms(
    events: Iterable[Detection], told: Iterable[Detection], descriptions: int, hours: float
) -> FalseAlarms:
    """Figures of noise in which nothing sounds.

    Args:
        events: of all descriptions, as they began.
        told: begins, changes and ends of questions.
        descriptions: how many were listened for.
        hours: of noise.
    """
    counts = Counter(one.error_id for one in events)
    return FalseAlarms(
        questions=sum(one.step is Step.NEW for one in told) / hours,
        mean=counts.total() / descriptions / hours,
        most=max(counts.values(), default=0) / hours,
    )
