"""Thresholds that operators set while the box runs: frozen values, and which are in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.core.answers import Through


@dataclass(frozen=True, slots=True)
class OperatorThreshold:
    """What one operator said of one description's threshold."""

    request_id: str
    error_id: str
    threshold: float | None
    """In standard deviations over other sounds; ``None``: back to what the file and the site say
    (``auto``)."""
    operator: str | None
    """Who says so; ``None`` once the name was purged."""
    given_at: float
    """UTC by the sender's clock, seconds since the epoch."""
    received_at: float
    """UTC by the box's clock, seconds since the epoch."""
    through: Through
    undone_at: float | None = None
    """UTC by the box's clock; ``None`` while it was not taken back."""
    undone_request_id: str | None = None

    @property
    def last_request_id(self) -> str:
        """Of the request that took it back, or else of the one that set it."""
        return self.undone_request_id or self.request_id

    def is_of(self, request_id: str) -> bool:
        """Whether a request set it or took it back."""
        return request_id in (self.request_id, self.undone_request_id)

    def undone_by(self, request_id: str, error_id: str, operator: str) -> bool:
        """Whether it was taken back by a request of this description and operator."""
        asked = (request_id, error_id, operator)
        return (self.undone_request_id, self.error_id, self.operator) == asked

    def says_the_same(self, other: object) -> bool:
        """Whether another is the same request, that says the same, whenever it came in."""
        names = ("request_id", "error_id", "threshold", "operator", "given_at")
        return isinstance(other, OperatorThreshold) and all(
            getattr(self, name) == getattr(other, name) for name in names
        )


def in_force(said: Iterable[OperatorThreshold]) -> dict[str, OperatorThreshold]:
    """What counts, by error id: the last that was not taken back, where it is not ``auto``.

    Args:
        said: of all descriptions, in the order in which they came in.
    """
    last = {one.error_id: one for one in said if one.undone_at is None}
    return {name: one for name, one in last.items() if one.threshold is not None}
