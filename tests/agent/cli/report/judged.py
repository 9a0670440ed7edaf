"""Alerts that people judged, for tests of the report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.cli.report.cases import Case, Outcome
from agent.core.records import Alert, Detection, Provenance, Severity, Step

if TYPE_CHECKING:
    from agent.core.answers import Answer

TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 5, 1, 9, 30, tzinfo=TOKYO).timestamp()


def case(
    error_id: str = "drop",
    at: float = START,
    said: Outcome = Outcome.OPEN,
    *,
    source: str = "mic1",
    score: float = 5.0,
    answers: tuple[Answer, ...] = (),
    lasts_s: float = 2.0,
) -> Case:
    """One alert that people judged somehow."""
    detection = Detection(source, error_id, Step.END, at, at, at + lasts_s, score, 4.5, 1, 2)
    alert = Alert(
        f"{error_id}-{source}-{at}",
        detection,
        f"sound of {error_id}",
        Severity.MINOR,
        Provenance("sha256:b", "sha256:d"),
        clock_synced=True,
    )
    return Case(alert, answers, said)
