"""Captions and recordings in the joint space of a model, for choosing among them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from agent.core.errors import AudioFileError, reason
from agent.core.records import FloatArray
from training.data.cache import LogMelCache, Unreadable
from training.data.files import load_rows, save_rows
from training.data.progress import shown
from training.data.records import Caption, Rating, RatingKind, Recording
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder
from training.model.text_tower import embed_texts
from training.ratings.lists import rated_lists

PEOPLE = (RatingKind.HUMAN, RatingKind.SIMULATED)
"""Kinds of ratings that people give, or that stand for such."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Captions and recordings, each with a row."""

    captions: tuple[Caption, ...]
    recordings: tuple[Recording, ...]
    """Those that could be read."""
    texts: FloatArray
    """Unit length, ``(captions, embedding_size)``."""
    sounds: FloatArray
    """Unit length, ``(recordings, embedding_size)``."""
    unread: tuple[Unreadable, ...] = ()


def embed(
    captions: Sequence[Caption],
    recordings: Sequence[Recording],
    model: Path,
    data: Path,
    cache: Path,
) -> Embedded:
    """Embed captions and whole recordings.

    Args:
        captions: any.
        recordings: any; one that cannot be read is left out and told in the result.
        model: a checkpoint.
        data: what the recordings' paths are relative to.
        cache: folder that keeps embeddings and log-mels; may be deleted at any time.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: it is none, no caption is given, or no recording can be read.
    """
    encoder = checkpoint.load(model)
    sounds, unread = _sounds(encoder, recordings, hashlib.sha256(model.read_bytes()), data, cache)
    if not captions or not sounds:
        raise ValueError("there is no caption, or no recording that can be read")
    texts = torch.from_numpy(embed_texts([caption.text for caption in captions], cache))
    with torch.inference_mode():
        embedded: FloatArray = encoder.encode_text(texts).numpy()
    read = tuple(clip for clip in recordings if clip.id in sounds)
    return Embedded(
        tuple(captions), read, embedded, np.stack([sounds[clip.id] for clip in read]), tuple(unread)
    )


def rated_pairs(
    ratings: Iterable[Rating], kinds: Collection[RatingKind]
) -> dict[tuple[str, str], float]:
    """Mean rating of each pair, by ids of caption and recording.

    Where people and what stands for them have rated a pair, people count alone.
    """
    found: dict[tuple[str, str], float] = {}
    for rated in rated_lists(rating for rating in ratings if rating.kind in kinds):
        for recording, rating in zip(rated.recordings, rated.ratings, strict=True):
            pair = rated.caption, recording
            if rated.kind is RatingKind.HUMAN or pair not in found:
                found[pair] = rating
    return found


def _sounds(
    encoder: DualEncoder,
    recordings: Sequence[Recording],
    identity: hashlib._Hash,
    data: Path,
    cache: Path,
) -> tuple[dict[str, FloatArray], list[Unreadable]]:
    """The embedding of each recording by its id, and what could not be read."""
    log_mels = LogMelCache(cache / "log-mel", data)
    path = cache / f"sounds-{identity.hexdigest()[:16]}.npz"
    known = load_rows(path)
    before = len(known)
    found: dict[str, FloatArray] = {}
    unread = []
    for clip in shown(recordings, "listening"):
        try:
            key = hashlib.sha256((data / clip.path).read_bytes()).hexdigest()
            if key not in known:
                log_mel = torch.from_numpy(log_mels.log_mel(data / clip.path))
                with torch.inference_mode():
                    known[key] = encoder.encode_audio(log_mel[None])[0].numpy()
        except AudioFileError as error:
            unread.append(Unreadable(clip.id, str(error)))
        except OSError as error:
            unread.append(Unreadable(clip.id, f"{data / clip.path}: {reason(error)}"))
        else:
            found[clip.id] = known[key]
    if len(known) > before:
        save_rows(path, known)
    return found, unread
