"""Embeddings of the frozen text tower, computed once a text."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from agent.records import FloatArray
from training.data.files import load_rows, save_rows
from training.model.text_tower import PREFIX, TextTower
from training.model.vocabulary import FROZEN


def embed_texts(texts: Sequence[str], folder: Path) -> FloatArray:
    """Embeddings of texts, float32, unit length, ``(texts, text_size)``.

    Of several trainings at once, the others wait while one embeds: they share the file, and each
    would otherwise embed the same.

    Args:
        texts: in any number and order.
        folder: where embeddings are kept; may be deleted at any time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Another vocabulary is another tower.
    tower = hashlib.sha256(FROZEN.read_bytes() + PREFIX.encode()).hexdigest()
    keys = [hashlib.sha256(f"{tower} {text}".encode()).hexdigest() for text in texts]
    path = folder / "texts.npz"
    with _alone(folder / "texts.lock"):
        known = load_rows(path)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            embedded = TextTower.load().embed(list(missing.values()))
            known |= dict(zip(missing, embedded, strict=True))
            save_rows(path, known)
    return np.stack([known[key] for key in keys])


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that other processes wait for; it ends with the process at the latest."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
