"""What is ordinary on a site: its own sound where it is calibrated, else the bundle's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.core.errors import StoreError
from agent.core.records import Views
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.applied import unusable
from agent.watchlist.calibration.parts import stretches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.bundle.loading import Bundle
    from agent.watchlist.calibration.applied import Site

_WINDOWS = 1_024
# Of a calibration of many hours, so many parts of ten minutes tell enough.
_PARTS = 48


@dataclass(frozen=True, slots=True)
class Cohort:
    """What recordings are measured by."""

    cohort: Views
    """Ordinary sound."""
    thresholds: Mapping[str, float]
    """As they were calibrated last, by error id; empty where nothing was."""


def site_cohort(bundle: Bundle, site: Site | None) -> Cohort:
    """The ordinary sound of a site; that of the bundle where there is no usable calibration.

    Args:
        bundle: whose tower heard it.
        site: where its calibration lies.
    """
    known = None if site is None else _calibrated_cohort(bundle, site)
    return known or Cohort(bundle.background(), {})


def _calibrated_cohort(bundle: Bundle, site: Site) -> Cohort | None:
    try:
        index = indices.read(site.folder)
        if index is None or unusable(index, bundle, site.hop_s):
            return None
        some = replace(index, parts=index.parts[:: -(-len(index.parts) // _PARTS)])
        heard = Views.concatenate([stretch.views for stretch in stretches(site.folder, some)])
    except StoreError:
        return None  # told where the calibration itself is applied
    # A steady hall alone would make much of every sound that it has not heard.
    cohort = Views.concatenate([heard[:: -(-len(heard) // _WINDOWS)], bundle.background()])
    return Cohort(
        cohort,
        {finding.error_id: finding.threshold for finding in index.findings},
    )
