"""Words, content words and nouns of captions in both languages."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from training.data.readers import tau
from training.studies.ratings.features import CaptionReader, lemma

_COUNTED = Path(__file__).with_name("nouns.csv")


@pytest.fixture(scope="module")
def reader() -> CaptionReader:
    """One reader for all: its taggers are loaded once."""
    return CaptionReader()


def test_english_sentence(reader: CaptionReader) -> None:
    """Nouns, verbs, adjectives and adverbs by their dictionary forms; nothing else counts."""
    found = reader.read("A machine is whining while the loud fan hums steadily.", "en")
    assert (found.words, found.nouns, found.content_words) == (10, 2, 6)
    assert found.characters == len("Amachineiswhiningwhiletheloudfanhumssteadily.")
    assert found.lemmas == {"machine", "whine", "loud", "fan", "hum", "steadily"}
    assert found.content_share == pytest.approx(0.6)
    assert found.noun_share == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("word", "tag", "form"),
    [
        ("whining", "VBG", "whine"),
        ("humming", "VBG", "hum"),
        ("rolling", "VBG", "roll"),
        ("scraping", "VBG", "scrape"),
        ("used", "VBN", "use"),
        ("cried", "VBD", "cry"),
        ("shed", "VBD", "shed"),
        ("ran", "VBD", "ran"),
        ("drives", "VBZ", "drive"),
        ("buzzes", "VBZ", "buzz"),
        ("axes", "NNS", "axe"),
        ("hiss", "NNS", "hiss"),
        ("flies", "NNS", "fly"),
        ("louder", "JJR", "loud"),
        ("largest", "JJS", "large"),
        ("building", "NN", "building"),
        ("brzzzking", "VBG", "brzzzking"),
    ],
)
def test_english_dictionary_forms(word: str, tag: str, form: str) -> None:
    """By tag and spelling; what is irregular or unknown stays as it is."""
    assert lemma(word, tag) == form


def test_english_pronouns_are_no_nouns(reader: CaptionReader) -> None:
    """And a capital at the beginning makes no name of a plural."""
    assert reader.read("Someone hits something.", "en").lemmas == {"hit"}
    found = reader.read("Birds sing.", "en")
    assert (found.nouns, found.lemmas) == (1, {"bird", "sing"})


def test_english_auxiliaries_are_no_content(reader: CaptionReader) -> None:
    """Be, have and not carry no sound."""
    found = reader.read("The bell isn't ringing.", "en")
    assert found.lemmas == {"bell", "ring"}
    assert found.words == 5


def test_japanese_sentence(reader: CaptionReader) -> None:
    """Onomatopoeia are one word, and content; particles are not."""
    found = reader.read("金属部品が床に落ちてガシャンと鳴る", "ja")
    assert found.lemmas == {"金属", "部品", "床", "落ちる", "ガシャン", "鳴る"}
    assert (found.words, found.nouns, found.content_words, found.characters) == (10, 3, 6, 17)


def test_japanese_helping_verb_is_no_content(reader: CaptionReader) -> None:
    """鳴いている is one verb; 人がいる has a verb of its own."""
    assert reader.read("犬が鳴いている。", "ja").lemmas == {"犬", "鳴く"}
    assert reader.read("人がいる", "ja").lemmas == {"人", "いる"}


def test_words_of_everyday_have_a_higher_frequency(reader: CaptionReader) -> None:
    """In both languages; a word that nobody writes counts as 0."""
    for language, common, rare in (("en", "water", "stethoscope"), ("ja", "水", "軸受")):
        assert reader.read(common, language).zipf > reader.read(rare, language).zipf > 0.0
    assert reader.read("brzzzkt", "en").zipf == 0.0


@pytest.mark.parametrize("text", ["", "...", "、。"])
def test_nothing_to_read_counts_nothing(reader: CaptionReader, text: str) -> None:
    """Punctuation alone: no words, and no division by them."""
    for language in ("en", "ja"):
        found = reader.read(text, language)
        assert (found.words, found.content_words, found.content_share, found.zipf) == (0, 0, 0, 0)


def test_unknown_language_is_named(reader: CaptionReader) -> None:
    """And which ones can be read."""
    with pytest.raises(ValueError, match="language 'de': captions can be read in en and ja only"):
        reader.read("Es regnet", "de")


def test_nouns_agree_with_a_count_by_hand(reader: CaptionReader, data_dir: Path) -> None:
    """Of 60 rated captions drawn at random: nine of ten nouns, and one of five that is none."""
    texts = {one.id: one.text for one in tau.published(data_dir).captions}
    wanted, given = [], []
    with _COUNTED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = reader._tagger("en").words(texts[row["caption"]])
            given.append(Counter(word.written.lower() for word in words if word.noun))
            wanted.append(Counter(row["nouns"].split()))
    right = sum(sum((a & b).values()) for a, b in zip(wanted, given, strict=True))
    assert len(wanted) == 60
    assert right / sum(sum(one.values()) for one in given) > 0.8
    assert right / sum(sum(one.values()) for one in wanted) > 0.9
    counts = [[sum(one.values()) for one in side] for side in (wanted, given)]
    assert np.corrcoef(counts)[0, 1] > 0.7
