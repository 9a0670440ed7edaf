"""The audio tower learns to hear through noise what it hears without.

The tower as it was is the teacher: of a window in noise, at another level and by another
microphone its last blocks are to make what the teacher makes of the same window as recorded
(self-distillation; Hinton et al., arXiv 1503.02531). No label is needed, and the classes of
AudioSet stay as they are. Ordinary sound by itself is to stay what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.model.dual_encoder import DualEncoder

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class DenoiseConfig:
    """How it learns."""

    frozen_blocks: int = 11
    """First blocks of the tower, which stay; the others hold most of the weights."""
    copies: int = 6
    """Of each window, in noise."""
    steps: int = 400
    windows: int = 192
    """Of a batch, each as recorded or as one of its copies."""
    ordinary: int = 32
    """Windows of ordinary sound of a batch."""
    learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class NoisyWindows:
    """What the frozen blocks make of windows; half precision, some kilobytes each."""

    stems: Tensor
    """As recorded, then the copies: ``(windows, 1 + copies, channels, bands, frames)``."""
    ordinary: Tensor
    """Of ordinary sound, ``(windows, channels, bands, frames)``."""


def denoise(
    model: DualEncoder, heard: NoisyWindows, config: DenoiseConfig
) -> Iterator[tuple[int, float]]:
    """Teach a model's tower, in place; the model is ready for inference afterwards.

    Args:
        model: whose tower learns; its batch norms keep their statistics.
        heard: by the model's own frozen blocks.
        config: how.

    Yields:
        After each step its number from 1 on, and how far the views of its windows are from the
        teacher's: ``1 - cosine`` of classes and of the hidden layer, in sum.
    """
    chance = torch.Generator().manual_seed(config.seed)
    model.eval()
    # What the teacher makes of them: the model, before it has learned anything.
    targets = _views(model, heard.stems[:, 0], config.frozen_blocks)
    ordinary = _views(model, heard.ordinary, config.frozen_blocks)
    tower = model.tower
    tower.requires_grad_(requires_grad=True)
    tower.freeze(config.frozen_blocks)
    for fixed in (tower.class_rows, tower.class_biases):
        fixed.requires_grad = False
    learned = [weight for weight in tower.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps, pct_start=0.1
    )
    for step in range(1, config.steps + 1):
        rows = torch.randint(len(heard.stems), (config.windows,), generator=chance)
        copied = torch.randint(heard.stems.shape[1], rows.shape, generator=chance)
        others = torch.randint(len(ordinary), (config.ordinary,), generator=chance)
        stems = torch.cat([heard.stems[rows, copied], heard.ordinary[others]]).float()
        made = model.audio_head.views(tower.rest(stems, config.frozen_blocks))
        far = _apart(made, torch.cat([targets[rows], ordinary[others]]), tower.classes)
        optimizer.zero_grad()
        far.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        yield step, float(far.detach())
    tower.requires_grad_(requires_grad=True)


@torch.inference_mode()
def _views(model: DualEncoder, stems: Tensor, blocks: int) -> Tensor:
    """Both views of windows, ``(windows, classes + hidden_size)``."""
    parts = [
        model.audio_head.views(model.tower.rest(stems[at : at + _AT_ONCE].float(), blocks))
        for at in range(0, len(stems), _AT_ONCE)
    ]
    return torch.cat(parts)


def _apart(views: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Mean of ``1 - cosine``: of classes and of the hidden layer, in sum."""
    posterior, hidden = (
        functional.cosine_similarity(views[:, part], targets[:, part]).mean()
        for part in (slice(classes), slice(classes, None))
    )
    return 2.0 - posterior - hidden
