"""Models whose figures are known, on a small world."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.training.evaluation.world import (
    CLEAN,
    KINDS,
    TEST_EACH,
    Bands,
    Deaf,
    Guessing,
    material,
    sounds,
    world,
)
from training.data.records import Caption, Manifest, Pair, RatingKind, Split
from training.evaluation.evaluate import Key, Measured, encode, evaluate
from training.evaluation.material import material_of, recordings_of

if TYPE_CHECKING:
    from training.evaluation.encoders import Encoder
    from training.evaluation.material import Material

pytestmark = pytest.mark.torch

PAGE = Path(__file__).resolve().parents[3] / "docs" / "evaluation.md"
_HARMONIC = sum(1 / rank for rank in range(1, 7)) / 6


def measured(
    encoder: Encoder, asked: Material | None = None
) -> dict[tuple[str, str, str, str, str], Measured]:
    """All measures of a model on clean recordings, by what they are of."""
    results = evaluate(encoder, asked or material(), CLEAN, model="m")
    return {
        (one.key.task, one.key.language, one.key.direction, one.key.metric, one.key.classes): one
        for one in results.measured
    }


def means(encoder: Encoder, asked: Material | None = None) -> dict[tuple[str, ...], float]:
    """The figures of all classes, without that word."""
    return {
        key[:-1]: float(one.values.mean())
        for key, one in measured(encoder, asked).items()
        if key[-1] == "all"
    }


def test_a_model_that_knows_the_world() -> None:
    """Everything is right, except that recordings of a class cannot be told from each other."""
    found = means(Bands())
    told = [value for key, value in found.items() if key[3].startswith("top-")]
    assert told == [1.0] * 8
    # 6 class names find three each; 6 own captions find one of three that are tied.
    assert found["retrieval", "en", "text to audio", "R@1"] == pytest.approx(1 / 3)
    assert found["retrieval", "en", "text to audio", "R@5"] == 1.0
    one_of_three = (1 + 1 / 2 + 1 / 3) / 3
    assert found["retrieval", "en", "text to audio", "mAP@10"] == pytest.approx(
        (1.0 + one_of_three) / 2
    )
    assert found["retrieval", "ja", "text to audio", "mAP@10"] == 1.0
    assert found["retrieval", "ja", "audio to text", "mAP@10"] == 1.0
    assert found["onomatopoeia", "ja", "text to audio", "mAP@10"] == 1.0
    # Two of ten neighbours are of the class: as many as there are.
    assert found["neighbours", "any", "audio to audio", "alike@10"] == pytest.approx(0.2)
    assert found["neighbours", "any", "audio to audio", "alike@10 above chance"] == pytest.approx(1)


def test_the_page_explains_each_measure() -> None:
    """By its name, in bold."""
    bold = re.findall(r"\*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8"))
    explained = {name for names in bold for name in re.split(r", | and ", names)}
    assert {key[3] for key in measured(Deaf())} - explained == set()


def test_what_cannot_be_told_apart_is_chance() -> None:
    """A model that takes everything for the same reaches what is called chance, in each figure."""
    found = {key: one for key, one in measured(Deaf()).items() if key[-1] == "all"}
    for key, one in found.items():
        assert one.values.mean() == pytest.approx(one.chance), key
    chance = {key[:-1]: one.chance for key, one in found.items()}
    assert chance["class names", "en", "audio to text", "top-1"] == pytest.approx(1 / 6)
    assert chance["onomatopoeia", "ja", "audio to text", "top-5"] == pytest.approx(5 / 6)
    assert chance["onomatopoeia", "ja", "text to audio", "top-1"] == pytest.approx(1 / 6)
    assert chance["retrieval", "ja", "text to audio", "R@5"] == pytest.approx(5 / 18)
    assert chance["neighbours", "any", "audio to audio", "alike@10"] == pytest.approx(2 / 17)
    assert chance["neighbours", "any", "audio to audio", "alike@10 above chance"] == pytest.approx(
        0.0, abs=1e-12
    )
    assert chance["human ratings", "en", "text to audio", "Kendall's tau"] == 0.0


def test_a_model_of_chance_comes_near_it() -> None:
    """The mean over many such models is what is called chance."""
    asked = material()
    sums: dict[tuple[str, ...], list[float]] = {}
    for seed in range(60):
        for key, value in means(Guessing(seed), asked).items():
            sums.setdefault(key, []).append(value)
    chance = {key[:-1]: one.chance for key, one in measured(Deaf(), asked).items()}
    for key, values in sums.items():
        error = float(np.std(values)) / np.sqrt(len(values))
        assert abs(np.mean(values) - chance[key]) < 4.5 * error, key


def test_ratings_within_their_lists() -> None:
    """The model knows which is best and nothing of the rest: expected over orders of the rest."""
    found = measured(Bands())
    gains = found["human ratings", "en", "text to audio", "nDCG@5", "all"]
    assert gains.queries == tuple(f"s/own/{kind}" for kind in range(6))
    discounts = 1 / np.log2(np.arange(2, 7))
    for kind, value in enumerate(gains.values):
        rest = [5.0 * other for other in range(6) if other != kind]
        best = 100 + np.sort(rest)[::-1][:4] @ discounts[1:]
        assert value == pytest.approx((100 + np.mean(rest) * discounts[1:].sum()) / best)
    kinds = {key[0] for key in found if "ratings" in key[0]}
    assert kinds == {"human ratings"}


def test_kinds_of_ratings_are_never_mixed() -> None:
    """Of people and simulated ones that say the contrary, each have a figure of their own."""
    manifest = world()
    flipped = tuple(
        replace(one, rating=100.0 - one.rating, rater="b", kind=RatingKind.SIMULATED)
        for one in manifest.ratings
    )
    found = means(Bands(), material(replace(manifest, ratings=manifest.ratings + flipped)))
    human, simulated = (
        found[f"{kind} ratings", "en", "text to audio", "Kendall's tau"]
        for kind in ("human", "simulated")
    )
    assert human == pytest.approx(-simulated)
    assert human > 0.5


def test_captions_of_other_splits() -> None:
    """A class without a test recording stays to choose from; a caption of a training one goes."""
    manifest = world()
    train = "s/0-0"
    more = Manifest(
        captions=(
            Caption("s/class/idle", "idle 1", "en"),
            Caption("s/own/train", "train 2", "en", train),
        ),
        pairs=(Pair("s/class/idle", train, True, "class label"),),
    )
    asked = material(manifest + more)
    assert "idle 1" in asked.texts
    assert "train 2" not in asked.texts
    found = measured(Bands(), asked)
    chance = found["class names", "en", "audio to text", "top-1", "all"].chance
    assert chance == pytest.approx(1 / 7)
    asked_for = found["retrieval", "en", "text to audio", "R@1", "all"].queries
    assert "s/class/idle" not in asked_for
    assert len(asked_for) == 12


def test_classes_that_were_left_out_are_told_apart_and_stay_to_choose_from() -> None:
    """Both parts together are all of the queries; chance is still one of six."""
    found = measured(Guessing(1), material(left_out=["bell", "s/saw"]))
    key = ("class names", "en", "audio to text", "top-1")
    parts = {name: found[*key, name] for name in ("all", "left out", "trained")}
    assert [len(one.values) for one in parts.values()] == [18, 6, 12]
    assert {name[2] for name in parts["left out"].queries} == {"0", "3"}
    assert parts["left out"].chance == pytest.approx(1 / 6)
    assert parts["all"].values.sum() == sum(
        parts[name].values.sum() for name in ("left out", "trained")
    )
    texts = found["retrieval", "ja", "text to audio", "mAP@10", "left out"].queries
    assert texts == ("s/name/0", "s/onomatopoeia/0", "s/name/3", "s/onomatopoeia/3")


def test_classes_without_a_name_are_told() -> None:
    """Their recordings are not asked, and the note says so."""
    manifest = world()
    kept = tuple(one for one in manifest.captions if one.id not in {"s/name/2", "s/name/4"})
    pairs = tuple(one for one in manifest.pairs if one.caption not in {"s/name/2", "s/name/4"})
    asked = material(replace(manifest, captions=kept, pairs=pairs))
    (note,) = asked.notes
    assert note.startswith("s, ja: 6 recordings are not told apart by class names")
    assert "press, belt" in note
    found = measured(Bands(), asked)
    assert len(found["class names", "ja", "audio to text", "top-1", "all"].values) == 12


def test_an_onomatopoeia_of_two_classes_or_of_some_recordings() -> None:
    """Asked once, it finds what it was written for; what it tells apart no better is a tie."""
    manifest = world()
    names = {f"s/onomatopoeia/{kind}" for kind in (0, 1)}
    shared = "s/onomatopoeia/shared"
    caption = Caption(shared, "ブーン 0", "ja")
    # Of all bells and of one horn; neither class has another.
    fitting = ["s/0-0", "s/0-1", "s/0-2", "s/0-3", "s/1-1"]
    pairs = tuple(one for one in manifest.pairs if one.caption not in names)
    pairs += tuple(Pair(shared, one, True, "class label") for one in fitting)
    captions = tuple(one for one in manifest.captions if one.id not in names)
    found = measured(
        Bands(), material(replace(manifest, captions=(*captions, caption), pairs=pairs))
    )
    finds = found["onomatopoeia", "ja", "text to audio", "mAP@10", "all"]
    assert finds.queries.count(shared) == 1
    assert len(finds.queries) == 5
    value = finds.values[finds.queries.index(shared)]
    # Three bells first, then the horn among fifteen that are tied.
    later = [(4 / rank) / 15 for rank in range(4, 11)]
    assert value == pytest.approx((3 + sum(later)) / 4)
    told = found["onomatopoeia", "ja", "audio to text", "top-1", "all"]
    by_kind = dict(zip(told.queries, told.values, strict=True))
    assert by_kind["s/0-1"] == pytest.approx(1 / 2)
    assert by_kind["s/2-1"] == 1.0


def test_recordings_that_could_not_be_read_are_missing_everywhere() -> None:
    """Among queries and items."""
    manifest = world()
    heard = sounds(manifest)
    gone = [f"s/0-{take}" for take in range(1, TEST_EACH + 1)]
    for name in gone:
        del heard[name]
    recordings = recordings_of(manifest, Split.TEST)
    asked = material_of(manifest, recordings, heard)
    assert len(asked.recordings) == 15
    for one in evaluate(Bands(), asked, CLEAN, model="m").measured:
        assert not set(gone) & set(one.queries)
    found = measured(Bands(), asked)
    assert "s/class/bell" not in found["retrieval", "en", "text to audio", "R@1", "all"].queries


def test_results_by_their_key() -> None:
    """One measure, with its queries."""
    results = evaluate(Bands(), material(), CLEAN, model="m")
    key = Key("s", "en", "class names", "audio to text", "top-1", "all", "clean")
    (own,) = (one for one in results.measured if one.key == key)
    assert own.queries[0] == "s/0-1"
    assert len(own.values) == len(KINDS) * TEST_EACH


def test_sounds_of_any_length_keep_their_place() -> None:
    """Encoded together by length, told as they are heard."""
    heard = list(sounds(world()).values())
    told: list[int] = []
    together = encode(Bands(), heard, told.append)
    alone = np.concatenate([Bands().encode_audio(one[None]) for one in heard])
    np.testing.assert_array_equal(together, alone)
    assert sum(told) == len(heard)


def test_what_cannot_be_asked_is_refused() -> None:
    """Each message says what there is."""
    manifest = world()
    with pytest.raises(ValueError, match="'t' has no recording in test; it holds s"):
        recordings_of(manifest, Split.TEST, ["t"])
    with pytest.raises(ValueError, match="no recording in validation"):
        recordings_of(manifest, Split.VALIDATION)
    with pytest.raises(ValueError, match="nothing can be asked"):
        material(Manifest(recordings=manifest.recordings))
    with pytest.raises(ValueError, match="'bel' is no class of these data sets; did you mean"):
        material(left_out=["bel"])
