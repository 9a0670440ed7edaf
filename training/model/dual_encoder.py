"""The dual encoder: audio and text into one space, compared by cosine."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from training.model.audio_tower import Activations
from training.model.heads import AudioHead, KernelHead, LevelNorm, ModelConfig
from training.model.towers import tower_kind


class DualEncoder(nn.Module):
    """Both ways into the joint space; the text tower itself is frozen and kept apart."""

    def __init__(self, config: ModelConfig) -> None:
        """Make a model without weights.

        Raises:
            ValueError: there is no such audio tower.
        """
        super().__init__()
        self.config = config
        self.tower = tower_kind(config.tower).make()
        self.level = LevelNorm(config, self.tower.frontend)
        self.audio_head = AudioHead(self.tower, config)
        self.text_head = KernelHead(config)
        self.log_logit_scale = nn.Parameter(torch.tensor(20.0).log())

    @property
    def logit_scale(self) -> Tensor:
        """What cosines are multiplied by before a softmax."""
        return self.log_logit_scale.exp()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.log_logit_scale.device

    def listen(self, log_mel: Tensor) -> Activations:
        """The tower's activations at the reference level."""
        heard: Activations = self.tower(self.level(log_mel))
        return heard

    def encode_audio(self, log_mel: Tensor) -> Tensor:
        """Unit embeddings ``(batch, embedding_size)`` of ``(batch, n_mels, n_frames)``."""
        embedding: Tensor = self.audio_head(self.listen(log_mel))
        return embedding

    def stem(self, log_mel: Tensor, blocks: int) -> Tensor:
        """What the tower's first blocks make of log-mels at the reference level."""
        return self.tower.stem(self.level(log_mel), blocks)

    def encode_stem(self, stem: Tensor, blocks: int) -> Tensor:
        """Unit embeddings ``(batch, embedding_size)`` of what :meth:`stem` made."""
        embedding: Tensor = self.audio_head(self.tower.rest(stem, blocks))
        return embedding

    def encode_text(self, text_embedding: Tensor) -> Tensor:
        """Unit embeddings ``(batch, embedding_size)`` of the text tower's embeddings."""
        embedding: Tensor = self.text_head(text_embedding)
        return embedding


@torch.no_grad()
def between(start: DualEncoder, trained: DualEncoder, share: float) -> DualEncoder:
    """The model that lies so far from the start, 0, towards what was trained, 1.

    Weights in between keep most of what either end knows (WiSE-FT, Wortsman et al., "Robust
    fine-tuning of zero-shot models", CVPR 2022).
    """
    result = copy.deepcopy(trained)
    for own, old in zip(result.parameters(), start.parameters(), strict=True):
        own.lerp_(old, 1.0 - share)
    result.text_head.round_to_half()
    return result
