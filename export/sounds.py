"""Sound of our own making, as an audio tower hears it: ordinary, and of a kind that has words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from agent.core.records import FloatArray
from export.acoustic import FEATURES, features_session
from export.onnx import WINDOW_FRAMES
from training.data.arrays import Numbers
from training.data.augment import background_log_mels
from training.data.frontend import LogMel
from training.data.synthetic import KINDS, synthetic

_ORDINARY, _SEED = 512, 20_241_130
_OF_KIND, _GROUPS, _SYNTHETIC_SEED = 40, 9, 7
"""Synthetic windows of each kind, and into how many recordings they are put."""
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Ordinary:
    """Ordinary sound as the tower hears it, by windows."""

    features: FloatArray
    embeddings: FloatArray
    """By the bootstrap's head."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Synthetic sound as the tower hears it."""

    features: FloatArray
    """Of windows."""
    recording: Numbers
    """Of each window."""
    kinds: tuple[str, ...]
    """Of each recording."""


def ordinary_sound(tower: Path) -> Ordinary:
    """What a float audio graph makes of ordinary sound.

    Args:
        tower: without a learned head.
    """
    windows = background_log_mels(_ORDINARY, _SEED, WINDOW_FRAMES).numpy()
    return Ordinary(*_heard(tower, windows))


def synthetic_sound(tower: Path, every: int) -> Synthetic:
    """What a float audio graph makes of synthetic sound.

    Args:
        tower: its graph.
        every: n-th window is taken; 1 for all.
    """
    frontend = LogMel()
    constants, of_kind = frontend.constants, max(1, _OF_KIND // every)
    window_s = WINDOW_FRAMES / constants.frame_rate_hz
    drawn = list(
        synthetic(_SYNTHETIC_SEED, of_kind * len(KINDS), window_s, constants.sample_rate_hz)
    )
    windows = frontend(torch.from_numpy(np.stack([samples for _, samples in drawn])))
    features, _ = _heard(tower, windows[:, :, :WINDOW_FRAMES].numpy())
    # Kinds take turns: of each, every so many windows are of one recording.
    groups = min(_GROUPS, of_kind)
    turn, kind = np.divmod(np.arange(len(drawn)), len(KINDS))
    return Synthetic(features, kind * groups + turn % groups, tuple(np.repeat(KINDS, groups)))


def _heard(tower: Path, windows: FloatArray) -> list[FloatArray]:
    """Features and embeddings of windows ``(windows, n_mels, frames)``, by the first head."""
    session = features_session(tower)
    parts = [
        session.run([FEATURES, "embedding"], {"log_mel": windows[at : at + _BATCH]})
        for at in range(0, len(windows), _BATCH)
    ]
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]
