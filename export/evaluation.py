"""What a variant of the audio tower costs, measured as retrieval on real recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from agent import descriptions
from agent.capture.audiofile import read_audio
from agent.core.records import FloatArray
from agent.matcher.retrieval import mean_average_precision, top_1
from export.onnx import WINDOW_FRAMES
from training.data.frontend import LogMel
from training.data.readers import esc50, everyday, folders
from training.data.readers.classes import CLASS
from training.data.records import Manifest, Split
from training.evaluation.classes import TEXTS
from training.model.dual_encoder import DualEncoder
from training.model.text_tower import TextTower

LANGUAGES = ("en", "ja")
# Of a long recording.
_MOST_WINDOWS = 3
_MACHINES = 12
"""Recordings of each machine that activations are measured on."""
Embed = Callable[[Sequence[str]], FloatArray]
"""Texts to the joint space, ``(texts, embedding_size)``."""


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

    def values(self, tower: Path) -> list[float]:
        """Of these figures, in their order."""
        return [figure.value for figure in self.measure(tower)]


def encode(tower: Path, log_mels: Sequence[FloatArray], view: str = "embedding") -> FloatArray:
    """A view of whole recordings, one by one, ``(recordings, its size)``."""
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(str(tower), options, providers=["CPUExecutionProvider"])
    rows = [session.run([view], {"log_mel": log_mel[None]})[0][0] for log_mel in log_mels]
    return np.stack(rows).astype(np.float32)


def log_mels(paths: Sequence[Path]) -> tuple[FloatArray, ...]:
    """Normalised log-mels of whole recordings, each ``(n_mels, n_frames)``."""
    frontend = LogMel()
    rate_hz = frontend.constants.sample_rate_hz
    return tuple(
        frontend(torch.from_numpy(read_audio(path, rate_hz))[None])[0].numpy() for path in paths
    )


def esc50_40(data: Path, embed: Embed) -> RetrievalSet:
    """The forty classes of ESC-50, whole clips, class names in English and Japanese.

    Of the folds that no training learns from: 3 has chosen when to stop, 5 has chosen nothing.
    """
    paths, names = _clips(esc50.read(data), Split.VALIDATION, Split.TEST)
    texts = {}
    classes: list[str] = []
    for language in LANGUAGES:
        described = descriptions.load(TEXTS / f"esc50-40.{language}.yaml").errors
        classes = [error.error_id.replace("_", " ") for error in described]
        texts[language] = embed([error.text for error in described])
    return RetrievalSet(
        name="esc50-40, folds 3 and 5",
        log_mels=log_mels([data / path for path in paths]),
        truth=np.array([classes.index(name) for name in names]),
        texts=texts,
    )


def everyday_cc(data: Path, embed: Embed) -> RetrievalSet:
    """Everyday sounds of the test split, by their own English labels."""
    paths, names = _clips(everyday.read(data), Split.TEST)
    labels = sorted(set(names))
    return RetrievalSet(
        name="everyday-cc, test",
        log_mels=log_mels([data / path for path in paths]),
        truth=np.array([labels.index(name) for name in names]),
        texts={"en": embed(labels)},
    )


def calibration(data: Path) -> tuple[FloatArray, ...]:
    """Windows that activations are measured on: everyday and machine sound, no test recording.

    All of one length, which the quantizer's histograms need.
    """
    paths = _clips(everyday.read(data), Split.TRAIN)[0][::2]
    for machine in (folders.MOTORS, folders.LATHE):
        trained, _ = _clips(folders.read(data, machine), Split.TRAIN)
        paths += trained[:: max(1, len(trained) // _MACHINES)]
    return tuple(
        log_mel[:, start : start + WINDOW_FRAMES]
        for log_mel in log_mels([data / path for path in paths])
        for start in range(0, log_mel.shape[1] - WINDOW_FRAMES + 1, WINDOW_FRAMES)[:_MOST_WINDOWS]
    )


def _clips(manifest: Manifest, *splits: Split) -> tuple[list[str], list[str]]:
    """Paths of a set's recordings of some splits, and the class of each."""
    names = {pair.recording: pair.caption.partition(CLASS)[2] for pair in manifest.pairs}
    chosen = [recording for recording in manifest.recordings if recording.split in splits]
    return [clip.path for clip in chosen], [names[clip.id] for clip in chosen]


def embed_with(model: DualEncoder, tower: TextTower, texts: Sequence[str]) -> FloatArray:
    """Texts in the joint space of a checkpoint, ``(texts, embedding_size)``."""
    with torch.inference_mode():
        embedded: FloatArray = model.encode_text(torch.from_numpy(tower.embed(texts))).numpy()
    return embedded


def embed_by(text_head: Path, tower: TextTower, texts: Sequence[str]) -> FloatArray:
    """Texts in the joint space of a bundle, ``(texts, embedding_size)``."""
    session = onnxruntime.InferenceSession(str(text_head), providers=["CPUExecutionProvider"])
    (embedded,) = session.run(None, {"text_embedding": tower.embed(texts)})
    return np.asarray(embedded, np.float32)
