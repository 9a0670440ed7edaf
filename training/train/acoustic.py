"""The acoustic view: a linear map under which recordings of the same thing lie near each other.

What a tower hears, but no class names, lies in the averages and maxima of its inner blocks. The map
is fitted to draw together recordings of one series and copies of one recording in noise, at other
levels and through other microphones (supervised contrastive loss, Khosla et al., arXiv
2004.11362), and to push all others apart.
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

ACOUSTIC_SIZE = 256
_TINY = 1e-4


@dataclass(frozen=True, slots=True)
class AcousticConfig:
    """How the map is fitted; chosen on validation recordings."""

    steps: int = 800
    things: int = 128
    """Of a batch: series, or recordings that are the only one of theirs."""
    recordings: int = 2
    """Of each thing, at most."""
    windows: int = 4
    """Of each thing."""
    learning_rate: float = 5e-4
    temperature: float = 0.1
    dropout: float = 0.2
    """Share of the features that a window does without."""
    shrinkage: float = 0.3
    """Of the covariance within things, by whose inverse the map begins (WCCN)."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """Windows to learn from."""

    features: FloatArray
    """Shape ``(windows, features)``."""
    recording: Numbers
    """Of each window."""
    thing: Numbers
    """Of each window: what it is a recording of."""


@dataclass(frozen=True, slots=True)
class AcousticHead:
    """The map: ``features @ weight + bias``, then to unit length."""

    weight: FloatArray
    """Shape ``(features, ACOUSTIC_SIZE)``."""
    bias: FloatArray
    """Shape ``(ACOUSTIC_SIZE,)``."""

    def __call__(self, features: FloatArray) -> FloatArray:
        """Unit embeddings, ``(windows, ACOUSTIC_SIZE)``."""
        mapped = features @ self.weight + self.bias
        unit: FloatArray = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
        return unit


def fit(material: Material, config: AcousticConfig | None = None) -> AcousticHead:
    """Fit the map.

    Args:
        material: windows of at least two things.
        config: how.
    """
    config = config or AcousticConfig()
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    mean, std = material.features.mean(axis=0), material.features.std(axis=0) + _TINY
    scaled = ((material.features - mean) / std).astype(np.float32)
    weight = nn.Parameter(torch.from_numpy(_whitening(scaled, material.thing, config.shrinkage)))
    windows = torch.from_numpy(scaled)
    batches = _Batches(material, config, rng)
    optimizer = torch.optim.Adam([weight], lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    for _ in range(config.steps):
        rows = batches.draw()
        kept = functional.dropout(windows[rows], config.dropout)
        embedded = functional.normalize(kept @ weight, dim=1)
        loss = contrastive(embedded, torch.from_numpy(material.thing[rows]), config.temperature)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    whole = weight.detach().numpy() / std[:, None]
    return AcousticHead(whole.astype(np.float32), (-mean @ whole).astype(np.float32))


def contrastive(embedded: Tensor, things: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss over all windows that have a partner.

    Args:
        embedded: unit length, shape ``(windows, dim)``.
        things: of each window, shape ``(windows,)``.
        temperature: of the similarities.
    """
    itself = torch.eye(len(embedded), dtype=torch.bool)
    similarity = (embedded @ embedded.T / temperature).masked_fill(itself, float("-inf"))
    log_share = similarity - similarity.logsumexp(dim=1, keepdim=True)
    partners = (things[:, None] == things[None, :]) & ~itself
    count = partners.sum(dim=1)
    summed = log_share.masked_fill(~partners, 0.0).sum(dim=1)
    return -(summed[count > 0] / count[count > 0]).mean()


def _whitening(scaled: FloatArray, thing: Numbers, shrinkage: float) -> FloatArray:
    """Where the fit begins: within things whitened, then the directions that differ most.

    Within-class covariance normalisation (Hatch et al., Interspeech 2006); the spread is brought
    to one, so that a learning rate means the same for any number of features.
    """
    order = np.argsort(thing, kind="stable")
    starts = np.flatnonzero(np.diff(thing[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    centres = np.add.reduceat(scaled[order], starts, axis=0) / sizes[:, None]
    within = scaled[order] - np.repeat(centres, sizes, axis=0)
    within /= np.sqrt(np.repeat(sizes, sizes))[:, None]  # no thing of many windows rules
    covariance = (within.T @ within / len(sizes)).astype(np.float64)
    even = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh((1.0 - shrinkage) * covariance + shrinkage * even)
    white = vectors / np.sqrt(values)
    _, principal = np.linalg.eigh(np.cov((scaled @ white).T))
    weight = white @ principal[:, ::-1][:, :ACOUSTIC_SIZE]
    chosen: FloatArray = (weight / (scaled @ weight).std()).astype(np.float32)
    return chosen


class _Batches:
    """Windows of some things at a time, of each as many of each recording."""

    def __init__(
        self, material: Material, config: AcousticConfig, rng: np.random.Generator
    ) -> None:
        self._config, self._rng = config, rng
        self._windows = _groups(material.recording)
        recordings, first = np.unique(material.recording, return_index=True)
        by_thing = _groups(material.thing[first])
        self._recordings: list[Sequence[int]] = [recordings[rows].tolist() for rows in by_thing]

    def draw(self) -> Numbers:
        config, rng, rows = self._config, self._rng, []
        for thing in rng.permutation(len(self._recordings))[: config.things]:
            own = rng.permutation(self._recordings[thing])[: config.recordings]
            for recording in own:
                windows = rng.permutation(self._windows[recording])
                rows.append(windows[: config.windows // len(own)])
        return np.concatenate(rows)


def _groups(labels: Numbers) -> list[Numbers]:
    """Rows of each label from 0 on."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
