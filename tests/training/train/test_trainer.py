"""The joint training, on a small world."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tests.training.small import (
    BATCH,
    FAST,
    FREE,
    small_config,
    small_manifest,
    small_material,
    small_model,
)
from training.data.augment import background_log_mels
from training.data.records import RatingKind
from training.model import checkpoint
from training.train.anchors import apart
from training.train.config import (
    LearnConfig,
    OptimiserConfig,
    Precision,
    Ratings,
    Weighting,
)
from training.train.parallel import ALONE
from training.train.sounds import unfamiliar_sounds
from training.train.trainer import Trainer
from training.train.validation import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from training.train.material import Material

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("noise_made_once")]


# For what has nothing to do with the tower: only its last blocks learn, and a step costs a tenth.
_SHALLOW: dict[str, Any] = {"frozen_blocks": 15, "views": 2}
_PATIENCE = 120


@pytest.fixture(scope="module", autouse=True)
def little_noise() -> Iterator[None]:
    """Each training hears hundreds of windows of noise at its start: some dozens do here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.train.anchors._NOISES", 64)
        yield


def _map(trainer: Trainer) -> float:
    """Validation mAP@10 of the best model so far."""
    return max(one["mAP@10"] for one in trainer.progress.history)


def test_recordings_come_to_their_captions(tmp_path: Path) -> None:
    """After some steps, validation recordings are found by texts that they were not paired with."""
    config = small_config(tmp_path, steps=40, validate_every=10)
    trainer = Trainer(small_model(), small_material(), config)
    model = trainer.run()
    before = trainer.progress.history[0]["mAP@10"]
    assert _map(trainer) > max(before, 0.8)
    judge = Judge(small_material().validation, model, 0)
    assert judge(model)["score"] == pytest.approx(trainer.progress.best, abs=0.01)


@pytest.mark.parametrize("views", [pytest.param(0, marks=pytest.mark.full), 2])
def test_killed_and_resumed_gives_the_same_model(tmp_path: Path, views: int) -> None:
    """Every weight and every validation, as if nothing had happened."""
    augmented = {"augment": True, "views": views, "frozen_blocks": 15 * (views > 0)}
    whole = Trainer(small_model(), small_material(), small_config(tmp_path / "whole", **augmented))
    whole.run()
    # Killed two steps after the state was saved: these are lost, and done again.
    killed = Trainer(
        small_model(), small_material(), small_config(tmp_path / "killed", **augmented)
    )
    killed._validate(lambda _: None)
    for _ in range(4):
        killed.step()
    killed._validate(lambda _: None)
    for _ in range(2):
        killed.step()
    resumed = Trainer(
        small_model(), small_material(), small_config(tmp_path / "killed", **augmented)
    )
    assert resumed.progress.step == 4
    resumed.run()
    assert resumed.progress == whole.progress
    own, expected = resumed.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(own[name], expected[name]) for name in expected)


def test_state_of_another_training_is_refused(tmp_path: Path) -> None:
    """Nobody goes on with other settings by mistake."""
    Trainer(small_model(), small_material(), small_config(tmp_path, **_SHALLOW)).run()
    with pytest.raises(ValueError, match="with other settings"):
        Trainer(small_model(), small_material(), small_config(tmp_path, **_SHALLOW, seed=1))


def test_ratings_drive_the_model(tmp_path: Path) -> None:
    """Lists whose order is flipped train to the flipped order."""
    manifest = small_manifest()
    flipped = tuple(replace(one, rating=100.0 - one.rating) for one in manifest.ratings)
    orders = []
    for at, ratings in enumerate((manifest.ratings, flipped)):
        material = small_material(replace(manifest, ratings=ratings))
        loss = replace(FREE, binary=0.0)
        slow = replace(FAST, head_rate=1e-2)
        config = small_config(tmp_path / str(at), steps=_PATIENCE, loss=loss, optimiser=slow)
        trainer = Trainer(small_model(), material, config)
        # As many steps as it takes: each costs a tenth of a second and more.
        while trainer.progress.step < _PATIENCE and min(_rated_order(trainer, material)) <= 0.7:
            for _ in range(10):
                trainer.step()
        orders.append(_rated_order(trainer, material))
    assert min(orders[0]) > 0.7
    assert max(_rated_order(trainer, small_material())) < -0.7
    assert min(orders[1]) > 0.7


def _rated_order(trainer: Trainer, material: Material) -> list[float]:
    """Correlation of cosines with ratings, of each list."""
    train = material.train
    with torch.inference_mode():
        heard = torch.cat([trainer.model.encode_audio(one[None]) for one in train.log_mels])
        cosine = (trainer.model.encode_text(train.texts) @ heard.T).numpy()
    (table,) = train.rated
    orders = []
    for caption, row in zip(table.captions.tolist(), table.ratings.numpy(), strict=True):
        rated = ~np.isnan(row)
        orders.append(float(np.corrcoef(cosine[caption, rated], row[rated])[0, 1]))
    return orders


