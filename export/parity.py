"""Gates: what crosses to the box computes what training computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from agent.bundle.manifest import TEXT_TOWER, TOKENIZER
from agent.core.errors import BundleError
from training.data.audioset import load_texts_file
from training.model.text_tower import PREFIX, TextTower

LEAST_COSINE = 0.98
_SENTENCES = 400


def check_text_parity(folder: Path, tower: TextTower) -> str:
    """Compare the written text tower and tokenizer with the ones in torch.

    Returns:
        A line with the figures.

    Raises:
        BundleError: token ids differ, or a cosine is under :data:`LEAST_COSINE`.
    """
    texts = [text.text for text in load_texts_file()]
    texts = texts[:: max(1, len(texts) // _SENTENCES)]
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    session = onnxruntime.InferenceSession(
        str(folder / TEXT_TOWER), providers=["CPUExecutionProvider"]
    )
    expected = tower.embed(texts)
    cosines = []
    for text, own in zip(texts, expected, strict=True):
        ids = tokenizer.encode(PREFIX + text).ids
        if ids != tower.tokenizer.encode(PREFIX + text).ids:
            raise BundleError(f"{folder / TOKENIZER}: other tokens for {text!r}; export it again")
        tokens = np.array([ids], np.int64)
        (found,) = session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
        cosines.append(float(found[0] @ own))
    if min(cosines) < LEAST_COSINE:
        raise BundleError(
            f"{folder / TEXT_TOWER}: cosine {min(cosines):.4f} to the float tower for "
            f"{texts[int(np.argmin(cosines))]!r}; at least {LEAST_COSINE} is asked for"
        )
    return (
        f"text tower: {len(texts)} texts, tokens equal, cosine to float at least "
        f"{min(cosines):.4f}, on average {np.mean(cosines):.4f}"
    )
