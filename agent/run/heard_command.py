"""``cmd/heard``: somebody heard a sound that raised no alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.alerts.reports import Report
from agent.alerts.requests import Done, said_by
from agent.core.records import Origin

if TYPE_CHECKING:
    from agent.mqtt.payload import Fields
    from agent.run.teaching import Teaching


class HeardCommand:
    """``cmd/heard``: what raised no alert is kept as if it had, and becomes an example."""

    def __init__(self, teaching: Teaching) -> None:
        self._teaching = teaching

    def __call__(self, fields: Fields) -> Done:
        """Keep it; what it was made to.

        Raises:
            RefusedError: a field is wrong, or that while is not remembered.
        """
        request_id = fields.request_id()
        error_id = fields.needed("error_id")
        source = fields.needed("source")
        begin_at, end_at = fields.span("from", "to")
        operator, given_at, through = said_by(fields)
        report = Report(request_id, error_id, operator, given_at, Origin.MISSED, through)
        known = self._teaching.reporting.reports.known(report)
        if known is not None:
            return known
        kept = self._teaching.take_past(report, source, begin_at, end_at)
        return Done(alert_id=kept.alert.alert_id)