def test_near_the_start_it_stays_if_asked_to(tmp_path: Path) -> None:
    """What the start knew of other texts is kept."""
    moved = []
    for at, weight in enumerate((0.0, 1_000.0)):
        loss = replace(FREE, keep_texts=weight, keep_audio=weight)
        config = small_config(tmp_path / str(at), loss=loss, **_SHALLOW)
        trainer = Trainer(small_model(), small_material(), config)
        trainer.run()
        with torch.inference_mode():
            texts, start = (
                model.encode_text(trainer.material.texts.kept)
                for model in (trainer.model, trainer.start)
            )
        moved.append(float((1.0 - (texts * start).sum(dim=-1)).mean()))
    assert moved[1] < 0.2 * moved[0]


def test_noise_fits_texts_as_it_did_if_asked_to(tmp_path: Path) -> None:
    """How the cosines of a text with machine noise are spread is what scores are told against."""
    noise = background_log_mels(64, 5, 100)
    spreads = []
    for at, weight in enumerate((0.0, 100_000.0)):
        loss, batch = replace(FREE, keep_noise=weight), replace(BATCH, window_s=0.5)
        config = small_config(tmp_path / str(at), loss=loss, batch=batch, **_SHALLOW)
        trainer = Trainer(small_model(), small_material(), config)
        trainer.run()
        with torch.inference_mode():
            heard = trainer.start.encode_audio(noise)
            now, then = (
                model.encode_text(trainer.material.train.texts) @ heard.T
                for model in (trainer.model, trainer.start)
            )
        spreads.append(float((now - then).var(dim=1).mean()))
    assert spreads[1] < 0.2 * spreads[0]


def test_unfamiliar_sounds_stay_where_they_were_if_asked_to(tmp_path: Path) -> None:
    """What no recording teaches embeds as it did at the start."""
    moved = []
    for at, weight in enumerate((0.0, 1_000.0)):
        loss = replace(FREE, keep_unfamiliar=weight)
        config = small_config(tmp_path / str(at), loss=loss, unfamiliar=8, **_SHALLOW)
        trainer = Trainer(small_model(), small_material(), config)
        blocks = config.frozen_blocks
        kept = unfamiliar_sounds(trainer.start, blocks, 100, 8)
        sounds = kept.draw(torch.arange(8), trainer.chance)
        trainer.run()
        with torch.inference_mode():
            heard = trainer.model.encode_stem(sounds.stems, blocks)
        moved.append(float(apart(heard, sounds.anchors)))
    assert moved[1] < 0.2 * moved[0]


def test_it_ends_when_nothing_gets_better(tmp_path: Path) -> None:
    """With rates of zero no validation improves on the first."""
    frozen = OptimiserConfig(tower_rate=0.0, head_rate=0.0)
    config = small_config(tmp_path, steps=1_000, patience=2, optimiser=frozen, **_SHALLOW)
    trainer = Trainer(small_model(), small_material(), config)
    trainer.run()
    assert trainer.progress.step == 8
    assert checkpoint.load(tmp_path / "model.pt").config == small_model().config


def test_result_lies_between_the_start_and_what_was_trained(tmp_path: Path) -> None:
    """Half way, each weight is the mean of both; at 0 nothing has changed."""
    trainer = Trainer(small_model(), small_material(), small_config(tmp_path, blend=0.5))
    for _ in range(3):
        trainer.step()
    weight = trainer.result().audio_head.project.weight
    ends = (trainer.start.audio_head.project.weight, trainer.model.audio_head.project.weight)
    assert not torch.equal(*ends)
    torch.testing.assert_close(weight, (ends[0] + ends[1]) / 2)
    still = Trainer(small_model(), small_material(), small_config(tmp_path / "still", blend=0.0))
    still.step()
    unchanged = still.result().tower.state_dict()
    assert all(torch.equal(unchanged[k], v) for k, v in still.start.tower.state_dict().items())


@pytest.mark.parametrize("weighting", list(Weighting))
def test_every_weighting_trains(tmp_path: Path, weighting: Weighting) -> None:
    """The loss is finite from the first step to the last."""
    config = small_config(tmp_path, loss=replace(FREE, weighting=weighting), **_SHALLOW)
    trainer = Trainer(small_model(), small_material(), config)
    losses = [trainer.step() for _ in range(config.steps)]
    assert np.isfinite(losses).all()
    learned = [one for one in trainer.joint.parameters() if one.grad is not None]
    assert bool(learned) == (weighting is Weighting.UNCERTAINTY)


