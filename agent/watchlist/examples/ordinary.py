"""What is ordinary on a site: its own sound where it is calibrated, else the bundle's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.core.errors import StoreError
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.applied import unusable
from agent.watchlist.calibration.kept import stretches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.watchlist.calibration.applied import Site

_WINDOWS = 1_024
# Of a calibration of many hours, so many parts of ten minutes tell enough.
_PARTS = 48


@dataclass(frozen=True, slots=True)
class Ordinary:
    """What recordings are measured by."""

    cohort: FloatArray
    """Ordinary sound, unit embeddings, float32, shape ``(n, dim)``."""
    thresholds: Mapping[str, float]
    """As they were calibrated last, by error id; empty where nothing was."""


def ordinary(bundle: Bundle, site: Site | None) -> Ordinary:
    """The ordinary sound of a site; that of the bundle where there is no usable calibration.

    Args:
        bundle: whose tower heard it.
        site: where its calibration lies.
    """
    known = None if site is None else _heard(bundle, site)
    return known or Ordinary(bundle.background(), {})


def _heard(bundle: Bundle, site: Site) -> Ordinary | None:
    try:
        index = indices.read(site.folder)
        if index is None or unusable(index, bundle, site.hop_s):
            return None
        some = replace(index, parts=index.parts[:: -(-len(index.parts) // _PARTS)])
        heard = [one.embeddings for one in stretches(site.folder, some)]
    except StoreError:
        return None  # told where the calibration itself is applied
    embeddings = np.concatenate(heard)
    step = -(-len(embeddings) // _WINDOWS)
    return Ordinary(
        embeddings[::step].astype(np.float32),
        {one.error_id: one.threshold for one in index.findings},
    )
