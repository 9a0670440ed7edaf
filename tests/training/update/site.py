"""A site that answered: real recordings as clips, labels about them, and a real model."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import torch
from ulid import ULID

from training.data.audioset import load_classes
from training.data.readers.splits import by_hash
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.model import bootstrap, kernel
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig
from training.model.mobilenet import WEIGHTS, load_mn04
from training.model.text_tower import TextTower

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LANDMARKS, _SIZE = 128, 128


@dataclass(frozen=True, slots=True)
class Said:
    """One answer that is to be written."""

    sound: str
    """Of ESC-50, without its ending."""
    description: str
    verdict: str | None
    operator: str = "shift-a"
    relevance: float | None = None
    split: Split = Split.TRAIN
    embedding: str | None = None
    after_s: float = 60.0
    """Seconds from the answer before to this one."""


def real_model(data: Path) -> DualEncoder:
    """The pretrained audio tower, and a text head that knows every second class of AudioSet."""
    config = ModelConfig(embedding_size=_SIZE, landmarks=_LANDMARKS)
    model = DualEncoder(config)
    tower = load_mn04(data / WEIGHTS)
    model.tower.load_state_dict(tower.state_dict())
    views = bootstrap.class_views(tower, config)
    directions = bootstrap.projection(views, _SIZE - 1)
    names = TextTower.load().embed([one.name for one in load_classes(data)[::2]])
    fitted = kernel.fits(
        names,
        np.pad((views @ directions.T)[::2], ((0, 0), (0, 1))),
        np.ones(len(names)),
        landmarks=_LANDMARKS,
        temperature=config.temperature,
        ridges=[0.1],
    )[0]
    head = model.text_head
    with torch.no_grad():
        model.audio_head.project.weight.copy_(torch.from_numpy(directions))
        head.mean.copy_(torch.from_numpy(fitted.mean))
        head.landmarks.copy_(torch.from_numpy(fitted.landmarks))
        head.output.weight.copy_(torch.from_numpy(fitted.coefficients.T))
        head.output.bias.copy_(torch.from_numpy(fitted.intercept))
    return model.eval()


def sounds_of(data: Path) -> Mapping[str, Sequence[str]]:
    """Names of ESC-50's recordings by class, in order."""
    found: dict[str, list[str]] = {}
    with (data / "esc50-40" / "clips.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row["filename"].rpartition(".")[0]
            found.setdefault(row["category"].replace("_", " "), []).append(name)
    return found


def days(split: Split, count: int) -> list[datetime]:
    """Days that a site's labels are split to."""
    found: list[datetime] = []
    day = datetime(2026, 1, 5, 8, tzinfo=UTC)
    while len(found) < count:
        if by_hash(f"labels/p1/{day:%Y-%m-%d}") is split:
            found.append(day)
        day += timedelta(days=1)
    return found


def write_labels(data: Path, folder: Path, answers: Sequence[Said]) -> Path:
    """An export of labels, with the clips that it is about."""
    (folder / "clips").mkdir(parents=True)
    at = {split: days(split, 1)[0] for split in Split}
    told = dict.fromkeys({one.operator for one in answers}, datetime(2026, 6, 1, tzinfo=UTC))
    lines = []
    for one in answers:
        clip = folder / "clips" / f"{one.sound}.flac"
        if not clip.exists():
            shutil.copy(data / "esc50-40" / "audio" / clip.name, clip)
        told[one.operator] += timedelta(seconds=one.after_s)
        values = {
            "schema": 1,
            "label_id": str(ULID()),
            "clip": f"clips/{clip.name}",
            "embedding": one.embedding,
            "ts_start": _written(at[one.split]),
            "site": "p1",
            "node": "press3",
            "source": "mic1",
            "error_id": one.description.replace(" ", "_"),
            "description": one.description,
            "language": "en",
            "verdict": one.verdict,
            "relevance": one.relevance,
            "operator": one.operator,
            "ts_verdict": _written(told[one.operator]),
            "score": 5.0,
            "threshold": 4.5,
            "bundle": "sha256:" + "a" * 64,
            "descriptions": "sha256:" + "b" * 64,
        }
        lines.append(json.dumps(values, ensure_ascii=False) + "\n")
    (folder / "labels.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def old_manifest(data: Path, classes: Sequence[str], train: int, validation: int) -> Manifest:
    """What a model was trained with before: the first recordings of some classes."""
    recordings, captions, pairs = [], [], []
    for name in classes:
        caption = Caption(f"esc50-40/class/{name}", name, "en")
        captions.append(caption)
        for at, sound in enumerate(sounds_of(data)[name][: train + validation]):
            split = Split.TRAIN if at < train else Split.VALIDATION
            path = f"esc50-40/audio/{sound}.flac"
            recordings.append(Recording(f"esc50-40/{sound}", path, sound, split))
            pairs.append(Pair(caption.id, f"esc50-40/{sound}", True, "class label"))
    return Manifest(tuple(recordings), tuple(captions), tuple(pairs))
