"""Models between a start and what was trained from it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from training.model.dual_encoder import DualEncoder


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
