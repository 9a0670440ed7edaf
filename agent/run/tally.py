"""What the pipeline counts itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counters of health, and how late the box is."""

    windows: int = 0
    """Windows scored."""
    alerts: int = 0
    candidates: int = 0
    """Descriptions that alarmed on a sound of which another was asked."""
    reloads: int = 0
    reloads_rejected: int = 0
    store_errors: int = 0
    lag_s: float = 0.0
    """Age of the last scored window's end when its scores were ready."""

    def counters(self) -> dict[str, int]:
        """By their names in health."""
        names = (name for name in Tally.__dataclass_fields__ if name != "lag_s")
        return {name: getattr(self, name) for name in names}
