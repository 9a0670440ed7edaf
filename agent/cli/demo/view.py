"""What the messages of the demo's box have told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from agent.core.reasons import Coded, Reason

if TYPE_CHECKING:
    from agent.mqtt.subscriber import Message


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """A new alert as it arrived."""

    error_id: str
    description: str
    severity: str
    score: float
    threshold: float
    starts_at: float
    """UTC of its first window, seconds since the epoch."""
    arrived_at: float


@dataclass(slots=True)
class View:
    """What the messages so far have told."""

    level_dbfs: float | None = None
    source_state: str = "lost"
    health: str = "starting"
    reasons: dict[str, Reason] = field(default_factory=dict)
    alerts: list[ShownAlert] = field(default_factory=list)
    candidates: dict[tuple[str, float], list[str]] = field(default_factory=dict)
    """What else each alert's sound may be, by error id and start, as was told last."""
    ended: int = 0

    def take(self, message: Message) -> ShownAlert | None:
        """Follow one message; gives the alert if it is a new one."""
        kind = message.topic.rsplit("/", 1)[-1]
        if kind == "level":
            self.level_dbfs = json.loads(message.payload)
        elif kind == "state" and "/source/" in message.topic:
            self.source_state = message.payload
        elif kind == "health":
            payload = json.loads(message.payload)
            codes = payload["reason_codes"]
            self.health = payload["state"]
            self.reasons = {
                part: Reason(text, tuple(Coded(**one) for one in codes[part]))
                for part, text in payload["reasons"].items()
            }
        elif kind == "alert":
            payload = json.loads(message.payload)
            starts_at = datetime.fromisoformat(payload["ts_start"]).timestamp()
            candidates = [one["error_id"] for one in payload["candidates"]]
            self.candidates[payload["error_id"], starts_at] = candidates
            if payload["event_type"] == "new":
                alert = ShownAlert(
                    error_id=payload["error_id"],
                    description=payload["description"],
                    severity=payload["severity"],
                    score=payload["score"],
                    threshold=payload["threshold"],
                    starts_at=starts_at,
                    arrived_at=message.at,
                )
                self.alerts.append(alert)
                return alert
            self.ended += payload["event_type"] == "end"
        return None

    def heard(self, alert: ShownAlert) -> list[str]:
        """Descriptions that alarmed on its sound, its own first."""
        return [alert.error_id, *self.candidates.get((alert.error_id, alert.starts_at), [])]
