"""What the box says of itself: one state, the reasons for it, and every counter.

A box that says ``ok`` while it is deaf is worse than one that is off, so ``ok`` needs every
source to deliver sound, the broker to take messages, the store to keep them and no window to be
lost lately; anything else is ``degraded``, with a reason that a person can act on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


class State(StrEnum):
    """The box as a whole."""

    STARTING = "starting"
    OK = "ok"
    DEGRADED = "degraded"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Counters:
    """What was done and what was lost since the start; never reset."""

    windows: int = 0
    """Windows scored."""
    windows_dropped: int = 0
    """Windows that inference was too slow for."""
    overflows: int = 0
    """Times that a device or its ring buffer ran over."""
    dropped_samples: int = 0
    non_finite_samples: int = 0
    alerts: int = 0
    suppressed: int = 0
    """Events that a cooldown kept back."""
    reloads: int = 0
    reloads_rejected: int = 0
    messages_delivered: int = 0
    messages_refused: int = 0
    live_discarded: int = 0
    """Live values (level, scores) that met no connection."""
    store_errors: int = 0

    @property
    def drop_ratio(self) -> float:
        """Windows dropped among all windows that were due."""
        due = self.windows + self.windows_dropped
        return self.windows_dropped / due if due else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """One report."""

    state: State
    reasons: Mapping[str, str]
    """What is wrong, by part: ``{"broker": "localhost:1883: connection refused; …"}``."""
    version: str
    bundle: str
    descriptions: str
    lag_s: float
    """Age of the last scored window's end when its scores were ready."""
    clock_synced: bool
    outbox_depth: int
    uptime_s: float
    sources: Mapping[str, str]
    """State of each source by name."""
    counters: Counters

    def to_json(self) -> str:
        """The retained payload (``docs/mqtt/health.schema.json``)."""
        counters = self.counters
        return json.dumps(
            {
                "schema": SCHEMA,
                "state": self.state.value,
                "reasons": dict(self.reasons),
                "version": self.version,
                "bundle": self.bundle,
                "descriptions": self.descriptions,
                "lag_s": round(self.lag_s, 3),
                "drop_ratio": round(counters.drop_ratio, 6),
                "clock_synced": self.clock_synced,
                "outbox_depth": self.outbox_depth,
                "uptime_s": round(self.uptime_s, 1),
                "sources": dict(self.sources),
                "counters": {
                    name: getattr(counters, name) for name in Counters.__dataclass_fields__
                },
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
