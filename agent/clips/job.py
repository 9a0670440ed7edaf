"""One clip to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.records import Alert, FloatArray


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
    """Where the event begins in the clip ..."""
    ends_s: float
    """... and ends, as far as it is in it."""
    peak_s: float
    """Start of the window with the highest score."""
    embedding: FloatArray | None
