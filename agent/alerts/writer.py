"""Detections become alerts here, each written together with the message that tells of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.alerts.alerts import AlertBook, alert_payload
from agent.core.records import Provenance, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.alerts.alerts import Wording
    from agent.core.clock import Clock
    from agent.core.records import Alert, Detection
    from agent.mqtt import Link
    from agent.mqtt.topics import Topics
    from agent.store.box import BoxStore

_log = logging.getLogger(__name__)


class AlertWriter:
    """Where alerts are made and filed. Used by the pipeline's thread alone."""

    def __init__(
        self,
        *,
        bundle_digest: str,
        topics: Topics,
        store: BoxStore,
        link: Link | None,
        clock: Clock,
        clips: bool = False,
    ) -> None:
        """Begin with no alert open.

        Args:
            bundle_digest: hash of what scores the windows.
            topics: of the box.
            store: keeps alerts and messages.
            link: told that there is something to send; ``None`` where MQTT is switched off.
            clock: says when.
            clips: whether the sound around each alert is kept.
        """
        self._bundle_digest = bundle_digest
        self._topics = topics
        self._store = store
        self._link = link
        self._clock = clock
        self._clips = clips
        self._book = AlertBook()
        self.alerts = 0
        """That were raised since the start."""

    def handle(
        self, detections: Iterable[Detection], wordings: Mapping[str, Wording], descriptions: str
    ) -> list[Alert]:
        """Turn detections into alerts, and write each with its message.

        Args:
            detections: changes of state, in order.
            wordings: what each description says, by error id.
            descriptions: hash of what was listened for.

        Returns:
            the alerts as they now stand.
        """
        provenance = Provenance(self._bundle_digest, descriptions)
        alerts = []
        for detection in detections:
            alert = self._book.take(
                detection,
                wordings,
                provenance,
                clock_synced=self._clock.synced(),
                now=self._clock.now(),
            )
            self.alerts += detection.step is Step.NEW
            self._record(alert)
            alerts.append(alert)
            _log.info(
                "alert",
                extra={
                    "step": detection.step.value,
                    "alert_id": alert.alert_id,
                    "error_id": detection.error_id,
                    "score": round(detection.score, 2),
                    "source": detection.source,
                    "candidates": len(detection.candidates),
                },
            )
        return alerts

    def end_left_over(self) -> list[Alert]:
        """After a crash: what was going on then is over, and dashboards have to hear it.

        Returns:
            the alerts that were ended.
        """
        ended = [
            replace(alert, detection=replace(alert.detection, step=Step.END))
            for alert in self._store.take_unfinished()
        ]
        for alert in ended:
            self._record(alert)
        return ended

    def _record(self, alert: Alert) -> None:
        """Write an alert and its message."""
        clip = f"{alert.alert_id}.flac" if self._clips else None
        payload = alert_payload(alert, self._topics.site, self._topics.node, clip=clip)
        messages = [(self._topics.alert, payload)] if self._link is not None else []
        self._store.record(alert, messages)
        if self._link is not None:
            self._link.notify()