def test_frozen_blocks_stay_and_the_others_learn(tmp_path: Path) -> None:
    """What the kept windows were heard through is what the model will hear through."""
    config = small_config(tmp_path, frozen_blocks=7, views=2, augment=True)
    trainer = Trainer(small_model(), small_material(), config)
    trainer.step()
    pairs = zip(trainer.model.tower.features, trainer.start.tower.features, strict=True)
    moved = [
        any(
            not torch.equal(own, old)
            for own, old in zip(one.parameters(), start.parameters(), strict=True)
        )
        for one, start in pairs
    ]
    assert moved == [False] * 7 + [True] * 10


def test_translations_bring_japanese_to_english(tmp_path: Path) -> None:
    """A Japanese sentence moves to where the start has the English one."""
    loss = replace(FREE, translations=200.0)
    slow = replace(FAST, head_rate=2e-3)
    config = small_config(tmp_path, steps=40, loss=loss, optimiser=slow, **_SHALLOW)
    trainer = Trainer(small_model(), small_material(), config)
    texts = trainer.material.texts

    def apart() -> float:
        with torch.inference_mode():
            japanese = trainer.model.encode_text(texts.japanese)
            english = trainer.start.encode_text(texts.english)
        return float((1.0 - (japanese * english).sum(dim=-1)).mean())

    before = apart()
    for _ in range(40):
        trainer.step()
    assert apart() < 0.7 * before


@pytest.mark.parametrize(
    ("learn", "pairs", "lists"),
    [
        (LearnConfig(ratings=Ratings.NONE), True, False),
        (LearnConfig(labels=False), False, True),
        (LearnConfig(labels=False, ratings=Ratings.BINARISED), True, False),
    ],
)
def test_what_is_learned_from_can_be_chosen(
    tmp_path: Path, learn: LearnConfig, pairs: bool, lists: bool
) -> None:
    """Labels, ratings, or ratings as labels; it is judged by all of them."""
    material = small_material(learn=learn)
    assert bool(material.train.relevant.any()) == pairs
    assert bool(material.train.rated) == lists
    assert bool(material.validation.relevant.any())
    trainer = Trainer(small_model(), material, small_config(tmp_path))
    assert np.isfinite(trainer.step())


def test_binarised_ratings_are_yes_from_the_threshold_on() -> None:
    """With 50 as the threshold."""
    material = small_material(learn=LearnConfig(labels=False, ratings=Ratings.BINARISED))
    # Each class's own recording is rated 100, and the last class's 60 by the other three.
    assert material.train.relevant.sum().item() == 4 + 3


def test_half_precision_trains(tmp_path: Path) -> None:
    """In bfloat16 the loss is nearly that of float32."""
    losses = [
        Trainer(small_model(), small_material(), small_config(tmp_path / one, precision=one)).step()
        for one in Precision
        if one is not Precision.AUTO
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]


def test_curves_are_written(tmp_path: Path) -> None:
    """TensorBoard finds the loss and the validations, and nothing twice after a resume."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = {"tensorboard": True, "steps": 20, "validate_every": 10, **_SHALLOW}
    first = Trainer(small_model(), small_material(), small_config(tmp_path, **settings))
    first._validate(lambda _: None)
    for _ in range(10):
        first.step()
    first._validate(lambda _: None)
    Trainer(small_model(), small_material(), small_config(tmp_path, **settings)).run()
    curves = EventAccumulator(str(tmp_path / "tensorboard"))
    curves.Reload()
    assert [one.step for one in curves.Scalars("loss/all")] == [10, 20]
    assert [one.step for one in curves.Scalars("validation/mAP@10")] == [0, 10, 20]


def test_without_ratings_labels_are_enough(tmp_path: Path) -> None:
    """A heap of yes and no is a training too."""
    manifest = replace(small_manifest(), ratings=())
    trainer = Trainer(small_model(), small_material(manifest), small_config(tmp_path))
    assert np.isfinite(trainer.step())
    assert all(one.kind is RatingKind.SIMULATED for one in small_manifest().ratings)


def test_every_term_of_the_loss_has_its_name(tmp_path: Path) -> None:
    """Those that have a weight, no others; together they are the loss."""
    own = ("keep_texts", "keep_audio", "keep_unfamiliar", "keep_sentences", "translations")
    loss = replace(FREE, noise=0.5, keep_noise=2.0, **dict.fromkeys(own, 1.5))
    batch = replace(BATCH, window_s=0.5)
    config = small_config(tmp_path, loss=loss, batch=batch, unfamiliar=4)
    trainer = Trainer(small_model(), small_material(), config)
    terms = trainer._objective(trainer.model, trainer.joint, 0.0, trainer.chance, ALONE)
    kinds = ("captions", "texts", "sentences", "translations")
    spread = {f"keep_noise of {kind}" for kind in kinds}
    assert set(terms.parts) == {"labels", "noise", "ratings", *own, *spread}
    torch.testing.assert_close(sum(terms.parts.values()), terms.loss)
    more = terms.plus("answers", torch.tensor(2.0))
    torch.testing.assert_close(more.loss, terms.loss + 2.0)
    assert float(more.parts["answers"]) == 2.0
