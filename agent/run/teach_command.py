"""``cmd/teach``: a sound that somebody makes, or made just now, becomes an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.alerts.reports import Report
from agent.alerts.requests import Done, said_by
from agent.core.records import Origin
from agent.run.refusals import refuse_stale

if TYPE_CHECKING:
    from agent.core.clock import Clock
    from agent.mqtt.payload import Fields
    from agent.run.teaching import Teaching

SHORTEST_S, LONGEST_S = 1.0, 60.0
"""Of the next seconds that are taken."""


class TeachCommand:
    """``cmd/teach``: the next seconds of a source, or some of the last minutes."""

    def __init__(self, teaching: Teaching, clock: Clock) -> None:
        self._teaching = teaching
        self._clock = clock

    def __call__(self, fields: Fields) -> Done:
        """Take it; what it was made to, where it was heard already.

        Raises:
            RefusedError: a field is wrong, or the sound cannot be had.
        """
        request_id = fields.request_id()
        error_id = fields.needed("error_id")
        source = fields.needed("source")
        seconds = fields.number_or_none("seconds", SHORTEST_S, LONGEST_S)
        past = seconds is None
        begin_at, end_at = fields.span("from", "to") if past else (0.0, 0.0)
        operator, given_at, through = said_by(fields)
        report = Report(request_id, error_id, operator, given_at, Origin.TAUGHT, through)
        known = self._teaching.reporting.reports.known(report)
        if known is not None:
            return known
        if self._teaching.awaits(report):
            return Done(duplicate=True)
        if seconds is not None:
            refuse_stale(given_at, self._clock)
            self._teaching.take_next(report, source, seconds)
            return Done()
        kept = self._teaching.take_past(report, source, begin_at, end_at)
        return Done(alert_id=kept.alert.alert_id)
