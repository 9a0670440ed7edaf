"""The learned head: what recordings teach of words, beside what the bootstrap knows of them.

Features of several depths of the audio tower on one side, what a text sounds like in AudioSet's
classes on the other, each through a small network into one space. Symmetric InfoNCE draws a
recording to the wordings of its label; meanings that sound alike share a part of the target
(ListNet on estimated relevance), so that a text which no recording has taught lies between those
that it resembles. Ordinary sound is among what a text is told apart from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.core.records import FloatArray
from training.data.arrays import Numbers
from training.data.sentences import LANGUAGES

_TINY = 1e-4
_MOST_SCALE = 50.0


@dataclass(frozen=True, slots=True)
class LearnedConfig:
    """How the head is fitted; chosen on validation recordings."""

    size: int = 256
    """Of its space."""
    hidden: int = 512
    """Units of the layer between, on both sides."""
    steps: int = 1200
    meanings: int = 160
    """Of a batch; of each two windows and one wording."""
    noises: int = 64
    """Windows of ordinary sound of a batch."""
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    first_scale: float = 15.0
    """Logit scale at the beginning; learned."""
    shared: float = 0.3
    """Of the target, for meanings that sound alike."""
    temperature: float = 0.1
    """Of the likeness of meanings."""
    feature_dropout: float = 0.2
    dropout: float = 0.3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LabelledWindows:
    """Windows of recordings with a meaning."""

    features: FloatArray
    """Of windows, shape ``(windows, features)``."""
    recording: Numbers
    """Of each window."""
    meaning: Numbers
    """Of each window, from 0 on; -1 where it has none."""
    ordinary: FloatArray
    """Features of ordinary sound, shape ``(windows, features)``."""


@dataclass(frozen=True, slots=True)
class Network:
    """Two layers with a rectifier between, then unit length."""

    first: FloatArray
    """Shape ``(inputs, hidden)``."""
    first_bias: FloatArray
    second: FloatArray
    """Shape ``(hidden, size)``."""
    second_bias: FloatArray

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Unit embeddings, shape ``(rows, size)``."""
        inner = np.maximum(rows @ self.first + self.first_bias, 0.0)
        mapped = inner @ self.second + self.second_bias
        unit: FloatArray = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
        return unit


@dataclass(frozen=True, slots=True)
class LearnedHead:
    """Both sides of the head."""

    audio: Network
    text: Network


