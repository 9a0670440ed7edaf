"""What a dual encoder has besides its towers: a reference level, and a head for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.bundle.manifest import FrontendConstants
from training.data.frontend import to_log_mel, to_power
from training.model.audio_tower import Activations, AudioTower
from training.model.towers import DEFAULT


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes and fixed numbers of a :class:`DualEncoder`; the rest are weights."""

    embedding_size: int
    """Of the joint space."""
    landmarks: int
    """Texts that span the text head's kernel."""
    text_size: int = 384
    temperature: float = 1.0
    """Width of the text head's kernel."""
    hidden_weight: float = 0.5
    """Weight of the hidden layer beside the posterior of the classes."""
    reference_power: float = 0.1
    """Mean mel power that a window is brought to."""
    most_gain: float = 1e5
    """Power gain of the level normalisation at most (50 dB)."""
    tower: str = field(default=DEFAULT, repr=False)
    """Name of the audio tower. Names of teachers are made of all else, and of its weights."""


class LevelNorm(nn.Module):
    """Brings a window to a reference level, so that a sound far away embeds like one nearby.

    Works on the normalised log-mel: the frontend stays free of the window, and each frame is
    computed once however many windows it is part of.
    """

    def __init__(self, config: ModelConfig, constants: FrontendConstants) -> None:
        super().__init__()
        self.config = config
        self.constants = constants

    def forward(self, log_mel: Tensor) -> Tensor:
        """Normalised log-mel at the reference level, same shape ``(batch, n_mels, n_frames)``."""
        power = to_power(log_mel, self.constants)
        mean = power.mean(dim=(1, 2), keepdim=True)
        gain = (self.config.reference_power / (mean + 1e-12)).clamp(max=self.config.most_gain)
        return to_log_mel(power * gain, self.constants)


class AudioHead(nn.Module):
    """The tower's two views of a window, projected to the joint space.

    The square roots of the classes' posteriors make the cosine a Bhattacharyya coefficient of
    what is heard and what is described; the hidden layer adds what no class names. The last
    coordinate is the length of what the projection leaves out: texts have none of it, so their
    cosine with a window is the one that they would have in the space of both views.
    """

    def __init__(self, tower: AudioTower, config: ModelConfig) -> None:
        super().__init__()
        self.hidden_weight = config.hidden_weight
        self.project = nn.Linear(
            tower.classes + tower.hidden_size, config.embedding_size - 1, bias=False
        )

    def views(self, heard: Activations) -> Tensor:
        """Both views side by side, shape ``(batch, classes + hidden_size)``."""
        posterior = functional.normalize(torch.sqrt(torch.sigmoid(heard.logits) + 1e-12), dim=-1)
        hidden = functional.normalize(heard.hidden, dim=-1)
        return torch.cat([posterior, self.hidden_weight * hidden], dim=-1)

    def forward(self, heard: Activations) -> Tensor:
        """Unit embeddings, shape ``(batch, embedding_size)``."""
        views = self.views(heard)
        projected = self.project(views)
        left_out = views.square().sum(dim=-1, keepdim=True) - projected.square().sum(
            dim=-1, keepdim=True
        )
        rest = torch.sqrt(left_out.clamp(min=1e-12))
        return functional.normalize(torch.cat([projected, rest], dim=-1), dim=-1)


class KernelHead(nn.Module):
    """Text embeddings to the joint space: kernel ridge regression over landmark texts.

    Nyström's approximation (Williams and Seeger, NIPS 2000) keeps it small; as a module it is a
    layer of radial units and a linear one, and can be trained on.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.temperature = config.temperature
        self.mean = nn.Parameter(torch.zeros(config.text_size))
        self.landmarks = nn.Parameter(torch.zeros(config.landmarks, config.text_size))
        self.output = nn.Linear(config.landmarks, config.embedding_size)

    def forward(self, text_embedding: Tensor) -> Tensor:
        """Unit embeddings, shape ``(batch, embedding_size)``, of the text tower's."""
        centred = functional.normalize(text_embedding - self.mean, dim=-1)
        kernel = torch.exp((centred @ self.landmarks.T - 1.0) / self.temperature)
        return functional.normalize(self.output(kernel), dim=-1)

    @torch.no_grad()
    def round_to_half(self) -> None:
        """Round the matrices to half precision, as a bundle stores them."""
        for matrix in (self.landmarks, self.output.weight):
            matrix.copy_(matrix.to(torch.float16))
