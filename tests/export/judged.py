"""What variants are judged on, small enough for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export import evaluation
from training.data.readers import everyday
from training.data.records import Split

if TYPE_CHECKING:
    from pathlib import Path

    from export.evaluation import Embed, RetrievalSet

_COUNT = 6


def few(data: Path, embed: Embed) -> RetrievalSet:
    """A handful of recordings."""
    paths, names = evaluation._clips(everyday.read(data), Split.TEST)
    labels = sorted(set(names[:_COUNT]))
    log_mels = evaluation.log_mels([data / path for path in paths[:_COUNT]])
    truth = np.array([labels.index(name) for name in names[:_COUNT]])
    return evaluation.RetrievalSet("few", log_mels, truth, {"en": embed(labels)})
