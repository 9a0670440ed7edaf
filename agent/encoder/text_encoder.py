"""Texts to unit embeddings in the joint space: tokenizer, frozen text tower, head.

Loaded only where texts are embedded (the worker of :mod:`agent.encoder.text`, commands that
score files): the tower is the largest part of a bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from agent.bundle.manifest import TEXT_HEAD, TEXT_TOWER, TOKENIZER
from agent.bundle.onnx_graph import Graph, Tensor
from agent.core.errors import BundleError, TextError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

_TOWER_SIZE = 384  # of multilingual-e5-small's embeddings
_UNKNOWN = "<unk>"
_QUOTED_CHARACTERS = 40
_LISTED_CHARACTERS = 10


class TextEncoder:
    """The text side of a bundle.

    Each text is computed by itself: without padding, its embedding depends on no other text.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """Load tokenizer, tower and head.

        Raises:
            BundleError: one of them cannot be used or does not fit the manifest.
        """
        self._settings = bundle.manifest.text
        self._size = bundle.manifest.embedding_size
        self._tokenizer = _tokenizer(bundle)
        self._unknown = self._tokenizer.token_to_id(_UNKNOWN)
        self._nothing = self._tokenizer.encode(self._settings.prefix).ids
        tokens = (None, None)
        between = Tensor("text_embedding", (None, _TOWER_SIZE))
        self._tower = Graph(
            bundle.path(TEXT_TOWER),
            [Tensor("input_ids", tokens, "int64"), Tensor("attention_mask", tokens, "int64")],
            between,
            threads=threads,
        )
        self._head = Graph(
            bundle.path(TEXT_HEAD),
            [between],
            Tensor("embedding", (None, self._size)),
            threads=threads,
        )

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts.

        Returns:
            Unit embeddings in the order of the texts, float32, shape ``(texts, embedding_size)``.

        Raises:
            TextError: a text is empty, too long, or holds characters that the bundle does not
                know; none is embedded then.
        """
        tokens = [self._tokens(text) for text in texts]
        rows = [self._embedding(ids) for ids in tokens]
        return np.concatenate([np.empty((0, self._size), np.float32), *rows])

    def _embedding(self, ids: list[int]) -> FloatArray:
        row = np.array([ids], np.int64)
        between = self._tower.run({"input_ids": row, "attention_mask": np.ones_like(row)})
        return self._head.run({"text_embedding": between})

    def _tokens(self, text: str) -> list[int]:
        """A text's tokens, if all of it can be read."""
        if not text.strip():
            raise TextError(f"text {_quoted(text)}: is empty; write what is to be heard")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TextError(
                f"text {_quoted(text)}: its character {error.start + 1} is broken (half of a "
                "surrogate pair); write it again"
            ) from error
        whole = self._settings.prefix + text
        encoding = self._tokenizer.encode(whole)
        ids: list[int] = encoding.ids
        if unknown := self._unknown_characters(whole, ids, encoding.offsets):
            languages = ", ".join(self._settings.languages)
            raise TextError(
                f"text {_quoted(text)}: the bundle does not know {unknown}; "
                f"write it in one of its languages ({languages})"
            )
        if ids == self._nothing:
            raise TextError(f"text {_quoted(text)}: holds no letters; write what is to be heard")
        if len(ids) > self._settings.max_tokens:
            raise TextError(
                f"text {_quoted(text)}: {len(ids)} tokens, but the bundle reads up to "
                f"{self._settings.max_tokens}; shorten it"
            )
        return ids

    def _unknown_characters(
        self, whole: str, ids: list[int], offsets: list[tuple[int, int]]
    ) -> str:
        """The characters behind unknown tokens, each once, as a list for people."""
        pieces = [
            whole[a:b] for token, (a, b) in zip(ids, offsets, strict=True) if token == self._unknown
        ]
        found = list(dict.fromkeys(c for piece in pieces for c in piece if not c.isspace()))
        listed = " ".join(found[:_LISTED_CHARACTERS])
        return f"{listed} ..." if len(found) > _LISTED_CHARACTERS else listed


def _tokenizer(bundle: Bundle) -> Tokenizer:
    path = bundle.path(TOKENIZER)
    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes())
    except Exception as error:  # what tokenizers raises has no class of its own
        raise BundleError(f"{path}: no tokenizer ({error}); install the bundle again") from error
    if tokenizer.token_to_id(_UNKNOWN) is None:
        raise BundleError(f"{path}: has no {_UNKNOWN} token; export the bundle again")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _quoted(text: str) -> str:
    """A text on one line, its end left out where it is long."""
    shown = text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…"
    return repr(shown)
