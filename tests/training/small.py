"""A small world to train in: few recordings, clear classes, a small model, a short training."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig
from training.train.config import (
    BatchConfig,
    LearnConfig,
    LossConfig,
    OptimiserConfig,
    TrainConfig,
    Weighting,
)
from training.train.material import Material, gather, texts_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray

CLASSES = 4
_EACH = 4
_FRAMES = 120


def small_model() -> DualEncoder:
    """A dual encoder whose heads are small and whose weights are those of chance.

    Its batch norms have seen the small sounds once, so that activations neither vanish nor grow.
    Whoever asks may train it: what is made once is copied.
    """
    return deepcopy(_made())


@cache
def _made() -> DualEncoder:
    torch.manual_seed(0)
    model = DualEncoder(ModelConfig(embedding_size=16, landmarks=12)).eval()
    with torch.no_grad():
        model.text_head.landmarks.copy_(torch.nn.functional.normalize(torch.randn(12, 384), dim=-1))
        norms = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        model.tower.features.train()
        sounds = small_sounds(small_manifest()).values()
        model.listen(torch.stack([torch.from_numpy(one) for one in sounds]))
    return model.eval()


def small_manifest() -> Manifest:
    """Recordings of four classes, two captions each, and ratings of the first caption."""
    recordings, captions, pairs, ratings = [], [], [], []
    for kind in range(CLASSES):
        for number, language in enumerate(("en", "ja")):
            captions.append(Caption(f"c{kind}{number}", f"class {kind} {language}", language))
        for take in range(_EACH):
            split = (Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST)[take]
            name = f"r{kind}{take}"
            recordings.append(Recording(name, f"{name}.wav", name, split))
            pairs += [Pair(f"c{kind}{n}", name, True, "class label") for n in (0, 1)]
    for kind in range(CLASSES):
        for other in range(CLASSES):
            value = 100.0 if kind == other else 20.0 * other
            ratings.append(Rating(f"c{kind}0", f"r{other}0", value, "a", RatingKind.SIMULATED))
    return Manifest(tuple(recordings), tuple(captions), tuple(pairs), tuple(ratings))


def small_sounds(manifest: Manifest) -> dict[str, FloatArray]:
    """A log-mel for each recording: noise, and a band that is its class's."""
    sounds = {}
    for at, recording in enumerate(manifest.recordings):
        kind = int(recording.id[1])
        log_mel = np.random.default_rng(at).normal(-0.8, 0.1, (128, _FRAMES))
        log_mel[30 * kind : 30 * kind + 20] += 1.5
        sounds[recording.id] = log_mel.astype(np.float32)
    return sounds


def small_texts(manifest: Manifest) -> dict[str, FloatArray]:
    """An embedding for each caption: its class's direction, and a little of its own."""
    rng = np.random.default_rng(1)
    directions = rng.standard_normal((CLASSES, 384))
    texts = {}
    for caption in manifest.captions:
        row = directions[int(caption.id[1])] + 0.1 * rng.standard_normal(384)
        texts[caption.id] = (row / np.linalg.norm(row)).astype(np.float32)
    return texts


FREE = LossConfig(
    weighting=Weighting.CONSTANT,
    keep_texts=0.0,
    keep_audio=0.0,
    keep_unfamiliar=0.0,
    noise=0.0,
    keep_noise=0.0,
    keep_sentences=0.0,
    translations=0.0,
)
BATCH = BatchConfig(pairs=8, lists=4, list_items=4, texts=4, unfamiliar=8, window_s=1.0)
FAST = OptimiserConfig(tower_rate=1e-3, head_rate=3e-2)


def small_material(manifest: Manifest | None = None, learn: LearnConfig | None = None) -> Material:
    """What a training of the small world learns from and is judged by."""
    manifest = manifest or small_manifest()
    rng = np.random.default_rng(5)
    kept, english, japanese = rng.standard_normal((3, 20, 384)).astype(np.float32)
    texts = texts_of(kept, english, japanese)
    return gather(
        manifest, small_sounds(manifest), small_texts(manifest), texts, learn or LearnConfig()
    )


def small_config(folder: Path, **changes: object) -> TrainConfig:
    """Settings of a short training without anything that keeps it near to its start."""
    config = TrainConfig(
        output=folder,
        steps=12,
        validate_every=4,
        patience=100,
        augment=False,
        frozen_blocks=0,
        views=0,
        tensorboard=False,
        loss=FREE,
        batch=BATCH,
        optimiser=FAST,
    )
    return replace(config, **changes)
