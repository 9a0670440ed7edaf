"""A detection and its alert, for the tests of all that keeps or carries them."""

from __future__ import annotations

from agent.core.records import Alert, Detection, Provenance, Severity, Step

DETECTION = Detection("mic1", "drop", Step.NEW, 10.0, 11.0, 13.5, 4.5, 4.0, 2, 3)
ALERT = Alert(
    alert_id="01KE0000000000000000000000",
    detection=DETECTION,
    description="金属部品が床に落ちた音",
    severity=Severity.MAJOR,
    provenance=Provenance("sha256:b", "sha256:d"),
    clock_synced=True,
)
