"""What an audio tower is: sound in, a hidden layer and AudioSet's classes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from agent.bundle.manifest import Attribution, FrontendConstants


@dataclass(frozen=True, slots=True)
class Activations:
    """What a tower hears in a window."""

    hidden: Tensor
    """Last hidden layer, shape ``(batch, hidden_size)``."""
    logits: Tensor
    """AudioSet's classes before the sigmoid, shape ``(batch, classes)``."""


class AudioTower(nn.Module, ABC):
    """A network of blocks, one after the other; the first ones can be frozen."""

    frontend = FrontendConstants()
    """Of the log-mel that it hears."""
    hidden_size: int
    classes: int

    def forward(self, log_mel: Tensor) -> Activations:
        """Activations of a batch of normalised log-mels, shape ``(batch, n_mels, n_frames)``."""
        return self.rest(self.stem(log_mel, 0), 0)

    @abstractmethod
    def stem(self, log_mel: Tensor, blocks: int) -> Tensor:
        """What the first blocks make of normalised log-mels, ``(batch, ...)``.

        With them frozen, a training computes this once.
        """

    @abstractmethod
    def rest(self, x: Tensor, blocks: int) -> Activations:
        """Activations of what :meth:`stem` made with the same number of blocks."""

    @abstractmethod
    def freeze(self, blocks: int) -> None:
        """Let no training change the first blocks."""

    @property
    @abstractmethod
    def class_rows(self) -> Tensor:
        """The last layer's weights, a row for each class, shape ``(classes, hidden_size)``."""

    @property
    @abstractmethod
    def class_biases(self) -> Tensor:
        """The last layer's biases, shape ``(classes,)``."""


@dataclass(frozen=True, slots=True)
class TowerKind:
    """An audio tower that a model may have, by name."""

    name: str
    """As checkpoints have it."""
    title: str
    """As a model card has it."""
    blocks: int
    """That can be frozen."""
    make: Callable[[], AudioTower]
    """Without the published weights."""
    load: Callable[[Path], AudioTower]
    """With them, from the data folder, ready for inference."""
    attribution: Attribution
    """Of the weights."""
