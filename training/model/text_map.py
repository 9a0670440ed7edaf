"""What a text sounds like in AudioSet's classes, by AudioSet's own texts and the lexicon's.

The same regression as the bootstrap's, with a lexicon's entries beside the classes: each wording
lies where the classes do that a listener would take it for. Never trained on recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Values
from training.data.lexicon import Entry
from training.model import bootstrap, kernel
from training.model.heads import ModelConfig
from training.model.kernel import KernelFit
from training.model.text_tower import TextTower

_SIZE, _LANDMARKS = 256, 2_048


@dataclass(frozen=True, slots=True)
class TextMapConfig:
    """How it is fitted; chosen on validation recordings."""

    sharpness: float = 1.5
    """Power of an entry's ratings: how much more its nearest class counts than the others."""
    ridge: float = 0.01
    temperature: float = 1.0
    """Width of the kernel."""


@dataclass(frozen=True, slots=True)
class TextMap:
    """The regression, and unit length after it."""

    fitted: KernelFit

    def __call__(self, embeddings: FloatArray) -> FloatArray:
        """Of the text tower's embeddings, unit length, float32, shape ``(texts, size)``."""
        mapped: FloatArray = kernel.unit(self.fitted.predict(embeddings)).astype(np.float32)
        return mapped


def fit(
    data: Path,
    tower: TextTower,
    entries: Sequence[Entry],
    config: TextMapConfig | None = None,
) -> TextMap:
    """Fit the map.

    Args:
        data: the shared data folder.
        tower: embeds the wordings.
        entries: of the lexicon.
        config: how.

    Raises:
        FileNotFoundError: AudioSet's classes or the audio tower's weights are not there.
    """
    config = config or TextMapConfig()
    model = ModelConfig(embedding_size=_SIZE, landmarks=_LANDMARKS)
    _, task = bootstrap.build(data, model, tower)
    owners = task.owners.astype(int)
    weights = bootstrap.text_weights(task, np.arange(len(task.texts)))
    targets, shares = [task.class_targets[owners]], [weights]
    length = float(np.linalg.norm(task.class_targets, axis=1).mean())
    for entry in entries:
        target = _target(entry, task.class_targets, config.sharpness, length)
        targets.append(np.tile(target, (len(entry.wordings), 1)))
        shares.append(np.full(len(entry.wordings), 1.0 / len(entry.wordings)))
    wordings = [text for entry in entries for text in entry.wordings]
    embeddings = [task.embeddings, *([tower.embed(wordings)] if wordings else [])]
    (fitted,) = kernel.fits(
        np.concatenate(embeddings),
        np.concatenate(targets),
        np.concatenate(shares),
        landmarks=_LANDMARKS,
        temperature=config.temperature,
        ridges=[config.ridge],
    )
    return TextMap(fitted)


def _target(entry: Entry, classes: Values, sharpness: float, length: float) -> Values:
    """Between the classes that it sounds like, as far from the middle as they are."""
    share = entry.relevance(len(classes)) ** sharpness
    mixed = share @ classes / share.sum()
    target: Values = mixed * length / np.linalg.norm(mixed)
    return target
