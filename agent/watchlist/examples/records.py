"""Recordings that belong to a description, and those that were set aside: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.reasons import Reason
    from agent.core.records import Views


class Kind(StrEnum):
    """What people said of a recording."""

    EXAMPLE = "example"
    """It is what the description says."""
    REJECTED = "rejected"
    """It was mistaken for it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a clip was heard."""

    source: str
    starts_at: float
    """UTC, seconds since the epoch, as ``ends_at``."""
    ends_at: float


@dataclass(frozen=True, slots=True)
class Recording:
    """One window of a sound that people know.

    Of an example the most telling one; of a rejected sound several, since each may alarm.
    """

    error_id: str
    name: str
    """Id of its alert, or its file."""
    kind: Kind
    views: Views
    """Of this window alone."""
    sure: bool
    """Named in the descriptions, or several people say the same; counts like any other."""
    moment: Moment | None = None
    """``None`` for a file."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A recording that does not count, and why."""

    error_id: str
    name: str
    kind: Kind
    reason: Reason
