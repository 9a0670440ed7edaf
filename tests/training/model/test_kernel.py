"""Kernel ridge regression over landmarks."""

from __future__ import annotations

import numpy as np

from training.model import kernel


def _rows(count: int, size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def test_without_regularisation_every_text_becomes_its_target() -> None:
    """With as many landmarks as texts, the regression goes through all of them."""
    texts, targets = _rows(30), _rows(30, 5, seed=1).astype(np.float64)
    fitted = kernel.fits(texts, targets, np.ones(30), landmarks=30, temperature=0.5, ridges=[1e-9])[
        0
    ]
    np.testing.assert_allclose(fitted.predict(texts), targets, atol=0.05)


def test_strong_regularisation_leaves_the_mean() -> None:
    """Nothing is believed of the texts then."""
    texts, targets = _rows(30), _rows(30, 5, seed=1).astype(np.float64)
    weights = np.arange(1.0, 31.0)
    (fitted,) = kernel.fits(texts, targets, weights, landmarks=30, temperature=1.0, ridges=[1e9])
    mean = np.average(targets, axis=0, weights=weights)
    np.testing.assert_allclose(fitted.predict(texts), np.tile(mean, (30, 1)), atol=1e-4)


def test_weighted_text_is_met_more_closely() -> None:
    """Of two texts in one place with different targets, the heavier one wins."""
    texts = np.concatenate([_rows(10), _rows(1), _rows(1)])
    targets = np.zeros((12, 1))
    targets[10], targets[11] = 1.0, -1.0
    weights = np.ones(12)
    weights[10] = 9.0
    (fitted,) = kernel.fits(texts, targets, weights, landmarks=12, temperature=0.2, ridges=[1e-6])
    assert fitted.predict(texts[10:11])[0, 0] > 0.5


def test_landmarks_are_distinct_and_always_the_same() -> None:
    """Greedy pivots: no row twice, no chance in it, and no more than there are."""
    rows = kernel.unit(_rows(50).astype(np.float64))
    chosen = kernel.choose_landmarks(rows, 20, 1.0)
    assert len(set(chosen.tolist())) == 20
    np.testing.assert_array_equal(chosen, kernel.choose_landmarks(rows, 20, 1.0))
    assert len(kernel.choose_landmarks(rows, 80, 1.0)) == 50


def test_landmarks_avoid_what_is_explained() -> None:
    """A copy of a chosen row is taken last."""
    rows = kernel.unit(np.concatenate([_rows(10), _rows(10)]).astype(np.float64))
    chosen = kernel.choose_landmarks(rows, 10, 1.0)
    assert {int(row) % 10 for row in chosen} == set(range(10))


def test_weights_fit_into_half_precision() -> None:
    """What is stored in float16 loses nothing by it."""
    texts, targets = _rows(30), _rows(30, 5, seed=1).astype(np.float64)
    fitted = kernel.fits(texts, targets, np.ones(30), landmarks=20, temperature=1.0, ridges=[0.01])[
        0
    ]
    for stored in (fitted.landmarks, fitted.coefficients):
        np.testing.assert_array_equal(stored.astype(np.float16).astype(np.float64), stored)
