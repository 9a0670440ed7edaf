"""What people report of their own accord: a sound that raised no alert, or that they teach.

It becomes an alert of another origin that is confirmed from the start, so that answers, clips,
quota, export and undo are the same for it as for all others. It was never an alarm: it awaits no
answer, and nobody counts it among the alerts of the box.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.alerts.alerts import Review, alert_payload, new_id
from agent.alerts.requests import Done, refuse_ahead, repeated, request_used
from agent.core.answers import Answer, Entry, Through
from agent.core.records import Alert, Origin, Verdict

if TYPE_CHECKING:
    from agent.alerts.alerts import Wording
    from agent.core.clock import Clock
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.core.records import Detection, Provenance
    from agent.mqtt import Link
    from agent.mqtt.topics import Topics

_EVENTS = {Origin.MISSED: "heard", Origin.TAUGHT: "taught"}
"""What the trail calls them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """Who reports what."""

    request_id: str
    """Chosen anew for each."""
    error_id: str
    """The description that the sound belongs to."""
    operator: str
    given_at: float
    """When, by the sender's clock, UTC, seconds since the epoch."""
    origin: Origin
    through: Through = Through.MQTT


class ReportStore(Protocol):
    """What is needed of a store."""

    def alert(self, alert_id: str) -> Alert | None: ...  # noqa: D102
    def request(self, request_id: str) -> Answer | OperatorThreshold | None: ...  # noqa: D102
    def report(  # noqa: D102
        self, alert: Alert, answer: Answer, messages: list[tuple[str, str]], entry: Entry
    ) -> bool: ...


class Reports:
    """Keeps reports. Safe to use from several threads."""

    def __init__(
        self, *, topics: Topics, store: ReportStore, link: Link | None, clock: Clock
    ) -> None:
        """Begin to take them.

        Args:
            topics: of the box.
            store: keeps them with their messages.
            link: told that there is something to send; ``None`` where MQTT is switched off.
            clock: says when.
        """
        self._topics = topics
        self._store = store
        self._link = link
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(_EVENTS, 0)

    def count(self, origin: Origin) -> int:
        """How many of an origin were kept since the start."""
        return self._counts[origin]

    def known(self, report: Report) -> Done | None:
        """What came of this very request, where it was carried out before.

        Raises:
            RefusedError: its ``request_id`` was used for something else, or its clock is ahead.
        """
        refuse_ahead(report.given_at, self._clock)
        kept = self._store.request(report.request_id)
        alert = self._store.alert(kept.alert_id) if isinstance(kept, Answer) else None
        same = (
            isinstance(kept, Answer)
            and kept.request_id == report.request_id
            and kept.operator == report.operator
            and alert is not None
            and alert.origin is report.origin
            and alert.detection.error_id == report.error_id
        )
        if not repeated(report.request_id, kept, same=same):
            return None
        return Done(duplicate=True, alert_id=alert.alert_id if alert else None)

    def keep(
        self, report: Report, detection: Detection, wording: Wording, provenance: Provenance
    ) -> Alert:
        """Write a report with the messages that tell of it.

        Args:
            report: who says what.
            detection: the sound, as it scored.
            wording: of the description.
            provenance: what scored it.

        Returns:
            the alert that was made of it.

        Raises:
            RefusedError: its ``request_id`` was used just now.
        """
        now = self._clock.now()
        alert = Alert(
            alert_id=new_id(now),
            detection=detection,
            description=wording.description,
            severity=wording.severity,
            provenance=provenance,
            clock_synced=self._clock.synced(),
            origin=report.origin,
        )
        answer = Answer(
            label_id=new_id(now),
            alert_id=alert.alert_id,
            verdict=Verdict.CONFIRM,
            relevance=None,
            label=None,
            operator=report.operator,
            given_at=report.given_at,
            received_at=now,
            request_id=report.request_id,
            through=report.through,
        )
        messages = []
        if self._link is not None:
            review = Review(Verdict.CONFIRM, None, report.operator, report.given_at)
            site, node = self._topics.site, self._topics.node
            payload = alert_payload(alert, site, node, review, f"{alert.alert_id}.flac")
            messages = [(self._topics.alert, payload)]
        with self._lock:
            if not self._store.report(alert, answer, messages, self._entry(now, alert, answer)):
                raise request_used(report.request_id)
            self._counts[report.origin] += 1
        if self._link is not None:
            self._link.notify()
        extra = {"alert_id": alert.alert_id, "error_id": report.error_id}
        _log.info(_EVENTS[report.origin], extra=extra)
        return alert

    def _entry(self, at: float, alert: Alert, answer: Answer) -> Entry:
        detail: dict[str, str | float | None] = {
            "alert_id": alert.alert_id,
            "label_id": answer.label_id,
            "error_id": alert.detection.error_id,
            "source": alert.detection.source,
            "request_id": answer.request_id,
            "through": answer.through.value,
        }
        return Entry(at, _EVENTS[alert.origin], answer.operator or "", detail)
