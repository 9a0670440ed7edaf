"""What the pipeline counts itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What the pipeline counts itself."""

    windows: int = 0
    alerts: int = 0
    reloads: int = 0
    reloads_rejected: int = 0
    store_errors: int = 0
    lag_s: float = 0.0
