"""What a variant of the audio tower costs, measured as retrieval on real recordings."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch

from agent import descriptions
from agent.audiofile import read_audio
from agent.retrieval import mean_average_precision, top_1
from training.data.readers import everyday, folders
from training.data.readers.esc50 import FOLDS
from training.data.records import Split
from training.frontend import LogMel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from agent.records import FloatArray
    from training.model import DualEncoder
    from training.text_tower import TextTower

LANGUAGES = ("en", "ja")
# Windows as long as those on the box, and how many of a long recording.
_WINDOW_FRAMES, _MOST_WINDOWS = 200, 3
_MACHINES = 12
"""Recordings of each machine that activations are measured on."""
TEXTS = Path(__file__).resolve().parents[1] / "configs" / "evaluation"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, between 0 and 1."""

    dataset: str
    language: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Recordings, each with one of several texts as its own."""

    name: str
    log_mels: tuple[FloatArray, ...]
    truth: npt.NDArray[np.intp]
    texts: Mapping[str, FloatArray]
    """Embeddings of the texts by language, unit length, ``(texts, embedding_size)``."""

    def measure(self, tower: Path) -> list[Figure]:
        """Both retrieval figures in each language with a variant of the audio tower."""
        embeddings = encode(tower, self.log_mels)
        figures = []
        for language, texts in self.texts.items():
            scores = embeddings @ texts.T
            for name, value in (
                ("top-1", top_1(scores, self.truth)),
                ("mAP@10", mean_average_precision(scores, self.truth)),
            ):
                figures.append(Figure(self.name, language, name, value))
        return figures


def encode(tower: Path, log_mels: Sequence[FloatArray]) -> FloatArray:
    """Embeddings of whole recordings, one by one, ``(recordings, embedding_size)``."""
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(str(tower), options, providers=["CPUExecutionProvider"])
    rows = [session.run(None, {"log_mel": one[None]})[0][0] for one in log_mels]
    return np.stack(rows).astype(np.float32)


def log_mels(paths: Sequence[Path]) -> tuple[FloatArray, ...]:
    """Normalised log-mels of whole recordings, each ``(n_mels, n_frames)``."""
    frontend = LogMel()
    rate_hz = frontend.constants.sample_rate_hz
    return tuple(
        frontend(torch.from_numpy(read_audio(path, rate_hz))[None])[0].numpy() for path in paths
    )


def esc50_40(data: Path, model: DualEncoder, tower: TextTower) -> RetrievalSet:
    """The forty classes of ESC-50, whole clips, class names in English and Japanese.

    Of the folds that no training learns from: 3 has chosen when to stop, 5 has chosen nothing.
    """
    rows = [row for row in _rows(data / "esc50-40") if FOLDS[row["fold"]] is not Split.TRAIN]
    texts = {}
    ids: list[str] = []
    for language in LANGUAGES:
        described = descriptions.load(TEXTS / f"esc50-40.{language}.yaml")
        ids = [error.error_id for error in described.errors]
        texts[language] = embed(model, tower, [error.text for error in described.errors])
    return RetrievalSet(
        name="esc50-40, folds 3 and 5",
        log_mels=log_mels([data / "esc50-40" / "audio" / row["filename"] for row in rows]),
        truth=np.array([ids.index(row["category"]) for row in rows]),
        texts=texts,
    )


def everyday_cc(data: Path, model: DualEncoder, tower: TextTower) -> RetrievalSet:
    """Everyday sounds of the test split, by their own English labels."""
    rows = _everyday(data, Split.TEST)
    labels = sorted({row["label"] for row in rows})
    return RetrievalSet(
        name="everyday-cc, test",
        log_mels=log_mels([data / everyday.NAME / "audio" / row["filename"] for row in rows]),
        truth=np.array([labels.index(row["label"]) for row in rows]),
        texts={"en": embed(model, tower, labels)},
    )


def calibration(data: Path) -> tuple[FloatArray, ...]:
    """Windows that activations are measured on: everyday and machine sound, no test recording.

    All of one length, which the quantizer's histograms need.
    """
    rows = _everyday(data, Split.TRAIN)[::2]
    paths = [data / everyday.NAME / "audio" / row["filename"] for row in rows]
    for one in (folders.MOTORS, folders.LATHE):
        trained = [r for r in folders.read(data, one).recordings if r.split is Split.TRAIN]
        paths += [data / r.path for r in trained[:: max(1, len(trained) // _MACHINES)]]
    return tuple(
        one[:, start : start + _WINDOW_FRAMES]
        for one in log_mels(paths)
        for start in range(0, one.shape[1] - _WINDOW_FRAMES + 1, _WINDOW_FRAMES)[:_MOST_WINDOWS]
    )


def _everyday(data: Path, split: Split) -> list[dict[str, str]]:
    """The rows of everyday-cc's list of clips that are of a split."""
    recordings = everyday.read(data).recordings
    own = {Path(one.path).name for one in recordings if one.split is split}
    return [row for row in _rows(data / everyday.NAME) if row["filename"] in own]


def _rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a set's list of clips."""
    with (folder / "clips.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def embed(model: DualEncoder, tower: TextTower, texts: Sequence[str]) -> FloatArray:
    """Texts in the joint space, ``(texts, embedding_size)``."""
    with torch.inference_mode():
        embedded: FloatArray = model.encode_text(torch.from_numpy(tower.embed(texts))).numpy()
    return embedded
