"""What a site listens for, and what changes from one set of descriptions to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from agent.config import fields
from agent.config.fields import DAY_S
from agent.config.reader import Between, By, From, Inline
from agent.core.records import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.config.reader import Place
    from agent.config.table import Table
    from agent.core.errors import Problem

MAX_HITS_WINDOWS = 100

_HITS = re.compile(r"([0-9]{1,3}) +of +([0-9]{1,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hits:
    """How many of the latest windows have to reach the threshold."""

    hits: int
    windows: int

    def __str__(self) -> str:
        return f"{self.hits} of {self.windows}"


def _bounds(table: Table, _place: Place) -> tuple[float, float] | None:
    """Two thresholds, the lower one first; ``None`` where they are left out or wrong."""
    given = table.values("threshold_bounds", fields.number(0.0, 100.0), ())
    if not given:
        return None
    if len(given) != 2 or given[0] > given[1]:  # noqa: PLR2004
        found = f"is {list(given)}"
        table.report("threshold_bounds", found, "write the lowest and the highest, such as [3, 7]")
        return None
    return given[0], given[1]


def _threshold(raw: str) -> float | None:
    if raw.lower() == "auto":
        return None
    try:
        return fields.number(0.0, 100.0)(raw)
    except ValueError as error:
        raise ValueError(f"write auto, or {str(error).removeprefix('write ')}") from error


def _hits(raw: str) -> Hits:
    match = _HITS.fullmatch(raw)
    if not match or not 1 <= int(match[1]) <= int(match[2]) <= MAX_HITS_WINDOWS:
        raise ValueError(f"write for example '2 of 3' (at most of {MAX_HITS_WINDOWS})")
    return Hits(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """When scores of a description become an event, as the file says."""

    threshold: Annotated[float | None, By(_threshold)] = None
    """Score to reach, in standard deviations over other sounds; ``None``: calibrated here."""
    hysteresis: Annotated[float, Between(0.0, 10.0)] = 0.5
    """An event goes on until the score is this far below the threshold."""
    hits: Annotated[Hits, By(_hits)] = Hits(2, 3)
    cooldown_s: Annotated[float, By(fields.duration(0.0, DAY_S), "cooldown")] = 30.0
    false_alarms_per_day: Annotated[float, Between(0.001, 1_000.0)] = 1.0
    """What an ``auto`` threshold is calibrated for."""
    threshold_bounds: Annotated[tuple[float, float] | None, From(_bounds)] = None
    """Lowest and highest threshold that calibration and verdicts may come to; ``None``: as
    calibrated, and verdicts up to 1 below and 3 above it."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for descriptions that do not say otherwise."""

    severity: Severity = Severity.MINOR
    policy: Annotated[DetectionPolicy, Inline()] = DetectionPolicy()


@dataclass(frozen=True, slots=True)
class Example:
    """A recording of an error."""

    path: Path
    channels: tuple[int, ...] | None = None
    """Channels to hear, counted from 1; all of them if ``None``."""

    def __str__(self) -> str:
        if self.channels is None:
            return str(self.path)
        return f"{self.path} (channels {', '.join(map(str, self.channels))})"


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """One work error or abnormal sound."""

    error_id: str
    text: str
    """What people read in an alert."""
    paraphrases: tuple[str, ...]
    unlike: tuple[str, ...]
    """Sounds that resemble it and are normal here."""
    examples: tuple[Example, ...]
    """Recordings of it."""
    severity: Severity
    policy: DetectionPolicy
    enabled: bool
    where: str = field(compare=False)
    """File, line and path, for messages."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that describes it: the text, then the paraphrases."""
        return (self.text, *self.paraphrases)


@dataclass(frozen=True, slots=True)
class DescriptionSet:
    """A valid descriptions file."""

    errors: tuple[ErrorDescription, ...]
    background: tuple[str, ...]
    defaults: Defaults
    digest: str
    """Of the file's bytes, ``sha256:…``."""
    where: Mapping[str, str] = field(compare=False, repr=False)
    """File, line and path at which each text first stands."""
    notes: tuple[Problem, ...] = field(default=(), compare=False, repr=False)
    """What is valid and hardly meant, such as a text that loses its end to a comment."""

    @property
    def active(self) -> tuple[ErrorDescription, ...]:
        """The descriptions that are not switched off, in the file's order."""
        return tuple(error for error in self.errors if error.enabled)

    def texts(self) -> tuple[str, ...]:
        """Every text to embed, each once, in the file's order, background last."""
        found: dict[str, None] = {}
        for error in self.active:
            found.update(dict.fromkeys((*error.texts, *error.unlike)))
        found.update(dict.fromkeys(self.background))
        return tuple(found)

    def policies(self) -> Mapping[str, DetectionPolicy]:
        """The detection policy of each active description, by error id."""
        return {error.error_id: error.policy for error in self.active}


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new set changes; only active descriptions count."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[str, ...]
    """Texts, ``unlike`` or examples changed: its prototypes are made anew."""
    retuned: tuple[str, ...]
    """Only severity or policy changed."""
    background_changed: bool

    def __bool__(self) -> bool:
        """Whether anything that matters changed (comments and order do not)."""
        named = self.added or self.removed or self.reworded or self.retuned
        return bool(named) or self.background_changed


def diff(old: DescriptionSet | None, new: DescriptionSet) -> Difference:
    """What changes from an old set, or from nothing, to a new one."""
    before = {error.error_id: error for error in old.active} if old else {}
    after = {error.error_id: error for error in new.active}
    both = [(before[name], after[name]) for name in after if name in before]
    reworded = tuple(b.error_id for a, b in both if _wording(a) != _wording(b))
    changed = tuple(b.error_id for a, b in both if a != b)
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        reworded=reworded,
        retuned=tuple(name for name in changed if name not in reworded),
        background_changed=(old.background if old else ()) != new.background,
    )


def _wording(error: ErrorDescription) -> tuple[object, ...]:
    return error.text, error.paraphrases, error.unlike, error.examples
