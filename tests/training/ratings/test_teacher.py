"""Estimated ratings: what a model thinks."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import special

from tests.training.small import small_manifest, small_model, small_sounds, small_texts
from training.data.cache import Unreadable
from training.data.records import RatingKind
from training.model import checkpoint
from training.ratings.teacher import Teacher, choose, estimated, standing

if TYPE_CHECKING:
    from pathlib import Path

    from training.model.dual_encoder import DualEncoder

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    """A small one."""
    return small_model()


def test_rating_rises_with_the_cosine() -> None:
    """Within a caption the order is the cosines', and everything is in 0 to 100."""
    cosines = np.random.default_rng(0).normal(0.3, 0.1, (5, 200))
    ratings = standing(cosines)
    assert ratings.shape == cosines.shape
    assert ratings.min() >= 0.0
    assert ratings.max() <= 100.0
    order = np.argsort(cosines, axis=1)
    assert (np.diff(np.take_along_axis(ratings, order, axis=1), axis=1) > 0.0).all()


def test_scale_is_the_captions_own_deviation() -> None:
    """Five deviations above the mean are 50, wherever and however wide the cosines lie."""
    cosines = np.array([[-1.0] * 25 + [25.0]])
    ratings = standing(cosines)
    assert ratings[0, -1] == pytest.approx(50.0)
    assert ratings[0, 0] == pytest.approx(100.0 * special.ndtr(-5.2 / 1.8))
    np.testing.assert_allclose(standing(0.01 * cosines + 0.7), ratings)


def test_caption_that_tells_nothing_apart_rates_all_alike() -> None:
    """No division by zero."""
    np.testing.assert_allclose(standing(np.zeros((1, 3))), 0.274, atol=0.001)


def test_list_holds_the_best_and_others() -> None:
    """Half of it the best, the rest at random; no recording twice, no more than there are."""
    ratings = np.linspace(0.0, 100.0, 50)
    chosen = choose(ratings, 12, np.random.default_rng(0))
    assert chosen[:6] == [49, 48, 47, 46, 45, 44]
    assert len(set(chosen)) == 12
    assert chosen == choose(ratings, 12, np.random.default_rng(0))
    assert sorted(choose(ratings[:5], 12, np.random.default_rng(0))) == [0, 1, 2, 3, 4]


def test_ratings_are_the_models_own(model: DualEncoder, tmp_path: Path) -> None:
    """By name, kind and number; what cannot be read is told."""
    checkpoint.save(model, tmp_path / "model.pt")
    teacher = Teacher.load(tmp_path / "model.pt")
    assert teacher.rater.startswith("teacher-")
    manifest = small_manifest()
    sounds = small_sounds(manifest)
    lost = manifest.recordings[0]
    heard = teacher.hear(
        (one, Unreadable(one.id, "is missing") if one is lost else sounds[one.id])
        for one in manifest.recordings
    )
    assert [one.recording for one in heard.unreadable] == [lost.id]
    assert heard.recordings == tuple(one.id for one in manifest.recordings[1:])
    texts = np.stack(list(small_texts(manifest).values()))
    cosines = teacher.cosines(texts, heard)
    assert cosines.shape == (len(manifest.captions), len(heard.recordings))
    row = standing(cosines)[0]
    chosen = choose(row, 4, np.random.default_rng(0))
    made = estimated("c00", heard.recordings, row, chosen, teacher.rater)
    assert {one.kind for one in made} == {RatingKind.ESTIMATED}
    assert {one.rater for one in made} == {teacher.rater}
    best = int(cosines[0].argmax())
    assert made[0].recording == heard.recordings[best]
    assert made[0].rating == pytest.approx(row[best], abs=0.005)


def test_another_model_is_another_rater(model: DualEncoder, tmp_path: Path) -> None:
    """Two teachers' ratings are never taken for one's."""
    other = copy.deepcopy(model)
    other.log_logit_scale.data += 1.0
    for name, one in (("a", model), ("again", model), ("b", other)):
        checkpoint.save(one, tmp_path / f"{name}.pt")
    names = [Teacher.load(tmp_path / f"{name}.pt").rater for name in ("a", "again", "b")]
    assert names[0] == names[1] != names[2]
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no such checkpoint"):
        Teacher.load(tmp_path / "none.pt")
