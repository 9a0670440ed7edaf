"""What a look at one part of a box comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.errors import Problem


class Part(StrEnum):
    """What is looked at, in the order in which it is told."""

    CONFIGURATION = "configuration"
    DESCRIPTIONS = "descriptions"
    BUNDLE = "bundle"
    PROCESSOR = "processor"
    MEMORY = "memory"
    CLOCK = "clock"
    TELEMETRY = "telemetry"
    STATE = "state"
    """The state folder: rights, and room on its disk."""
    SOUND = "sound"
    """One source."""
    BROKER = "broker"


class Outcome(StrEnum):
    """How it is."""

    OK = "ok"
    WARN = "warn"
    """The box runs, and something is not as it should be."""
    FAIL = "fail"
    """The box does not do its work like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: a text by its code, and its remedy by ``CODE_remedy`` where it is not ``ok``."""

    part: Part
    outcome: Outcome
    code: str
    values: Mapping[str, str]
    """What the text and its remedy speak of."""


def ok(part: Part, code: str, **values: str) -> Finding:
    """All is well."""
    return Finding(part, Outcome.OK, code, values)


def warn(part: Part, code: str, **values: str) -> Finding:
    """Something is not as it should be."""
    return Finding(part, Outcome.WARN, code, values)


def fail(part: Part, code: str, **values: str) -> Finding:
    """Something does not work."""
    return Finding(part, Outcome.FAIL, code, values)


def of_problem(part: Part, outcome: Outcome, problem: Problem) -> Finding:
    """What ``kikimimi check`` says of the same, in its words."""
    values = {"where": problem.where, "found": problem.found, "remedy": problem.remedy}
    return Finding(part, outcome, "problem", values)
