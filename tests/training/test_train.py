"""The joint training, on a small world."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tests.training.small import small_manifest, small_model, small_sounds, small_texts
from training import checkpoint
from training.config import BatchConfig, LossConfig, OptimiserConfig, TrainConfig, Weighting
from training.data.records import Manifest, RatingKind
from training.train import Material, Trainer, gather, judge

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_FREE = LossConfig(weighting=Weighting.CONSTANT, keep_texts=0.0, keep_audio=0.0)
_BATCH = BatchConfig(pairs=8, lists=4, list_items=4, texts=4, window_s=1.0)
_FAST = OptimiserConfig(tower_rate=1e-3, head_rate=3e-2)


def _material(manifest: Manifest | None = None) -> Material:
    manifest = manifest or small_manifest()
    kept = np.random.default_rng(5).standard_normal((20, 384)).astype(np.float32)
    return gather(manifest, small_sounds(manifest), small_texts(manifest), kept)


def _config(folder: Path, **changes: object) -> TrainConfig:
    config = TrainConfig(
        output=folder,
        steps=12,
        validate_every=4,
        patience=100,
        blend=1.0,
        augment=False,
        loss=_FREE,
        batch=_BATCH,
        optimiser=_FAST,
    )
    return replace(config, **changes)


def test_recordings_come_to_their_captions(tmp_path: Path) -> None:
    """After some steps, validation recordings are found by texts that they were not paired with."""
    config = _config(tmp_path, steps=40, validate_every=10)
    trainer = Trainer(small_model(), _material(), config)
    model = trainer.run()
    before = trainer.progress.history[0]["mAP@10"]
    assert trainer.progress.best > max(before, 0.8)
    assert judge(model, _material().validation)["mAP@10"] == pytest.approx(
        trainer.progress.best, abs=0.05
    )


def test_killed_and_resumed_gives_the_same_model(tmp_path: Path) -> None:
    """Every weight and every validation, as if nothing had happened."""
    augmented = {"augment": True}
    whole = Trainer(small_model(), _material(), _config(tmp_path / "whole", **augmented))
    whole.run()
    # Killed two steps after the state was saved: these are lost, and done again.
    killed = Trainer(small_model(), _material(), _config(tmp_path / "killed", **augmented))
    killed._validate(lambda _: None)
    for _ in range(4):
        killed.step()
    killed._validate(lambda _: None)
    for _ in range(2):
        killed.step()
    resumed = Trainer(small_model(), _material(), _config(tmp_path / "killed", **augmented))
    assert resumed.progress.step == 4
    resumed.run()
    assert resumed.progress == whole.progress
    own, expected = resumed.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(own[name], expected[name]) for name in expected)


def test_state_of_another_training_is_refused(tmp_path: Path) -> None:
    """Nobody goes on with other settings by mistake."""
    Trainer(small_model(), _material(), _config(tmp_path)).run()
    with pytest.raises(ValueError, match="with other settings"):
        Trainer(small_model(), _material(), _config(tmp_path, seed=1))


def test_ratings_drive_the_model(tmp_path: Path) -> None:
    """Lists whose order is flipped train to the flipped order."""
    manifest = small_manifest()
    flipped = tuple(replace(one, rating=100.0 - one.rating) for one in manifest.ratings)
    orders = []
    for at, ratings in enumerate((manifest.ratings, flipped)):
        material = _material(replace(manifest, ratings=ratings))
        loss = replace(_FREE, binary=0.0)
        config = _config(tmp_path / str(at), steps=60, validate_every=60, loss=loss)
        trainer = Trainer(small_model(), material, config)
        trainer.run()
        orders.append(_rated_order(trainer, material))
    assert min(orders[0]) > 0.7
    assert max(_rated_order(trainer, _material())) < -0.7
    assert min(orders[1]) > 0.7


def _rated_order(trainer: Trainer, material: Material) -> list[float]:
    """Correlation of cosines with ratings, of each list."""
    train = material.train
    with torch.inference_mode():
        heard = torch.cat([trainer.model.encode_audio(one[None]) for one in train.log_mels])
        cosine = trainer.model.encode_text(train.texts) @ heard.T
    return [
        float(np.corrcoef(cosine[one.caption, list(one.recordings)].numpy(), one.ratings)[0, 1])
        for one in train.lists
    ]


def test_near_the_start_it_stays_if_asked_to(tmp_path: Path) -> None:
    """What the start knew of other texts is kept."""
    moved = []
    for at, weight in enumerate((0.0, 1_000.0)):
        loss = replace(_FREE, keep_texts=weight, keep_audio=weight)
        trainer = Trainer(small_model(), _material(), _config(tmp_path / str(at), loss=loss))
        trainer.run()
        with torch.inference_mode():
            texts = trainer.model.encode_text(trainer.material.kept_texts)
        moved.append(float((1.0 - (texts * trainer.kept).sum(dim=-1)).mean()))
    assert moved[1] < 0.2 * moved[0]


def test_it_ends_when_nothing_gets_better(tmp_path: Path) -> None:
    """With rates of zero no validation improves on the first."""
    frozen = OptimiserConfig(tower_rate=0.0, head_rate=0.0)
    config = _config(tmp_path, steps=1_000, patience=2, optimiser=frozen)
    trainer = Trainer(small_model(), _material(), config)
    trainer.run()
    assert trainer.progress.step == 8
    assert checkpoint.load(tmp_path / "model.pt").config == small_model().config


def test_result_lies_between_the_start_and_what_was_trained(tmp_path: Path) -> None:
    """Half way, each weight is the mean of both; at 0 nothing has changed."""
    trainer = Trainer(small_model(), _material(), _config(tmp_path, blend=0.5))
    for _ in range(3):
        trainer.step()
    weight = trainer.result().audio_head.project.weight
    ends = (trainer.start.audio_head.project.weight, trainer.model.audio_head.project.weight)
    assert not torch.equal(*ends)
    torch.testing.assert_close(weight, (ends[0] + ends[1]) / 2)
    still = Trainer(small_model(), _material(), _config(tmp_path / "still", blend=0.0))
    still.step()
    unchanged = still.result().tower.state_dict()
    assert all(torch.equal(unchanged[k], v) for k, v in still.start.tower.state_dict().items())


@pytest.mark.parametrize("weighting", list(Weighting))
def test_every_weighting_trains(tmp_path: Path, weighting: Weighting) -> None:
    """The loss is finite from the first step to the last."""
    config = _config(tmp_path, loss=replace(_FREE, weighting=weighting))
    trainer = Trainer(small_model(), _material(), config)
    losses = [trainer.step() for _ in range(config.steps)]
    assert np.isfinite(losses).all()
    learned = [one for one in trainer.joint.parameters() if one.grad is not None]
    assert bool(learned) == (weighting is Weighting.UNCERTAINTY)


def test_without_ratings_labels_are_enough(tmp_path: Path) -> None:
    """A heap of yes and no is a training too."""
    manifest = replace(small_manifest(), ratings=())
    trainer = Trainer(small_model(), _material(manifest), _config(tmp_path))
    assert np.isfinite(trainer.step())
    assert all(one.kind is RatingKind.SIMULATED for one in small_manifest().ratings)
