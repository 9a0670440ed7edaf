"""A text head, and how it is fitted to pairs of captions, to people's ratings, or to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.data.records import Split
from training.evaluation.metrics import ndcg_at
from training.studies.graded_relevance.material import drawn_pairs
from training.train.losses.infonce import infonce
from training.train.losses.joint import (
    ConstantWeights,
    JointLoss,
    RampWeights,
    UncertaintyWeights,
)
from training.train.losses.listnet import listnet

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.core.records import FloatArray
    from training.data.arrays import Values
    from training.studies.graded_relevance.material import Lists, Material

_MOST_SCALE = 100.0
_FITS = 50.0
"""The rating from which on a recording counts as fitting, where grades are not looked at."""
_HIGHEST = 100.0


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How a head is fitted; the same for all arms, chosen on the validation lists."""

    steps: int = 300
    validate_every: int = 20
    pairs: int = 256
    """Recordings of a batch."""
    lists: int = 50
    """Rated captions of a batch."""
    learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    first_scale: float = 20.0
    """Logit scale at the beginning; learned."""
    temperature: float = 20.0
    """Of the ratings, in their unit."""
    depth: int = 10
    """Of the nDCG by which the best step is chosen on the validation lists."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to learn."""

    name: str
    told: str
    """What it learns from, in a few words."""
    weights: Callable[[], JointLoss]
    pairs: bool = True
    ratings: bool = True
    graded: bool = True
    """Whether ratings are learned as grades, not as yes and no."""


BINARY, CONTINUOUS, BINARISED = "binary", "continuous", "binarised"
JOINT = ("joint-constant", "joint-ramp", "joint-uncertainty")
ARMS = (
    Arm(BINARY, "pairs of captions alone, InfoNCE", ConstantWeights, ratings=False),
    Arm(CONTINUOUS, "people's ratings alone, ListNet", ConstantWeights, pairs=False),
    Arm(
        BINARISED,
        f"people's ratings as yes (from {_FITS:.0f} on) and no, ListNet",
        ConstantWeights,
        pairs=False,
        graded=False,
    ),
    Arm(JOINT[0], "both, equal weights", ConstantWeights),
    Arm(JOINT[1], "both, pairs first", RampWeights),
    Arm(JOINT[2], "both, learned weights", UncertaintyWeights),
)


class TextHead(nn.Module):
    """A linear layer over the frozen tower's centred embeddings; starts as the identity."""

    mean: Tensor

    def __init__(self, mean: FloatArray) -> None:
        """Compares at first as the tower does.

        Args:
            mean: of the texts to learn from, shape ``(text_size,)``. The tower's embeddings share
                a large part, which tells nothing.
        """
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.project = nn.Linear(len(mean), len(mean), bias=False)
        nn.init.eye_(self.project.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """Unit embeddings, shape ``(..., text_size)``, of the tower's."""
        return functional.normalize(self.project(rows - self.mean), dim=-1)

    def recordings(self, told: Tensor, present: Tensor) -> Tensor:
        """Unit embeddings of recordings by what tells them.

        Args:
            told: shape ``(..., captions, text_size)``.
            present: bool ``(..., captions)``.
        """
        views = self(told) * present[..., None]
        return functional.normalize(views.sum(dim=-2), dim=-1)

    def scores(self, lists: Lists) -> Tensor:
        """Cosines of rated captions and recordings, shape ``(lists, items)``."""
        recordings = self.recordings(torch.from_numpy(lists.told), torch.from_numpy(lists.present))
        return torch.einsum("ld,lid->li", self(torch.from_numpy(lists.captions)), recordings)


def untrained(material: Material) -> TextHead:
    """The head before it has learned: the tower's own cosines, centred."""
    flat = material.pairs.reshape(-1, material.pairs.shape[-1])
    return TextHead(flat.mean(axis=0, dtype=np.float64).astype(np.float32))


def scored(head: TextHead, lists: Lists) -> Values:
    """Cosines, float64 ``(lists, items)``."""
    with torch.inference_mode():
        found: Values = head.scores(lists).double().numpy()
    return found


def fit(arm: Arm, material: Material, seed: int, config: FitConfig | None = None) -> TextHead:
    """The head of the step that orders the validation lists best.

    Args:
        arm: what it learns from.
        material: lists and pairs.
        seed: of the batches.
        config: how.
    """
    config = config or FitConfig()
    rng = np.random.default_rng(seed)
    head, weights = untrained(material), arm.weights()
    log_scale = nn.Parameter(torch.tensor(config.first_scale).log())
    optimizer = torch.optim.AdamW(
        [
            {"params": head.parameters(), "weight_decay": config.weight_decay},
            {"params": [log_scale, *weights.parameters()], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
    )
    rated = material.lists[Split.TRAIN]
    best, kept = _judged(head, material, config), _copy(head)
    for step in range(config.steps):
        scale = log_scale.exp().clamp(max=_MOST_SCALE)
        binary = continuous = None
        if arm.pairs:
            drawn = drawn_pairs(material.pairs, config.pairs, rng)
            binary = _binary(head, scale, *drawn)
        if arm.ratings:
            some = rated.at(rng.permutation(len(rated))[: config.lists])
            continuous = _continuous(head, scale, some, config.temperature, graded=arm.graded)
        loss = weights(binary, continuous, step / config.steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % config.validate_every == 0:
            reached = _judged(head, material, config)
            if reached > best:
                best, kept = reached, _copy(head)
    head.load_state_dict(kept)
    return head


def _copy(head: TextHead) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in head.state_dict().items()}


def _judged(head: TextHead, material: Material, config: FitConfig) -> float:
    lists = material.lists[Split.VALIDATION]
    found = ndcg_at(scored(head, lists), lists.ratings, config.depth, rated=lists.rated)
    return float(found.mean())


def _binary(head: TextHead, scale: Tensor, captions: FloatArray, others: FloatArray) -> Tensor:
    """InfoNCE of captions and what else tells their recordings, see :func:`drawn_pairs`."""
    present = torch.ones(others.shape[:-1], dtype=torch.bool)
    recordings = head.recordings(torch.from_numpy(others), present)
    return infonce(scale * head(torch.from_numpy(captions)) @ recordings.T)


def _continuous(
    head: TextHead, scale: Tensor, lists: Lists, temperature: float, *, graded: bool
) -> Tensor:
    """ListNet of rated lists."""
    ratings = lists.ratings if graded else _HIGHEST * (lists.ratings >= _FITS)
    return listnet(
        scale * head.scores(lists),
        torch.from_numpy(ratings),
        torch.from_numpy(lists.rated),
        temperature,
    )
