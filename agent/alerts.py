"""Detections to alerts, and alerts to the versioned payload that people's dashboards read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from agent.records import Alert, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.records import Detection, Provenance, Severity

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person reads of a description."""

    description: str
    severity: Severity


@dataclass(slots=True)
class AlertBook:
    """Gives each event its alert: one id from its start to its end."""

    _open: dict[tuple[str, str], Alert] = field(default_factory=dict)

    def take(
        self,
        detection: Detection,
        wordings: Mapping[str, Wording],
        provenance: Provenance,
        clock_synced: bool,
        now: float,
    ) -> Alert:
        """The alert as it stands after a detection.

        Args:
            detection: the change of state.
            wordings: by error id; only looked at when an event starts.
            provenance: what scored the window; an alert keeps that of its start.
            clock_synced: whether UTC was set from a reference.
            now: UTC of the creation of a new alert, seconds since the epoch.
        """
        key = (detection.source, detection.error_id)
        known = self._open.get(key)
        if known is None or detection.step is Step.NEW:
            wording = wordings[detection.error_id]
            alert = Alert(
                alert_id=str(ULID.from_timestamp(now)),
                detection=detection,
                description=wording.description,
                severity=wording.severity,
                provenance=provenance,
                clock_synced=clock_synced,
            )
        else:
            alert = replace(known, detection=detection)
        if detection.step is Step.END:
            self._open.pop(key, None)
        else:
            self._open[key] = alert
        return alert


def alert_payload(alert: Alert, site: str, node: str) -> str:
    """The JSON of one lifecycle step (``docs/mqtt/alert.schema.json``)."""
    detection = alert.detection
    return json.dumps(
        {
            "schema": SCHEMA,
            "event_type": detection.step.value,
            "alert_id": alert.alert_id,
            "ts_start": timestamp(detection.starts_at),
            "ts_peak": timestamp(detection.peaks_at),
            "ts_end": timestamp(detection.ends_at),
            "clock_synced": alert.clock_synced,
            "site": site,
            "node": node,
            "source": detection.source,
            "error_id": detection.error_id,
            "description": alert.description,
            "score": round(detection.score, 3),
            "threshold": round(detection.threshold, 3),
            "hits": detection.hits,
            "windows": detection.windows,
            "severity": alert.severity.value,
            "bundle": alert.provenance.bundle,
            "descriptions": alert.provenance.descriptions,
            "clip": None,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def timestamp(at: float) -> str:
    """UTC as RFC 3339 with milliseconds: ``2026-01-02T03:04:05.678Z``."""
    moment = datetime.fromtimestamp(at, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
