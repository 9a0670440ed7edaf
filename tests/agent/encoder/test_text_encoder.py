"""Texts to embeddings in this process, and texts that must be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.bundle.manifest import TOKENIZER
from agent.core.errors import BundleError, TextError
from agent.encoder.text_encoder import TextEncoder
from tests.bundles import EMBEDDING_SIZE, make_bundle, seal

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def encoder(bundle: Bundle) -> TextEncoder:
    """Its text side."""
    return TextEncoder(bundle)


def refusal(encoder: TextEncoder, text: str) -> str:
    """What is said about a text that cannot be read: one line."""
    with pytest.raises(TextError) as caught:
        encoder.encode(["metal", text])
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_texts_become_unit_embeddings(encoder: TextEncoder) -> None:
    """One row a text, each of length one, each its own."""
    embeddings = encoder.encode(["metal part dropped", "air leak", "金属の部品が落ちた音"])
    assert embeddings.shape == (3, EMBEDDING_SIZE)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)
    assert np.abs(embeddings @ embeddings.T - np.eye(3)).max() > 0.01


def test_an_embedding_does_not_depend_on_its_neighbours(encoder: TextEncoder) -> None:
    """A text alone and among longer ones gives the very same numbers."""
    alone = encoder.encode(["air leak"])
    among = encoder.encode(["metal part dropped on a belt", "air leak", "belt squeal"])
    np.testing.assert_array_equal(alone[0], among[1])


def test_width_forms_are_one_text(encoder: TextEncoder) -> None:
    """Full-width letters are the same letters."""
    np.testing.assert_array_equal(encoder.encode(["ａｉｒ"]), encoder.encode(["air"]))


def test_no_texts_give_no_rows(encoder: TextEncoder) -> None:
    """Nothing asked, nothing computed."""
    assert encoder.encode([]).shape == (0, EMBEDDING_SIZE)


def test_unknown_characters_are_named(encoder: TextEncoder) -> None:
    """The text, each character that the vocabulary lacks, and the languages that it has."""
    message = refusal(encoder, "air утечка leak")
    assert "'air утечка leak'" in message
    for character in "утечка":
        assert character in message.split("does not know")[1]
    assert "en, ja" in message


def test_a_long_list_of_unknown_characters_is_cut(encoder: TextEncoder) -> None:
    """Ten characters are enough to see which script it is."""
    assert "..." in refusal(encoder, "".join(map(chr, range(0xAC00, 0xAC40))))


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u3000"])
def test_an_empty_text_is_refused(encoder: TextEncoder, text: str) -> None:
    """Blanks describe no sound."""
    assert "is empty" in refusal(encoder, text)


def test_half_a_character_is_refused(encoder: TextEncoder) -> None:
    """What broken JSON can bring is no text, and the message can be printed all the same."""
    message = refusal(encoder, "air\ud83d")
    assert "surrogate" in message
    message.encode("utf-8")


def test_too_many_tokens_are_refused(encoder: TextEncoder) -> None:
    """A text is not cut silently; the message holds its beginning only."""
    message = refusal(encoder, "air leak " * 40)
    assert "up to 64" in message
    assert len(message) < 200


def test_a_broken_tokenizer_is_a_broken_bundle(tmp_path: Path) -> None:
    """A tokenizer file that is none, under a manifest that vouches for it."""
    make_bundle(tmp_path)
    (tmp_path / TOKENIZER).write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="no tokenizer"):
        TextEncoder(seal(tmp_path))


def test_the_default_bundle_reads_both_languages() -> None:
    """Same meaning in Japanese and English is nearer than another meaning."""
    if not bundles.DEFAULT.is_dir():
        pytest.skip("no default bundle in this checkout")
    encoder = TextEncoder(bundles.load())
    texts = ["犬が吠えている", "a dog is barking", "水が流れる音", "sound of running water"]
    cosine = encoder.encode(texts) @ encoder.encode(texts).T
    assert cosine[0, 1] > cosine[0, 3] + 0.2
    assert cosine[2, 3] > cosine[2, 1] + 0.2
    with pytest.raises(TextError, match="한 국 어"):
        encoder.encode(["한국어"])
