"""The map of the acoustic view: it draws takes of one thing together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.train.acoustic import (
    ACOUSTIC_SIZE,
    AcousticConfig,
    AcousticHead,
    Material,
    contrastive,
    fit,
)

pytestmark = pytest.mark.torch

FEATURES, THINGS, TAKES = 300, 60, 5
QUICK = AcousticConfig(steps=40, things=30)


def material(seed: int) -> Material:
    """Takes that differ by more than things do, but in directions that things do not."""
    rng = np.random.default_rng(seed)
    own = np.zeros((THINGS, FEATURES))
    own[:, :20] = np.random.default_rng(1).standard_normal((THINGS, 20))
    rows, recording, thing = [], [], []
    for number in range(THINGS * TAKES):
        nuisance = np.zeros(FEATURES)
        nuisance[20:30] = 4.0 * rng.standard_normal(10)
        for _ in range(2):
            rows.append(own[number // TAKES] + nuisance + 0.1 * rng.standard_normal(FEATURES))
            recording.append(number)
            thing.append(number // TAKES)
    return Material(np.array(rows, np.float32), np.array(recording), np.array(thing))


def nearest_is_own(material: Material, views: np.ndarray) -> float:
    """Share of windows whose nearest window of another recording is of the same thing."""
    cosine = views @ views.T
    cosine[material.recording[:, None] == material.recording[None, :]] = -1.0
    nearest = cosine.argmax(axis=1)
    return float((material.thing[nearest] == material.thing).mean())


def test_takes_of_one_thing_come_together() -> None:
    """On takes that the map was not fitted to, where the features themselves hardly tell them."""
    other = material(seed=8)
    head = fit(material(seed=7), QUICK)
    views = head(other.features)
    assert views.shape == (len(other.features), ACOUSTIC_SIZE)
    np.testing.assert_allclose(np.linalg.norm(views, axis=1), 1.0, atol=1e-5)
    plain = other.features / np.linalg.norm(other.features, axis=1, keepdims=True)
    assert nearest_is_own(other, plain) < 0.15
    assert nearest_is_own(other, views) > 0.7


def test_the_same_seed_gives_the_same_map() -> None:
    """A bundle can be made again."""
    first, second = (fit(material(seed=7), QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)
    np.testing.assert_array_equal(first.bias, second.bias)


def test_the_loss_is_that_of_the_paper() -> None:
    """Term by term, as in equation 2 of arXiv 2004.11362; a window without a partner is none."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((5, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    things = [0, 0, 1, 1, 2]
    expected = []
    for i in range(4):
        others = [j for j in range(5) if j != i]
        total = sum(np.exp(rows[i] @ rows[j] / 0.5) for j in others)
        own = [j for j in others if things[j] == things[i]]
        expected.append(-np.mean([np.log(np.exp(rows[i] @ rows[j] / 0.5) / total) for j in own]))
    found = contrastive(torch.from_numpy(rows), torch.tensor(things), 0.5)
    assert float(found) == pytest.approx(float(np.mean(expected)))


def test_a_head_is_an_affine_map_at_unit_length() -> None:
    """Weight and bias, then the length."""
    head = AcousticHead(np.array([[3.0], [0.0]], np.float32), np.array([1.0], np.float32))
    np.testing.assert_allclose(head(np.array([[1.0, 5.0], [-1.0, 0.0]], np.float32)), [[1], [-1]])
