"""Alerts of recordings, as ``kikimimi score --alerts`` prints them and ``scan`` keeps them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from agent.alerts.alerts import candidates_json, severity_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.alerts.alerts import Wording
    from agent.core.records import Detection, Provenance


@dataclass(frozen=True, slots=True)
class RecordedAlert:
    """An alert as the box would publish it; times are seconds from the file's start."""

    file: str
    start: float
    peak: float
    end: float
    error_id: str
    description: str
    """The operator's own words."""
    score: float
    threshold: float
    hits: int
    windows: int
    severity: str
    candidates: list[dict[str, str | float]]
    """What else the sound may be, as in an alert's payload."""
    bundle: str
    descriptions: str

    @classmethod
    def of(
        cls,
        file: str,
        detection: Detection,
        wordings: Mapping[str, Wording],
        provenance: Provenance,
    ) -> Self:
        """The alert that a detection comes to.

        Args:
            file: name of the recording, as it is shown.
            detection: at its end.
            wordings: by error id.
            provenance: what scored the recording.
        """
        wording = wordings[detection.error_id]
        return cls(
            file=file,
            start=round(detection.starts_at, 3),
            peak=round(detection.peaks_at, 3),
            end=round(detection.ends_at, 3),
            error_id=detection.error_id,
            description=wording.description,
            score=round(detection.score, 3),
            threshold=round(detection.threshold, 3),
            hits=detection.hits,
            windows=detection.windows,
            severity=severity_of(detection, wording.severity, wordings).value,
            candidates=candidates_json(
                replace(one, description=wordings[one.error_id].description)
                for one in detection.candidates
            ),
            bundle=provenance.bundle,
            descriptions=provenance.descriptions,
        )
