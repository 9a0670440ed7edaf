"""People's ratings in a text head: what stands for a recording, and what each arm learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.data.records import Caption, Manifest, Rating, RatingKind, Recording, Split
from training.evaluation.metrics import ndcg_at
from training.studies.graded_relevance.material import PARTS, Lists, Material, arranged, drawn_pairs
from training.studies.graded_relevance.text_head import (
    ARMS,
    BINARISED,
    BINARY,
    FitConfig,
    fit,
    scored,
    untrained,
)

if TYPE_CHECKING:
    from training.data.arrays import Values

pytestmark = pytest.mark.torch

_SIZE, _TOLD = 12, 4
"""Dimensions of the made embeddings; those that tell what a recording is."""
_CONFIG = FitConfig(steps=30, pairs=64, lists=20, learning_rate=1e-2, validate_every=10)


def _rating(caption: str, recording: str, value: float) -> Rating:
    return Rating(caption, recording, value, "crowd", RatingKind.HUMAN)


def _manifest() -> Manifest:
    """Two recordings a split with three captions each; one caption a split is rated."""
    recordings, captions, ratings = [], [], []
    for part in PARTS:
        for at in range(2):
            name = f"{part}/{at}"
            recordings.append(Recording(name, f"{name}.wav", name, part))
            captions += [Caption(f"{name}/{k}", f"{name} {k}", "en", name) for k in range(3)]
        ratings += [_rating(f"{part}/0/1", f"{part}/{at}", 90.0 - 60.0 * at) for at in range(2)]
    # Somebody wrote the rated caption's words for the other recording too.
    captions[5] = Caption(captions[5].id, captions[1].text, "en", captions[5].recording)
    return Manifest(tuple(recordings), tuple(captions), ratings=tuple(ratings))


def test_a_recording_is_told_by_the_captions_that_are_not_rated() -> None:
    """Neither the rated caption nor the same words stand for a recording."""
    manifest = _manifest()
    texts = dict.fromkeys(caption.text for caption in manifest.captions)
    embeddings = {text: np.eye(20, dtype=np.float32)[at] for at, text in enumerate(texts)}
    material = arranged(manifest, embeddings)
    lists = material.lists[Split.TRAIN]
    asked = embeddings["train/0 1"]
    assert np.array_equal(lists.captions[0], asked)
    assert not (lists.told @ asked).any()
    assert lists.present.sum(axis=2).tolist() == [[2, 2]]
    assert lists.told[0, 0, :2].tolist() == [
        embeddings["train/0 0"].tolist(),
        embeddings["train/0 2"].tolist(),
    ]
    assert lists.ratings.tolist() == [[90.0, 30.0]]
    assert lists.paired.tolist() == [[True, False]]
    assert len(material.pairs) == 2, "of the recordings to learn from"
    drawn = drawn_pairs(material.pairs, 2, np.random.default_rng(0))
    found = {frozenset(map(tuple, (caption, *rest))) for caption, rest in zip(*drawn, strict=True)}
    assert found == {frozenset(map(tuple, own)) for own in material.pairs}


def test_without_ratings_of_a_split_it_says_what_is_missing() -> None:
    """Half of the set is no set."""
    manifest = _manifest()
    kept = tuple(one for one in manifest.ratings if not one.recording.startswith("test"))
    half = Manifest(manifest.recordings, manifest.captions, ratings=kept)
    texts = {caption.text: np.ones(3, np.float32) for caption in manifest.captions}
    with pytest.raises(ValueError, match="split test has no rated caption"):
        arranged(half, texts)


def _unit(rows: Values) -> Values:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _worded(what: Values, rng: np.random.Generator) -> Values:
    """Embeddings of captions: what a recording is, between words that tell nothing of it."""
    words = rng.standard_normal((*what.shape[:-1], _SIZE - _TOLD))
    return _unit(np.concatenate([what, words], axis=-1)).astype(np.float32)


def _lists(count: int, items: int, rng: np.random.Generator) -> Lists:
    """Ratings follow what the recordings are."""
    asked = _unit(rng.standard_normal((count, _TOLD)))
    what = _unit(rng.standard_normal((count, items, _TOLD)))
    what[:, 0] = asked
    told = _worded(np.repeat(what[:, :, None], 4, axis=2), rng)
    ratings = 100.0 * np.clip(np.einsum("lid,ld->li", what, asked), 0.0, 1.0)
    paired = np.zeros((count, items), np.bool_)
    paired[:, 0] = True
    every = np.ones((count, items), np.bool_)
    return Lists(
        _worded(asked, rng), told, np.ones((*every.shape, 4), np.bool_), ratings, every, paired
    )


@pytest.fixture(scope="module")
def material() -> Material:
    """Ratings and pairs that both tell which dimensions matter."""
    rng = np.random.default_rng(0)
    lists = {part: _lists(60, 9, rng) for part in PARTS}
    what = _unit(rng.standard_normal((300, _TOLD)))
    return Material(lists, _worded(np.repeat(what[:, None], 5, axis=1), rng))


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_learns_what_matters(arm, material: Material) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """On lists that it has not seen."""
    lists = material.lists[Split.TEST]
    before, after = (
        float(ndcg_at(scored(head, lists), lists.ratings, 5, rated=lists.rated).mean())
        for head in (untrained(material), fit(arm, material, 0, _CONFIG))
    )
    assert after > before + 0.03


def test_the_seed_decides(material: Material) -> None:
    """The same one gives the same head, another one another."""
    lists = material.lists[Split.TEST]
    first, again, other = (
        scored(fit(ARMS[-1], material, seed, _CONFIG), lists) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=1e-4)


def test_arms_differ_in_what_they_learn_from(material: Material) -> None:
    """Grades and their halves, and pairs, do not give the same head."""
    lists = material.lists[Split.TEST]
    found = {arm.name: scored(fit(arm, material, 0, _CONFIG), lists) for arm in ARMS}
    names = [BINARY, BINARISED, "continuous", "joint-constant"]
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            assert not np.allclose(found[one], found[other], atol=1e-4), (one, other)
