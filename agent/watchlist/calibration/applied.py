"""The calibration of a state folder, applied to the descriptions as they stand now.

Nothing here stops the box: where a calibration is missing, damaged or of another bundle, the
bundle's threshold and background go on, and the reason is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from agent.core.errors import Problem, StoreError
from agent.core.reasons import Reason
from agent.matcher.prototypes import BackgroundStatistics
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration import site
from agent.watchlist.calibration.drift import Reference
from agent.watchlist.calibration.threshold import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.records import FloatArray
    from agent.descriptions import DescriptionSet
    from agent.watchlist.calibration.index import Finding, Index
    from agent.watchlist.calibration.site import Wanted

_SAME_HOP_S = 1e-6


@dataclass(frozen=True, slots=True)
class Site:
    """Where a site's calibration lies, and how its windows are cut."""

    folder: Path
    """The state folder."""
    hop_s: float


@dataclass(frozen=True, slots=True)
class Applied:
    """What holds for the descriptions of one watchlist."""

    findings: Mapping[str, Finding]
    """By error id; empty where there is no calibration that can be used."""
    trouble: str = ""
    """Why a calibration that is there is not used, and what to do; empty if it is."""
    made_at: float | None = None
    """UTC of the calibration; ``None`` where there is none."""
    hours: float = 0.0
    """Of the whole box."""
    found_anew: tuple[str, ...] = ()
    """Descriptions that were calibrated on what was kept, since they are not what they were."""
    reference: Reference | None = None
    """To notice drift by."""

    @property
    def uncalibrated(self) -> tuple[str, ...]:
        """Descriptions that go by the bundle's threshold although they are ``auto``."""
        kinds = self.findings.items()
        return tuple(name for name, kind in kinds if kind.kind is Kind.UNCALIBRATED)

    def statistics(self) -> BackgroundStatistics | None:
        """Of margins on this site, in the order of the findings; ``None`` for the bundle's."""
        if not self.findings:
            return None
        found = self.findings.values()
        return BackgroundStatistics(
            mean=np.array([finding.mean for finding in found], np.float32),
            std=np.array([finding.std for finding in found], np.float32),
        )


def unusable(
    index: Index, bundle: Bundle, hop_s: float, least_hours: float = site.LEAST_HOURS
) -> str:
    """Why a calibration cannot be used with a bundle and a hop; empty if it can."""
    again = "run 'kikimimi calibrate --fresh'"
    if index.bundle != bundle.digest:
        return f"the calibration was made with another bundle ({index.bundle[:19]}…); {again}"
    if abs(index.hop_s - hop_s) > _SAME_HOP_S:
        found = f"with windows every {index.hop_s:g} s, not {hop_s:g} s"
        return f"the calibration was made {found}; {again}"
    hours = index.heard_hours / index.sources
    if hours < least_hours:
        minutes = f"{hours * 60:.0f} of at least {site.LEAST_HOURS * 60:.0f} minutes"
        return f"the calibration has heard {minutes}; run 'kikimimi calibrate'"
    return ""


def calibrated_at(folder: Path) -> float | None:
    """UTC of the calibration in a state folder; ``None`` where there is none that can be read."""
    try:
        index = indices.read(folder)
    except StoreError:
        return None  # applying it tells why
    return None if index is None else index.made_at


def apply(
    where: Site,
    bundle: Bundle,
    wanted: Sequence[Wanted],
    site_background: tuple[Sequence[str], FloatArray],
) -> Applied:
    """Statistics and thresholds for descriptions.

    What was found before is taken over where nothing has changed; the rest is found anew from
    what was kept, which takes seconds.

    Args:
        where: the site.
        bundle: whose tower heard it.
        wanted: descriptions, in the order of the matcher.
        site_background: texts of what is ordinary here, and their embeddings.
    """
    try:
        index = indices.read(where.folder)
        if index is None:
            return Applied({})
        if trouble := unusable(index, bundle, where.hop_s):
            return Applied({}, trouble, index.made_at)
        return _apply(where.folder, index, wanted, site_background, bundle)
    except StoreError as error:
        return Applied({}, f"the calibration is not used: {error}")


def _apply(
    folder: Path,
    index: Index,
    wanted: Sequence[Wanted],
    site_background: tuple[Sequence[str], FloatArray],
    bundle: Bundle,
) -> Applied:
    known = {finding.key: finding for finding in index.findings}
    keys = {
        target.error.error_id: site.key_of(index, target, site_background[0]) for target in wanted
    }
    new = [target for target in wanted if keys[target.error.error_id] not in known]
    found: dict[str, Finding] = {}
    hours = index.findings[0].hours if index.findings else 0.0
    if new or not index.mean:
        background = site.background(folder, index)
        hours = background.hours
        found = {
            finding.error_id: finding
            for finding in site.find(background, index, new, site_background, bundle)[0]
        }
        reference = Reference.of(background.cohort.joint)
    else:
        reference = Reference(np.array(index.mean, np.float32), index.spread)
    findings = {name: found.get(name) or known[key] for name, key in keys.items()}
    return Applied(
        findings=findings,
        made_at=index.made_at,
        hours=hours,
        found_anew=tuple(target.error.error_id for target in new),
        reference=reference,
    )


def check_calibration(
    settings: Settings, bundle: Bundle, descriptions: DescriptionSet
) -> tuple[list[Problem], list[str]]:
    """What ``kikimimi check`` says of it, without the seconds that finding anew would take.

    Returns:
        Warnings, and notes of what is as it may be.
    """
    where = str(settings.state_dir / indices.FILE)
    auto = [described for described in descriptions.active if described.policy.threshold is None]
    try:
        index = indices.read(settings.state_dir)
    except StoreError as error:
        return [Problem.from_message(where, str(error))], []
    if index is None:
        return [], [Reason.of("calibration_none", count=len(auto))] if auto else []
    if trouble := unusable(index, bundle, settings.windows.hop_s):
        return [Problem.from_message(where, trouble)], []
    made = datetime.fromtimestamp(index.made_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    hours = f"{index.heard_hours / index.sources:.1f}"
    notes: list[str] = [Reason.of("calibration_made", hours=hours, made=made)]
    warnings = []
    for described in auto:
        found = index.finding(described.error_id)
        if found is None or found.wording != site.wording_of(described, descriptions.background):
            code = "calibration_new" if found is None else "calibration_reworded"
            notes.append(Reason.of(code, error_id=described.error_id))
        elif found.kind is Kind.UNCALIBRATED:
            short = Reason.of("calibration_short", error_id=described.error_id)
            warnings.append(Problem(described.where, short, Reason.of("calibration_longer")))
    return warnings, notes
