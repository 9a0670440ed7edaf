"""What the model makes of texts and recordings, and what is measured of the recordings' sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from agent.capture.audiofile import read_audio
from agent.core.errors import AudioFileError
from agent.core.records import FloatArray
from training.data.cache import LogMelCache, Unreadable
from training.data.progress import shown
from training.data.records import Recording
from training.model.dual_encoder import DualEncoder
from training.model.text_tower import embed_texts
from training.studies.ratings.sound import SoundProperties, measure

_RATE_HZ = 32_000


@dataclass(frozen=True, slots=True)
class Texts:
    """Unit embeddings by text, in both spaces."""

    place: dict[str, int]
    tower: FloatArray
    """Of the frozen text tower, ``(texts, text_size)``."""
    joint: FloatArray
    """Of the space that sound is in too, ``(texts, embedding_size)``."""

    def nearness(self, text: str, others: Sequence[str], space: FloatArray) -> float:
        """Mean cosine of a text and others in one of the two spaces."""
        own = space[self.place[text]]
        return float(np.mean([space[self.place[other]] @ own for other in others]))


@dataclass(frozen=True, slots=True)
class EmbeddedRecording:
    """One recording: where the model puts it, and its sound."""

    embedding: FloatArray
    """Unit length, ``(embedding_size,)``; of the whole recording at once."""
    sound: SoundProperties


def embed(model: DualEncoder, texts: Sequence[str], cache: Path) -> Texts:
    """Embeddings of texts; those of the text tower are kept in the cache folder."""
    distinct = list(dict.fromkeys(texts))
    tower = embed_texts(distinct, cache)
    with torch.inference_mode():
        joint: FloatArray = model.encode_text(torch.from_numpy(tower)).numpy()
    return Texts({text: at for at, text in enumerate(distinct)}, tower, joint)


def listen(
    model: DualEncoder, recordings: Sequence[Recording], data: Path, cache: Path
) -> tuple[dict[str, EmbeddedRecording], tuple[Unreadable, ...]]:
    """Each recording by its id, and those that could not be used, with the reason."""
    cached = LogMelCache(cache / "log-mel", data).load(recordings)
    heard: dict[str, EmbeddedRecording] = {}
    unread: list[Unreadable] = []
    for recording, found in shown(cached, "listening", len(recordings)):
        if isinstance(found, Unreadable):
            unread.append(found)
            continue
        try:
            sound = measure(read_audio(data / recording.path, _RATE_HZ), _RATE_HZ)
        except (ValueError, AudioFileError) as error:
            unread.append(Unreadable(recording.id, str(error)))
            continue
        with torch.inference_mode():
            embedding = model.encode_audio(torch.from_numpy(found)[None])[0].numpy()
        heard[recording.id] = EmbeddedRecording(embedding, sound)
    return heard, tuple(unread)
