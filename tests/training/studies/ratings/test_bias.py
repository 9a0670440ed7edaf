"""Bias of a model whose bias is known: embeddings are made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.studies.ratings.bias import analyse_model
from training.studies.ratings.features import CaptionFeatures
from training.studies.ratings.similarity import EmbeddedRecording, Texts
from training.studies.ratings.sound import SoundProperties

_CLASSES, _EACH = 5, 15


def world(
    of_level: float, of_author: float = 0.0
) -> tuple[Manifest, dict[str, EmbeddedRecording], Texts]:
    """Classes with an axis each; how near a recording is to it depends on level and author.

    The Japanese caption of each class is a little away from its axis.
    """
    rng = np.random.default_rng(0)
    size = _CLASSES + 1
    recordings, captions, pairs = [], [], []
    heard, rows, place = {}, [], {}
    for kind in range(_CLASSES):
        for language, away in (("en", 0.0), ("ja", 0.5)):
            row = np.zeros(size)
            row[kind], row[-1] = 1.0, away
            text = f"{language} {kind}"
            place[text] = len(rows)
            rows.append(row / np.linalg.norm(row))
            captions.append(Caption(f"toy/class/{text}", text, language))
        for take in range(_EACH):
            name = f"toy/{kind}-{take}"
            author = take % 5
            attribution = f"author {author}, somewhere"
            recordings.append(Recording(name, f"{name}.wav", name, Split.TRAIN, "", attribution))
            pairs += [Pair(one.id, name, True, "class label") for one in captions[-2:]]
            level = float(rng.uniform(-60.0, -10.0))
            angle = 0.8 - of_level * (level + 35.0) / 50.0 - of_author * (author - 2.0) / 5.0
            angle += float(rng.normal(0.0, 0.05))
            embedding = np.zeros(size)
            embedding[kind], embedding[(kind + 1) % _CLASSES] = np.cos(angle), np.sin(angle)
            sound = SoundProperties(1.0, level, 10.0, 1_000.0 + take, 500.0, -20.0)
            heard[name] = EmbeddedRecording(embedding.astype(np.float32), sound)
    manifest = Manifest(tuple(recordings), tuple(captions), tuple(pairs))
    joint = np.array(rows, dtype=np.float32)
    return manifest, heard, Texts(place, joint, joint)


def features(manifest: Manifest) -> dict[str, CaptionFeatures]:
    """Some of each caption."""
    one = CaptionFeatures(2, 4, 1, 1, 3.0, frozenset({"x"}))
    return {caption.text: one for caption in manifest.captions}


@pytest.mark.parametrize("of_level", [0.4, 0.0])
def test_bias_by_level_is_found_where_it_is(of_level: float) -> None:
    """Louder is nearer, or makes no difference; no other property is told."""
    manifest, heard, texts = world(of_level)
    found = analyse_model(manifest, heard, texts, features(manifest), seed=0)
    cells = {(one.property, one.outcome): one for one in found.sound}
    for outcome in ("en, all", "en, within class", "ja, within class"):
        level = cells["level", outcome]
        assert (level.p_holm < 0.05) == (of_level > 0.0)
        assert (level.association.low > 0.0) == (of_level > 0.0)
    assert cells["spectral centroid", "en, all"].p_holm > 0.05
    assert any(line.startswith("duration, en, all") for line in found.left_out)


def test_languages_are_compared_on_the_same_recordings() -> None:
    """The Japanese captions stand off: a smaller margin, with an interval above 0."""
    manifest, heard, texts = world(0.0)
    found = analyse_model(manifest, heard, texts, features(manifest), seed=0)
    english, japanese, difference = found.languages
    assert (english.name, japanese.name, difference.name) == ("en", "ja", "en less ja")
    assert difference.mean == pytest.approx(english.mean - japanese.mean)
    assert difference.interval is not None
    assert difference.interval.low > 0.0
    assert [name for name, _, _ in found.classes] == [f"en {kind}" for kind in range(_CLASSES)]
    assert all(first > second for _, first, second in found.classes)


@pytest.mark.parametrize(("of_author", "differ"), [(0.5, True), (0.0, False)])
def test_authors_differ_where_they_do(of_author: float, *, differ: bool) -> None:
    """Share of the variance within classes, against shuffled authors."""
    manifest, heard, texts = world(0.0, of_author)
    found = analyse_model(manifest, heard, texts, features(manifest), seed=0)
    label, authors, effect = found.authors[0]
    assert (label, authors) == ("toy, en", 5)
    assert (effect.p < 0.01) == differ
    assert (effect.value > 0.3) == differ


def test_a_source_counts_once() -> None:
    """Ten clips of one source weigh no more than one of another."""
    manifest, heard, texts = world(0.0)
    merged = tuple(
        Recording(
            one.id, one.path, "one" if at >= 2 else one.id, one.split, "", f"author {at // 15}"
        )
        for at, one in enumerate(manifest.recordings)
    )
    manifest = Manifest(merged, manifest.captions, manifest.pairs)
    found = analyse_model(manifest, heard, texts, features(manifest), seed=0)
    assert found.sets[0].interval is None
    assert "authors of toy, en: no class that several recorded" in found.left_out
    assert (found.sets[0].name, found.sets[0].rows, found.sets[0].clusters) == ("toy, en", 75, 3)


def test_kinds_of_captions_are_told_apart() -> None:
    """Onomatopoeia alone stand farther off than the classes' names; classes count once."""
    manifest, heard, texts = world(0.0)
    renamed = {c.id: c.id.replace("toy/class/ja", "toy/onomatopoeia/ja") for c in manifest.captions}
    captions = tuple(Caption(renamed[c.id], c.text, "ja") for c in manifest.captions)
    pairs = tuple(
        Pair(renamed[one.caption], one.recording, True, "class label") for one in manifest.pairs
    )
    manifest = Manifest(manifest.recordings, captions, pairs)
    found = analyse_model(manifest, heard, texts, features(manifest), seed=0)
    names, sounds = found.kinds
    assert (names.name, sounds.name) == ("class, ja", "onomatopoeia, ja")
    assert (names.rows, names.clusters) == (_CLASSES, _CLASSES)
    assert names.interval is not None
    assert sounds.mean < names.interval.low


def test_captions_of_a_class_are_compared_with_each_other() -> None:
    """The longest caption is the farthest one, in every class."""
    manifest, heard, texts = world(0.0)
    captions, own = list(manifest.captions), dict(features(manifest))
    pairs = list(manifest.pairs)
    for kind in range(_CLASSES):
        text = f"en {kind} and a good deal more"
        captions.append(Caption(f"toy/class/{text}", text, "en"))
        pairs += [
            Pair(f"toy/class/{text}", one.id, True, "class label")
            for one in manifest.recordings
            if one.id.startswith(f"toy/{kind}-")
        ]
        own[text] = CaptionFeatures(8 + kind, 20, 4, 2, 3.0, frozenset({"x"}))
        # Away from all recordings: words cost.
        texts.place[text] = texts.place[f"ja {kind}"]
    manifest = Manifest(manifest.recordings, tuple(captions), tuple(pairs))
    found = analyse_model(manifest, heard, texts, own, seed=0)
    words = next(one for one in found.captions if (one.property, one.outcome) == ("words", "en"))
    assert words.association.high < 0.0


def test_nothing_heard_is_named() -> None:
    """A manifest whose recordings are all unreadable."""
    manifest, _, texts = world(0.0)
    with pytest.raises(ValueError, match="no recording of the manifest has a caption of its own"):
        analyse_model(manifest, {}, texts, features(manifest), seed=0)
