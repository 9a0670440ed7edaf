"""Sounds that texts are measured by: ordinary ones, and those that stand out from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.records import FloatArray
from export.acoustic import ACOUSTIC, FEATURES, features_session, one_window_each
from export.evaluation import encode
from export.onnx import WINDOW_FRAMES
from training.data.augment import background_log_mels
from training.data.takes import Take

_ORDINARY, _SEED = 512, 20_241_130
"""Windows of ordinary sound that heads are fitted with."""
_COHORT, _COHORT_SEED = 512, 20_240_814
"""Windows of ordinary sound that a bundle has; others than those."""
_FOREGROUND = 1_000
"""Recordings of which a bundle has a window."""
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Ordinary:
    """Ordinary sound as the tower hears it, by windows."""

    features: FloatArray
    embeddings: FloatArray
    """By the bootstrap's head."""


def ordinary_sound(tower: Path) -> Ordinary:
    """What a float audio graph makes of ordinary sound.

    Args:
        tower: without a learned head.
    """
    windows = background_log_mels(_ORDINARY, _SEED, WINDOW_FRAMES).numpy()
    session = features_session(tower)
    parts = [
        session.run([FEATURES, "embedding"], {"log_mel": windows[at : at + _BATCH]})
        for at in range(0, len(windows), _BATCH)
    ]
    return Ordinary(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def write_background(tower: Path, target: Path) -> None:
    """Write what an audio graph, with its acoustic view, makes of ordinary sound."""
    windows = list(background_log_mels(_COHORT, _COHORT_SEED, WINDOW_FRAMES).numpy())
    np.savez_compressed(
        target,
        embeddings=encode(tower, windows).astype(np.float16),
        acoustic=encode(tower, windows, ACOUSTIC).astype(np.float16),
    )


def write_foreground(tower: Path, data: Path, known: Sequence[Take], target: Path) -> None:
    """Write what an audio graph makes of recordings of all kinds, one window of each.

    Args:
        tower: the graph, with both heads.
        data: the shared data folder.
        known: recordings that the heads were fitted to; of many, some spread over all.
        target: the file.
    """
    some = known[:: max(1, len(known) // _FOREGROUND)][:_FOREGROUND]
    windows = one_window_each(data, some)
    np.savez_compressed(target, embeddings=encode(tower, windows).astype(np.float16))
