"""What every source of sound offers, whatever stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agent.core.records import Block


@dataclass(frozen=True, slots=True)
class SourceCounters:
    """What went wrong at a source since it was made; never reset, so that nothing is hidden."""

    overflows: int = 0
    """Times that the device or the ring buffer ran over."""
    dropped_samples: int = 0
    """Samples lost with them, at the source's own rate where it can be told."""
    non_finite_samples: int = 0
    """NaN or infinite samples, replaced by zero."""


class Source(Protocol):
    """A microphone, a file, standard input or a stream.

    ``open`` and ``read`` raise :class:`agent.core.errors.CaptureError`; a source that raised may be
    closed and opened again, and continues its sample index with a jump.
    """

    @property
    def name(self) -> str:
        """Name of the source, as in the configuration and in topics."""

    @property
    def ended(self) -> bool:
        """Whether no more sound will ever come (the file or the input is at its end)."""

    @property
    def remark(self) -> str:
        """What is not right with its sound although it comes, and what to do; empty if nothing."""

    @property
    def if_silent(self) -> str:
        """What else to try where there is digital silence; empty where nothing is known."""

    def open(self) -> None:
        """Start the flow of sound."""

    def read(self, timeout_s: float) -> Block | None:
        """The next block, or ``None`` when none came within ``timeout_s`` or at the end."""

    def close(self) -> None:
        """Stop and free the device; safe to call twice."""

    def counters(self) -> SourceCounters:
        """What went wrong so far."""
