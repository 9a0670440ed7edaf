"""One clip to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.records import Alert, FloatArray, Views


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to be written."""

    alert: Alert
    samples: FloatArray
    """Full scale at 1.0, shape ``(samples,)``."""
    sample_rate_hz: int
    starts_at: float
    """UTC of the first sample, seconds since the epoch."""
    begins_s: float
    """Seconds from the clip's start to the event's."""
    ends_s: float
    """Seconds from the clip's start to the event's end, or to the clip's where that is earlier."""
    peak_s: float
    """Start of the window with the highest score."""
    views: Views | None