class _Side(nn.Module):
    def __init__(self, inputs: int, config: LearnedConfig, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout, config.dropout
        self.first = nn.Linear(inputs, config.hidden)
        self.second = nn.Linear(config.hidden, config.size)

    def forward(self, rows: Tensor) -> Tensor:
        before, between = self.dropout
        inner = functional.relu(self.first(functional.dropout(rows, before)))
        return functional.normalize(self.second(functional.dropout(inner, between)), dim=-1)

    def network(self, scale: FloatArray | float, shift: FloatArray | float) -> Network:
        """With what its inputs were scaled by: ``(rows - shift) / scale``."""
        first, second = self.first, self.second
        weight = first.weight.detach().numpy().T / np.reshape(scale, (-1, 1))
        bias = first.bias.detach().numpy() - np.broadcast_to(shift, len(weight)) @ weight
        return Network(
            weight.astype(np.float32),
            bias.astype(np.float32),
            second.weight.detach().numpy().T.copy(),
            second.bias.detach().numpy().copy(),
        )


def fit(
    labelled: LabelledWindows,
    texts: Sequence[Sequence[FloatArray]],
    config: LearnedConfig | None = None,
) -> LearnedHead:
    """Fit both sides.

    Args:
        labelled: windows with meanings.
        texts: embeddings of the wordings of each meaning, for each language one array of shape
            ``(wordings, inputs)``, unit length.
        config: how.
    """
    config = config or LearnedConfig()
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    mean, std = labelled.features.mean(axis=0), labelled.features.std(axis=0) + _TINY
    windows = torch.from_numpy(((labelled.features - mean) / std).astype(np.float32))
    ordinary = torch.from_numpy(((labelled.ordinary - mean) / std).astype(np.float32))
    inputs = texts[0][0].shape[1]
    # Unit length has small coordinates: brought to about one each.
    scale = float(1.0 / np.sqrt(inputs))
    audio = _Side(windows.shape[1], config, config.feature_dropout)
    text = _Side(inputs, config, config.feature_dropout)
    log_scale = nn.Parameter(torch.tensor(config.first_scale).log())
    parameters = [*audio.parameters(), *text.parameters(), log_scale]
    optimizer = torch.optim.AdamW(
        parameters, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps, pct_start=0.1
    )
    batches = _Batches(labelled, texts, config, rng)
    likeness = _likeness(texts, config.temperature)
    for _ in range(config.steps):
        chosen, rows, wordings = batches.draw()
        audio_views = audio(windows[rows])
        text_views = text(torch.from_numpy(wordings / scale))
        noise = audio(ordinary[rng.integers(len(ordinary), size=config.noises)])
        target = _target(likeness[chosen][:, chosen], config.shared)
        logit_scale = log_scale.exp().clamp(max=_MOST_SCALE)
        loss = _loss(
            logit_scale * audio_views @ text_views.T, logit_scale * noise @ text_views.T, target
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return LearnedHead(audio.network(std, mean), text.network(scale, 0.0))


def _loss(scores: Tensor, noise: Tensor, target: Tensor) -> Tensor:
    """Windows find their meaning, meanings their windows among noise too.

    Args:
        scores: ``(2 x meanings, meanings)``, two windows of each meaning one after the other.
        noise: ``(noises, meanings)``.
        target: rows of a distribution over meanings, ``(meanings, meanings)``.
    """
    both = torch.cat([target, target])
    windows = -(both * scores.log_softmax(dim=1)).sum(dim=1).mean()
    among = torch.cat([scores, noise]).T.log_softmax(dim=1)[:, : len(scores)]
    return windows - (both.T / 2.0 * among).sum(dim=1).mean()


def _target(likeness: Tensor, shared: float) -> Tensor:
    return (1.0 - shared) * torch.eye(len(likeness)) + shared * likeness.softmax(dim=1)


def _likeness(texts: Sequence[Sequence[FloatArray]], temperature: float) -> Tensor:
    """How alike meanings sound by their plainest wordings, over the temperature."""
    plain = np.stack([sum(rows[0] for rows in of_language) for of_language in texts])
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    return torch.from_numpy((plain @ plain.T / temperature).astype(np.float32))


class _Batches:
    """Meanings at a time; of each two windows, of two recordings where it has as many."""

    def __init__(
        self,
        labelled: LabelledWindows,
        texts: Sequence[Sequence[FloatArray]],
        config: LearnedConfig,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._rng, self._texts = config, rng, texts
        self._windows: list[list[Numbers]] = []
        for meaning in range(len(texts)):
            rows = np.flatnonzero(labelled.meaning == meaning)
            own = labelled.recording[rows]
            self._windows.append([rows[own == recording] for recording in np.unique(own)])
        # Of meanings with many recordings more is to be learned, but not as much more.
        share = np.sqrt([len(recordings) for recordings in self._windows])
        self._share = share / share.sum()

    def draw(self) -> tuple[Numbers, Numbers, FloatArray]:
        """Meanings, rows of windows (the first of each, then the second), and wordings."""
        rng, size = self._rng, min(self._config.meanings, int((self._share > 0).sum()))
        chosen = rng.choice(len(self._share), size, replace=False, p=self._share)
        first, second, wordings = [], [], []
        for meaning in chosen:
            recordings = self._windows[meaning]
            order = rng.permutation(len(recordings))
            first.append(rng.choice(recordings[order[0]]))
            second.append(rng.choice(recordings[order[min(1, len(order) - 1)]]))
            of_language = self._texts[meaning][int(rng.integers(len(LANGUAGES)))]
            wordings.append(of_language[int(rng.integers(len(of_language)))])
        return chosen, np.array(first + second), np.stack(wordings)
