"""The learned head finds recordings by words, also by words that nobody has taught it."""

from __future__ import annotations

import numpy as np
import pytest

from training.train.learned import LabelledWindows, LearnedConfig, fit

pytestmark = pytest.mark.torch

_MEANINGS, _FEATURES, _TEXT = 60, 40, 24
_QUICK = LearnedConfig(size=16, hidden=64, steps=150, meanings=40, noises=8, seed=1)


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray]:
    """Meanings, and how their texts and their sounds follow from them."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((_MEANINGS, 6))
    sounds = hidden @ rng.standard_normal((6, _FEATURES))
    texts = hidden @ rng.standard_normal((6, _TEXT))
    return sounds, texts / np.linalg.norm(texts, axis=1, keepdims=True)


def labelled(sounds: np.ndarray, taught: np.ndarray) -> LabelledWindows:
    """Three recordings of each meaning, two windows of each."""
    rng = np.random.default_rng(1)
    meaning = np.repeat(np.arange(_MEANINGS), 6)
    features = sounds[meaning] + 0.3 * rng.standard_normal((len(meaning), _FEATURES))
    return LabelledWindows(
        features.astype(np.float32),
        np.arange(len(meaning)) // 2,
        np.where(taught[meaning], meaning, -1),
        rng.standard_normal((30, _FEATURES)).astype(np.float32),
    )


def wordings(texts: np.ndarray) -> list[list[np.ndarray]]:
    """One English and two Japanese wordings of each meaning."""
    rng = np.random.default_rng(2)

    def said(row: np.ndarray, count: int) -> np.ndarray:
        rows = row + 0.02 * rng.standard_normal((count, _TEXT))
        unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit.astype(np.float32)

    return [[said(row, 1), said(row, 2)] for row in texts]


def test_words_find_recordings_also_of_meanings_that_were_not_taught(
    world: tuple[np.ndarray, np.ndarray],
) -> None:
    """Where sounds follow from meanings as texts do, what was learned carries over."""
    sounds, texts = world
    taught = np.arange(_MEANINGS) % 4 > 0
    head = fit(labelled(sounds, taught), wordings(texts), _QUICK)
    cosine = head.audio(sounds.astype(np.float32)) @ head.text(texts.astype(np.float32)).T
    first = cosine.argmax(axis=1) == np.arange(_MEANINGS)
    assert first[taught].mean() > 0.8
    among = cosine[~taught][:, ~taught]
    assert (among.argmax(axis=1) == np.arange(len(among))).mean() > 0.5


def test_the_same_seed_is_the_same_head(world: tuple[np.ndarray, np.ndarray]) -> None:
    """Bit for bit."""
    sounds, texts = world
    everything = np.ones(_MEANINGS, bool)
    config = LearnedConfig(size=8, hidden=16, steps=3, meanings=10, noises=4)
    heads = [fit(labelled(sounds, everything), wordings(texts), config) for _ in range(2)]
    for side in ("audio", "text"):
        first, second = (getattr(head, side) for head in heads)
        np.testing.assert_array_equal(first.first, second.first)
        np.testing.assert_array_equal(first.second, second.second)
