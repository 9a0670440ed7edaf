"""Sounds that people report or teach: the next seconds of a source, or some of the last minutes.

What comes of each is told on ``taught``: that it was kept, and, once the box listens for it, how
sure it is of the rest of the sound and what else that could be.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp
from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError
from agent.watchlist.sureness import sureness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.alerts.reports import Report
    from agent.core.clock import Clock
    from agent.core.records import Alert
    from agent.run.reporting import Kept, Reporting
    from agent.watchlist.sureness import Sureness
    from agent.watchlist.watchlist import Watchlist

SCHEMA = 1
MOST_WAITING = 8
"""Sounds that may be awaited at once."""
_PATIENCE_S = 15.0
"""How long after its end a sound may take to be heard and compared."""
_FORGET_S = 600.0
"""How long to wait for a watchlist that knows it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Awaited:
    """Seconds that are yet to be heard."""

    report: Report
    source: str
    begin_at: float
    end_at: float
    until_s: float
    """On the monotonic clock: when to give up."""


@dataclass(frozen=True, slots=True)
class _Learning:
    """A sound that was kept, which the watchlist does not know yet."""

    report: Report
    kept: Kept
    until_s: float


class Teaching:
    """Takes sounds; asked by the link's thread, polled by the pipeline's."""

    def __init__(
        self, reporting: Reporting, clock: Clock, publish: Callable[[str], object]
    ) -> None:
        """Nothing is taught yet.

        Args:
            reporting: keeps sounds.
            clock: says when.
            publish: sends what came of a sound.
        """
        self._reporting = reporting
        self._clock = clock
        self._publish = publish
        self._lock = threading.Lock()
        self._awaited: dict[str, _Awaited] = {}
        self._learning: dict[str, _Learning] = {}

    @property
    def reporting(self) -> Reporting:
        """What keeps the sounds."""
        return self._reporting

    def awaits(self, report: Report) -> bool:
        """Whether this very request is being carried out."""
        with self._lock:
            return report.request_id in self._awaited

    def take_next(self, report: Report, source: str, seconds: float) -> None:
        """Take the next seconds of a source.

        Raises:
            RefusedError: description or source are unknown, or too many are awaited already.
        """
        self._reporting.ready_for(report.error_id, source)
        now = self._clock.now()
        until_s = self._clock.monotonic() + seconds + _PATIENCE_S
        with self._lock:
            if len(self._awaited) >= MOST_WAITING:
                raise RefusedError(Reason.of("teaching_busy", most=MOST_WAITING))
            self._awaited[report.request_id] = _Awaited(report, source, now, now + seconds, until_s)

    def take_past(self, report: Report, source: str, begin_at: float, end_at: float) -> Kept:
        """Take some of the last minutes.

        Raises:
            RefusedError: as :meth:`Reporting.report`.
        """
        kept = self._reporting.report(report, source, begin_at, end_at)
        self._learn(report, kept)
        return kept

    def poll(self) -> None:
        """Keep what was heard by now; give up what does not come."""
        now_s = self._clock.monotonic()
        with self._lock:
            waiting = list(self._awaited.values())
        for awaited in waiting:
            report = awaited.report
            heard = self._reporting.heard_until(awaited.source) >= awaited.end_at
            if not heard and now_s < awaited.until_s:
                continue
            try:
                if not heard:
                    raise RefusedError(Reason.of("teaching_unheard", source=awaited.source))
                self.take_past(report, awaited.source, awaited.begin_at, awaited.end_at)
            except RefusedError as error:
                _log.warning("not_taught", extra={"reason": str(error)})
                refusal = Reason.given(str(error), "request_wrong")
                self._tell(report, "failed", refusal=refusal)
            with self._lock:
                del self._awaited[report.request_id]
        with self._lock:
            late = [one for one in self._learning.values() if now_s >= one.until_s]
            for one in late:
                del self._learning[one.report.request_id]
        for one in late:
            _log.warning("taught_sound_not_taken_over", extra={"alert_id": one.kept.alert.alert_id})

    def listened_for(self, watch: Watchlist, recordings: Collection[str]) -> None:
        """Tell how sure the box is of sounds that a watchlist knows for the first time.

        Args:
            watch: in force from now on.
            recordings: ids of the alerts that it knows.
        """
        with self._lock:
            known = [
                one for one in self._learning.values() if one.kept.alert.alert_id in recordings
            ]
            for one in known:
                del self._learning[one.report.request_id]
        for one in known:
            if one.report.error_id not in watch.policies:
                continue  # its description was deleted meanwhile
            heard, alert_id = one.kept.heard, one.kept.alert.alert_id
            found = sureness(
                watch, one.report.error_id, alert_id, heard.windows, heard.views, row=one.kept.row
            )
            self._tell(one.report, "learnt", kept=one.kept, sure=found)

    def _learn(self, report: Report, kept: Kept) -> None:
        until_s = self._clock.monotonic() + _FORGET_S
        with self._lock:
            self._learning[report.request_id] = _Learning(report, kept, until_s)
        self._tell(report, "kept", kept=kept)

    def _tell(
        self,
        report: Report,
        step: str,
        *,
        kept: Kept | None = None,
        sure: Sureness | None = None,
        refusal: Reason | None = None,
    ) -> None:
        alert = None if kept is None else kept.alert
        payload = told(report, step, self._clock.now(), alert=alert, sure=sure)
        if refusal is not None:
            payload |= {"reason": refusal, **refusal.parts[0].to_dict()}
        self._publish(json.dumps(payload, ensure_ascii=False, separators=(",", ":")))


def told(
    report: Report, step: str, at: float, *, alert: Alert | None, sure: Sureness | None
) -> dict[str, object]:
    """What is told of a sound that was taught (``docs/mqtt/taught.schema.json``).

    Args:
        report: who teaches what.
        step: how far it has come.
        at: UTC, seconds since the epoch.
        alert: that was made of it, once it was kept.
        sure: how sure the box is of it, once it listens for it.
    """
    payload: dict[str, object] = {
        "schema": SCHEMA,
        "step": step,
        "origin": report.origin.value,
        "request_id": report.request_id,
        "error_id": report.error_id,
        "operator": report.operator,
        "ts": timestamp(at),
    }
    if alert is not None:
        event = alert.detection
        payload |= {
            "alert_id": alert.alert_id,
            "source": event.source,
            "ts_start": timestamp(event.starts_at),
            "ts_peak": timestamp(event.peaks_at),
            "ts_end": timestamp(event.ends_at),
        }
    return payload if sure is None else payload | _sureness_fields(sure)


def _sureness_fields(sure: Sureness) -> dict[str, object]:
    """How sure the box is, as it is told."""
    aside = sure.set_aside
    fields: dict[str, object] = {
        "sure": sure.sure,
        "score": None if sure.score is None else round(sure.score, 2),
        "threshold": round(sure.threshold, 2),
        "windows": sure.windows,
        "hits": sure.hits,
        "set_aside": aside,
        "others": [
            {
                "error_id": one.error_id,
                "description": one.description,
                "score": round(one.score, 2),
                "threshold": round(one.threshold, 2),
            }
            for one in sure.others
        ],
    }
    return fields if aside is None else fields | aside.parts[0].to_dict()
