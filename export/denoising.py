"""Before a bundle gets its heads, the tower learns from recordings to hear through noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from export.acoustic import heard_takes, in_noise, machine_noise, padded, windows_of
from export.onnx import WINDOW_FRAMES
from training.data.augment import background_log_mels
from training.data.takes import Take
from training.model.dual_encoder import DualEncoder
from training.train.denoise import DenoiseConfig, NoisyWindows, denoise

_NOISES, _SEED = 400, 20_261_201
_ORDINARY = 512
_AT_ONCE = 64
_EACH = 50
"""Steps between two lines."""


def hear_through_noise(
    model: DualEncoder, data: Path, known: Sequence[Take], config: DenoiseConfig | None = None
) -> None:
    """Teach a model's tower, in place.

    Args:
        model: whose tower learns.
        data: the shared data folder.
        known: recordings of it to learn from.
        config: how.
    """
    config = config or DenoiseConfig()
    heard = _heard(model, data, known, config)
    print(f"learning to hear {len(heard.stems)} windows through noise", flush=True)
    for step, far in denoise(model, heard, config):
        if step % _EACH == 0:
            print(f"step {step} of {config.steps}: {far:.4f} from the teacher", flush=True)


@torch.inference_mode()
def _heard(
    model: DualEncoder, data: Path, known: Sequence[Take], config: DenoiseConfig
) -> NoisyWindows:
    """Windows of recordings and their copies in noise, as the frozen blocks hear them."""
    rng, chance = np.random.default_rng(_SEED), torch.Generator().manual_seed(_SEED)
    noise = machine_noise(_NOISES, _SEED)
    stems = []
    for _, log_mel in heard_takes(data, known):
        plain = torch.stack(windows_of(padded(log_mel, rng), rng))
        copies = (in_noise(plain, noise, rng, chance) for _ in range(config.copies))
        made = [plain, *copies]
        stems.append(torch.stack([_stem(model, some, config) for some in made], dim=1))
    ordinary = background_log_mels(_ORDINARY, _SEED, WINDOW_FRAMES)
    parts = (ordinary[at : at + _AT_ONCE] for at in range(0, len(ordinary), _AT_ONCE))
    return NoisyWindows(torch.cat(stems), torch.cat([_stem(model, x, config) for x in parts]))


def _stem(model: DualEncoder, windows: torch.Tensor, config: DenoiseConfig) -> torch.Tensor:
    return model.stem(windows, config.frozen_blocks).half()
