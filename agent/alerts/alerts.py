"""Detections to alerts, and alerts to the versioned payload that people's dashboards read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from agent.core.records import Alert, Origin, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.core.records import Candidate, Detection, Provenance, Severity, Verdict

SCHEMA = 1
CLOSE = 1.0
"""A candidate that is explained worse by no more, in standard deviations, may well be meant.

Of 169 questions in a hall, 3 were of a description that a candidate came to exceed by more
(docs/benchmarks.md).
"""


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
            wordings: by error id; only looked at when an event starts, or a candidate joins it.
            provenance: what scored the window; an alert keeps that of its start.
            clock_synced: whether UTC was set from a reference.
            now: UTC of the creation of a new alert, seconds since the epoch.
        """
        key = (detection.source, detection.error_id)
        known = self._open.get(key)
        if known is None or detection.step is Step.NEW:
            wording = wordings[detection.error_id]
            known = Alert(
                alert_id=new_id(now),
                detection=detection,
                description=wording.description,
                severity=wording.severity,
                provenance=provenance,
                clock_synced=clock_synced,
            )
        alert = replace(
            known,
            detection=_worded(detection, known, wordings),
            severity=severity_of(detection, known.severity, wordings),
        )
        if detection.step is Step.END:
            self._open.pop(key, None)
        else:
            self._open[key] = alert
        return alert


def _worded(detection: Detection, known: Alert, wordings: Mapping[str, Wording]) -> Detection:
    """A detection whose candidates have their words: those that people read first."""
    words = {one.error_id: one.description for one in known.detection.candidates}
    return replace(
        detection,
        candidates=tuple(
            replace(one, description=words.get(one.error_id) or wordings[one.error_id].description)
            for one in detection.candidates
        ),
    )


def severity_of(detection: Detection, own: Severity, wordings: Mapping[str, Wording]) -> Severity:
    """The worst of what may well be meant.

    Args:
        detection: with its candidates.
        own: of its description, or what people were told before: it does not become less.
        wordings: by error id; candidates that are gone do not count.
    """
    best = max([detection.excess, *(one.excess for one in detection.candidates)])
    close = (one.error_id for one in detection.candidates if best - one.excess <= CLOSE)
    severities = (wordings[error_id].severity for error_id in close if error_id in wordings)
    return min([own, *severities], key=lambda severity: severity.rank)


@dataclass(frozen=True, slots=True)
class Review:
    """What people say of an alert as of a moment."""

    verdict: Verdict | None
    """Of the last answer that holds; ``None`` where the only one was taken back."""
    relevance: float | None
    """0 to 100, of that answer."""
    operator: str | None
    """Who gave it, or took it back."""
    at: float
    """When, UTC, seconds since the epoch."""
    error_id: str | None = None
    """Of the description that it was instead, as that answer says."""


def alert_payload(
    alert: Alert, site: str, node: str, review: Review | None = None, clip: str | None = None
) -> str:
    """The JSON of one lifecycle step (``docs/mqtt/alert.schema.json``).

    Args:
        alert: as it now stands.
        site: of the box.
        node: the box.
        review: makes it the step ``reviewed``, whatever its sound does.
        clip: name of the stored clip.
    """
    detection = alert.detection
    step = detection.step if review is None else Step.REVIEWED
    payload = {
        "schema": SCHEMA,
        "event_type": step.value,
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
        "clip": clip,
        "candidates": candidates_json(detection.candidates),
    }
    if alert.origin is not Origin.DETECTED:
        payload["origin"] = alert.origin.value
    if review is not None:
        payload |= {
            "verdict": None if review.verdict is None else review.verdict.value,
            "relevance": review.relevance,
            "operator": review.operator,
            "ts_verdict": timestamp(review.at),
            "verdict_error_id": review.error_id,
        }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def candidates_json(candidates: Iterable[Candidate]) -> list[dict[str, str | float]]:
    """What else a sound may be, for a payload."""
    return [
        {
            "error_id": one.error_id,
            "description": one.description,
            "score": round(one.score, 3),
            "threshold": round(one.threshold, 3),
        }
        for one in candidates
    ]


def new_id(at: float) -> str:
    """A ULID of a moment (UTC, seconds since the epoch)."""
    return str(ULID.from_timestamp(at))


def second_id(first: str, of: str) -> str:
    """Another ULID of the same moment, the same one whenever it is asked for.

    Args:
        first: a ULID.
        of: what it is to stand for.
    """
    moment = ULID.from_str(first).bytes[:6]
    return str(ULID.from_bytes(moment + hashlib.sha256(f"{first} {of}".encode()).digest()[:10]))


def timestamp(at: float) -> str:
    """UTC as RFC 3339 with milliseconds: ``2026-01-02T03:04:05.678Z``."""
    moment = datetime.fromtimestamp(at, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
