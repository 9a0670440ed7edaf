"""A tower learns to make of noisy windows what it made of plain ones."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig
from training.model.mobilenet import MN04
from training.train.denoise import DenoiseConfig, NoisyWindows, denoise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_CONFIG = DenoiseConfig(steps=12, windows=16, ordinary=4, learning_rate=1e-3)


@pytest.fixture(scope="module")
def model(data_dir: Path) -> DualEncoder:
    """The published tower; heads of chance."""
    made = DualEncoder(ModelConfig(embedding_size=2, landmarks=1))
    made.tower = MN04.load(data_dir)
    return made.eval()


@pytest.fixture(scope="module")
def heard(model: DualEncoder) -> NoisyWindows:
    """Sounds of chance, and two copies of each in noise."""
    chance = torch.Generator().manual_seed(2)
    plain = torch.randn(12, 128, 40, generator=chance).cumsum(dim=2) / 4.0
    noisy = [plain + torch.randn(plain.shape, generator=chance) for _ in range(2)]
    with torch.inference_mode():
        stems = [model.stem(some, _CONFIG.frozen_blocks).half() for some in (plain, *noisy)]
        ordinary = model.stem(torch.randn(9, 128, 40, generator=chance), _CONFIG.frozen_blocks)
    return NoisyWindows(torch.stack(stems, dim=1), ordinary.half())


@pytest.fixture(scope="module")
def taught(model: DualEncoder, heard: NoisyWindows) -> DualEncoder:
    """The model after a few steps."""
    learner = copy.deepcopy(model)
    told = list(denoise(learner, heard, _CONFIG))
    assert [step for step, _ in told] == list(range(1, 13))
    return learner


def test_noisy_windows_come_near_to_plain_ones(
    model: DualEncoder, heard: NoisyWindows, taught: DualEncoder
) -> None:
    """Of windows in noise it makes more nearly what the teacher makes of plain ones."""
    blocks = _CONFIG.frozen_blocks
    with torch.inference_mode():
        aim, before, after = (
            some.audio_head.views(some.tower.rest(heard.stems[:, copied].float(), blocks))
            for some, copied in ((model, 0), (model, 1), (taught, 1))
        )
    assert (after - aim).norm(dim=1).mean() < 0.8 * (before - aim).norm(dim=1).mean()


def test_frozen_blocks_classes_and_statistics_stay(model: DualEncoder, taught: DualEncoder) -> None:
    """What other parts rely on is untouched; the blocks behind are not."""
    before, after = model.tower.state_dict(), taught.tower.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    blocks = {int(name.split(".")[1]) for name in changed if name.startswith("features.")}
    assert blocks == set(range(_CONFIG.frozen_blocks, 17))
    rest = {name for name in changed if not name.startswith("features.")}
    assert rest == {"classifier.2.weight", "classifier.2.bias"}
    assert not [name for name in changed if "running" in name]


def test_the_same_seed_gives_the_same_tower(model: DualEncoder, heard: NoisyWindows) -> None:
    """Bit for bit."""
    both = [copy.deepcopy(model) for _ in range(2)]
    for learner in both:
        list(denoise(learner, heard, replace(_CONFIG, steps=3)))
    first, second = (learner.tower.state_dict() for learner in both)
    assert all(torch.equal(first[name], second[name]) for name in first)
