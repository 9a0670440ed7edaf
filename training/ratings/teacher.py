"""Estimated ratings: what a model thinks of recordings that nobody has rated.

The teacher's cosines of a caption with all recordings of a split are standardised over them; the
rating is ``100 P((z - 5) / 1.8)``, where ``P`` is the normal distribution's: 50 at five standard
deviations above what the caption scores on average, 13 at three, 95 at eight. It never falls where
the cosine rises. So it is close to the share of recordings that fit, by their labels, among those
that the bootstrap model scores alike (on validation recordings and their mixtures). A caption's
list holds the recordings that the teacher finds best and as many at random, for what it overlooks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import special

from agent.core.records import FloatArray
from training.data.arrays import Values
from training.data.cache import Unreadable
from training.data.records import HIGHEST_RATING, Rating, RatingKind, Recording
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder

_HALF, _WIDTH = 5.0, 1.8
"""Standard deviations above a caption's mean at which the rating is 50, and from there to 84."""
_HASH_CHARACTERS = 12
_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Embedded:
    """Recordings that could be read, as the teacher hears them."""

    recordings: tuple[str, ...]
    embeddings: FloatArray
    """Unit length, ``(recordings, embedding_size)``."""
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model with a name of its own."""

    rater: str
    """Carries the hash of the weights: another model is another rater."""
    model: DualEncoder

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read a checkpoint.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not a checkpoint of this program.
        """
        model = checkpoint.load(path)
        # Not the file's bytes: its own name is among them.
        digest = hashlib.sha256(f"{model.config}".encode())
        for name, weights in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(weights.contiguous().numpy().tobytes())
        return cls(f"teacher-{digest.hexdigest()[:_HASH_CHARACTERS]}", model)

    def hear(self, sounds: Iterable[tuple[Recording, FloatArray | Unreadable]]) -> Embedded:
        """Embed whole recordings.

        Args:
            sounds: see :meth:`LogMelCache.load`.
        """
        recordings, rows, unreadable = [], [], []
        for recording, log_mel in sounds:
            if isinstance(log_mel, Unreadable):
                unreadable.append(log_mel)
                continue
            with torch.inference_mode():
                rows.append(self.model.encode_audio(torch.from_numpy(log_mel)[None])[0].numpy())
            recordings.append(recording.id)
        size = self.model.config.embedding_size
        embeddings = np.stack(rows) if rows else np.zeros((0, size), np.float32)
        return Embedded(tuple(recordings), embeddings, tuple(unreadable))

    def cosines(self, texts: FloatArray, embedded: Embedded) -> Values:
        """Of texts, as the text tower embeds them, and recordings: ``(texts, recordings)``."""
        with torch.inference_mode():
            asked = self.model.encode_text(torch.from_numpy(texts)).numpy()
        cosines: Values = (asked @ embedded.embeddings.T).astype(np.float64)
        return cosines


def standing(cosines: Values) -> Values:
    """Ratings of all recordings for each caption, 0 to 100, ``(captions, recordings)``.

    Where a caption finds all recordings alike, none stands out: all are rated as the average.
    """
    deviation = cosines.std(axis=1, keepdims=True)
    centred = cosines - cosines.mean(axis=1, keepdims=True)
    scores = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0.0)
    ratings: Values = HIGHEST_RATING * special.ndtr((scores - _HALF) / _WIDTH)
    return ratings


def choose(ratings: Values, items: int, rng: np.random.Generator) -> list[int]:
    """Numbers of the best recordings, and of as many at random from the rest."""
    order = np.argsort(-ratings, kind="stable")
    best = order[: (items + 1) // 2]
    rest = order[len(best) :]
    drawn = rng.choice(rest, min(items - len(best), len(rest)), replace=False)
    return [*best.tolist(), *drawn.tolist()]


def estimated(
    caption: str, recordings: Sequence[str], ratings: Values, chosen: Iterable[int], rater: str
) -> list[Rating]:
    """The ratings of one list."""
    return [
        Rating(
            caption,
            recordings[at],
            round(float(ratings[at]), _DECIMALS),
            rater,
            RatingKind.ESTIMATED,
        )
        for at in chosen
    ]
