"""The list of alerts that await an answer, as it is retained at the broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.alerts.alerts import candidates_json, timestamp
from agent.core.answers import OpenAlerts

if TYPE_CHECKING:
    from agent.core.answers import OpenAlert
    from agent.core.clock import Clock
    from agent.mqtt import Link
    from agent.mqtt.topics import Topics
    from agent.store.box import BoxStore

SCHEMA = 1
OPEN_ALERTS = 50
"""So many are listed, at most."""

CANDIDATES = 3
"""So many of each are listed, at most; its own messages hold all of them."""

_MAX_BYTES = 32_768
_PAUSE_S = 1.0


class OpenAlertsPublisher:
    """Publishes the list when it changes. The latest counts, so it does not use the outbox."""

    def __init__(self, link: Link | None, topics: Topics, clock: Clock) -> None:
        self._link = link
        self._topics = topics
        self._clock = clock
        self._found = OpenAlerts()
        self._version: tuple[int, int] | None = None
        self._due_s = 0.0

    def publish(self, store: BoxStore, *, at_once: bool = False) -> int:
        """Publish the list where it may have changed.

        Args:
            store: knows which alerts await an answer.
            at_once: also where the list was published less than a second ago.

        Returns:
            how many await one, as it was last looked up.
        """
        now_s = self._clock.monotonic()
        if now_s < self._due_s and not at_once:
            return self._found.count
        version = store.version
        if version != self._version:
            self._due_s = now_s + _PAUSE_S
            self._found = store.open_alerts(OPEN_ALERTS)
            self._version = version
            if self._link is not None:
                self._link.state(self._topics.alerts_open, open_payload(self._found))
        return self._found.count


def open_payload(found: OpenAlerts) -> str:
    """The JSON of the alerts that await an answer (``docs/mqtt/alerts-open.schema.json``)."""
    listed: list[str] = []
    left = _MAX_BYTES
    for open_alert in found.newest:
        text = json.dumps(_open_alert(open_alert), ensure_ascii=False, separators=(",", ":"))
        left -= len(text.encode("utf-8", "replace"))
        if left < 0:
            break
        listed.append(text)
    return f'{{"schema":{SCHEMA},"count":{found.count},"alerts":[{",".join(listed)}]}}'


def _open_alert(open_alert: OpenAlert) -> dict[str, object]:
    detection = open_alert.alert.detection
    return {
        "alert_id": open_alert.alert.alert_id,
        "event_type": detection.step.value,
        "ts_start": timestamp(detection.starts_at),
        "ts_end": timestamp(detection.ends_at),
        "source": detection.source,
        "error_id": detection.error_id,
        "description": open_alert.alert.description,
        "score": round(detection.score, 3),
        "threshold": round(detection.threshold, 3),
        "severity": open_alert.alert.severity.value,
        "clip": open_alert.clip,
        "candidates": candidates_json(detection.candidates[:CANDIDATES]),
    }
