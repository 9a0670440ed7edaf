"""What the box says of itself: one state, the reasons for it, and every counter.

A box that says ``ok`` while it is deaf is worse than one that is off, so ``ok`` needs every
source to deliver sound, the broker to take messages, the store to keep them and no window to be
lost lately; anything else is ``degraded``, with a reason that a person can act on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.reasons import Reason
    from agent.detector.mutes import Mute

SCHEMA = 1


class State(StrEnum):
    """The box as a whole."""

    STARTING = "starting"
    OK = "ok"
    DEGRADED = "degraded"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Signal:
    """What was measured of one source: the last second, the last day, and since the start."""

    level_dbfs: float | None
    """RMS without DC; ``None`` on digital silence and before there is one."""
    peak: float | None
    """Largest absolute value, full scale at 1."""
    dc: float | None
    """Mean, full scale at 1."""
    clipped_ratio: float | None
    """Share of samples at full scale."""
    drift_db: float | None
    """Decibels by which the last day is beyond this site's usual; ``None`` while that is learnt."""
    overflows: int
    dropped_samples: int
    reopenings: int
    """Times that it was lost and opened again."""

    def to_dict(self) -> dict[str, float | None]:
        """For the payload, without digits that mean nothing."""
        values = ((name, getattr(self, name)) for name in Signal.__dataclass_fields__)
        return {name: None if value is None else round(value, 4) for name, value in values}


@dataclass(frozen=True, slots=True)
class Health:
    """One report."""

    state: State
    reasons: Mapping[str, Reason]
    """What is wrong, by part: ``{"broker": "localhost:1883: connection refused; …"}``."""
    version: str
    bundle: str
    descriptions: str
    lag_s: float
    """Age of the last scored window's end when its scores were ready."""
    clock_synced: bool
    outbox_depth: int
    open_alerts: int
    """Alerts that await an answer."""
    uptime_s: float
    sources: Mapping[str, str]
    """State of each source by name."""
    signals: Mapping[str, Signal]
    """What was measured of each source by name."""
    mutes: Sequence[Mute]
    """What a person has silenced."""
    counters: Mapping[str, int]
    """What was done and what was lost since the start, by name; never reset."""
    attached: Mapping[str, int] = field(default_factory=dict)
    """What attachments tell of themselves now, by name."""

    @property
    def drop_ratio(self) -> float:
        """Windows dropped among all windows that were due."""
        dropped = self.counters["windows_dropped"]
        return dropped / max(1, self.counters["windows"] + dropped)

    def to_json(self) -> str:
        """The retained payload (``docs/mqtt/health.schema.json``)."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "state": self.state.value,
                "reasons": dict(self.reasons),
                "reason_codes": {part: why.to_list() for part, why in self.reasons.items()},
                "version": self.version,
                "bundle": self.bundle,
                "descriptions": self.descriptions,
                "lag_s": round(self.lag_s, 3),
                "drop_ratio": round(self.drop_ratio, 6),
                "clock_synced": self.clock_synced,
                "outbox_depth": self.outbox_depth,
                "open_alerts": self.open_alerts,
                "uptime_s": round(self.uptime_s, 1),
                "sources": dict(self.sources),
                "signals": {name: signal.to_dict() for name, signal in self.signals.items()},
                "mutes": [
                    {
                        "error_id": mute.error_id,
                        "until": timestamp(mute.until_at),
                        "operator": mute.operator,
                    }
                    for mute in self.mutes
                ],
                "counters": dict(self.counters),
                **({"attached": dict(self.attached)} if self.attached else {}),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
