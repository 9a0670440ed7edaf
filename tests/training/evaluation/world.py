"""A small set of recordings with classes, texts in two languages and ratings, and two models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.evaluation.conditions import parse_conditions
from training.evaluation.material import material_of, recordings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray
    from training.evaluation.material import Material

KINDS = ("bell", "horn", "press", "saw", "belt", "fan")
TEST_EACH = 3
CLEAN = parse_conditions(["clean"])
_FRAMES = 60


def world() -> Manifest:
    """Six classes, one recording of each in training and three in the test.

    Each has a class name in both languages and an onomatopoeia; the first test recording of each
    has a caption of its own, rated by people for the first recording of every class.
    """
    recordings, captions, pairs, ratings = [], [], [], []
    for kind, name in enumerate(KINDS):
        ids = [f"s/{kind}-{take}" for take in range(TEST_EACH + 1)]
        splits = (Split.TRAIN, *[Split.TEST] * TEST_EACH)
        recordings += [
            Recording(one, f"{one}.wav", one, split) for one, split in zip(ids, splits, strict=True)
        ]
        texts = [
            Caption(f"s/class/{name}", f"{name} {kind}", "en"),
            Caption(f"s/name/{kind}", f"{kind} の音", "ja"),
            Caption(f"s/onomatopoeia/{kind}", f"ガン {kind}", "ja"),
        ]
        captions += [*texts, Caption(f"s/own/{kind}", f"own of {kind}", "en", ids[1])]
        pairs += [Pair(text.id, one, True, "class label") for text in texts for one in ids]
        ratings += [
            Rating(f"s/own/{kind}", f"s/{other}-1", value, "a", RatingKind.HUMAN)
            for other in range(len(KINDS))
            for value in (100.0 if kind == other else 5.0 * other,)
        ]
    return Manifest(tuple(recordings), tuple(captions), tuple(pairs), tuple(ratings))


def sounds(manifest: Manifest) -> dict[str, FloatArray]:
    """A log-mel for each recording: noise, and a band that is its class's; two lengths."""
    found = {}
    for at, recording in enumerate(manifest.recordings):
        kind = int(recording.id[2])
        frames = _FRAMES + 10 * (at % 2)
        log_mel = np.random.default_rng(at).normal(-0.8, 0.1, (128, frames))
        log_mel[20 * kind : 20 * kind + 15] += 1.5
        found[recording.id] = log_mel.astype(np.float32)
    return found


def material(manifest: Manifest | None = None, left_out: Sequence[str] = ()) -> Material:
    """What is asked on the test recordings."""
    manifest = manifest or world()
    recordings = recordings_of(manifest, Split.TEST)
    return material_of(manifest, recordings, sounds(manifest), left_out=left_out)


class Bands:
    """A model that knows the world: the loudest band is the class, and so is the text's number."""

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """One coordinate a class."""
        level = np.stack(
            [log_mels[:, 20 * k : 20 * k + 15].mean(axis=(1, 2)) for k in range(len(KINDS))], axis=1
        )
        return np.eye(len(KINDS), dtype=np.float32)[level.argmax(axis=1)]

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Likewise."""
        kinds = [int(re.findall(r"\d", text)[0]) for text in texts]
        return np.eye(len(KINDS), dtype=np.float32)[kinds]


class Deaf:
    """A model that takes everything for the same."""

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """One direction for all."""
        return np.eye(1, len(KINDS), dtype=np.float32).repeat(len(log_mels), axis=0)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Likewise."""
        return np.eye(1, len(KINDS), dtype=np.float32).repeat(len(texts), axis=0)


class Guessing:
    """A model of chance alone: what it hears and reads has nothing to do with the class."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """A direction of its own for each."""
        return self._drawn(len(log_mels))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Likewise."""
        return self._drawn(len(texts))

    def _drawn(self, count: int) -> FloatArray:
        rows = self._random.standard_normal((count, 32)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
