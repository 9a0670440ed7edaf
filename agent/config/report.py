"""Reads what ``agent.yaml`` says of ``kikimimi report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config import fields, shifts
from agent.config.settings import ReportSettings

if TYPE_CHECKING:
    from agent.config.fields import Table


def read_report(table: Table) -> ReportSettings:
    """The site's clock and shifts."""
    default = ReportSettings()
    report = ReportSettings(
        timezone=table.value("timezone", shifts.zone_name, default.timezone),
        shifts=table.values("shifts", shifts.shift, default.shifts),
        hours_per_day=table.value("hours_per_day", fields.number(0.1, 24.0), default.hours_per_day),
    )
    if problem := shifts.conflict(report.shifts):
        table.report("shifts", "do not fit beside each other", problem)
    table.finish()
    return report
