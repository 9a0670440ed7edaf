"""Embeddings of the frozen text tower, computed once a text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from training.text_tower import PREFIX, TextTower
from training.vocabulary import FROZEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.records import FloatArray


def embed_texts(texts: Sequence[str], folder: Path) -> FloatArray:
    """Embeddings of texts, float32, unit length, ``(texts, text_size)``.

    Args:
        texts: in any number and order.
        folder: where embeddings are kept; may be deleted at any time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Another vocabulary is another tower.
    tower = hashlib.sha256(FROZEN.read_bytes() + PREFIX.encode()).hexdigest()
    keys = [hashlib.sha256(f"{tower} {text}".encode()).hexdigest() for text in texts]
    path = folder / "texts.npz"
    known: dict[str, FloatArray] = {}
    if path.is_file():
        with np.load(path) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["embeddings"], strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        embedded = TextTower.load().embed(list(missing.values()))
        known |= dict(zip(missing, embedded, strict=True))
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, keys=np.array(list(known)), embeddings=np.stack(list(known.values())))
        temporary.replace(path)
    return np.stack([known[key] for key in keys])
