"""The first joint space: a regression that is chosen by what it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.audioset import ClassText, SoundClass
from training.model import bootstrap, kernel
from training.model.bootstrap import Choice, Task

pytestmark = pytest.mark.torch

_CLASSES, _EACH, _SIZE = 24, 6, 16


def _task(noise: float, seed: int = 0) -> Task:
    """Classes in two branches, whose texts lie about them in the space of texts."""
    rng = np.random.default_rng(seed)
    classes = tuple(
        SoundClass(i, f"/m/{i}", f"class {i}", "", frozenset({"left" if i % 2 else "right"}))
        for i in range(_CLASSES)
    )
    targets = kernel.unit(rng.standard_normal((_CLASSES, _SIZE)))
    turned = targets @ np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0]
    texts = tuple(
        ClassText(i, ("en", "ja")[n % 2], "name" if n < 2 else "phrase", f"{i} {n}")
        for i in range(_CLASSES)
        for n in range(_EACH)
    )
    embeddings = np.repeat(turned, _EACH, axis=0) + noise * rng.standard_normal(
        (_CLASSES * _EACH, _SIZE)
    )
    return Task(classes, texts, embeddings.astype(np.float32), targets, targets)


def test_texts_of_unseen_branches_find_their_classes() -> None:
    """What was learned on one branch carries over to the other; noise alone carries nothing."""
    choice = Choice(1.0, 0.01)
    clear = list(bootstrap.leave_branches_out(_task(0.05), [choice], 100))
    assert {score.language for score in clear} == {"en", "ja"}
    assert all(score.reciprocal_rank > 0.4 for score in clear)
    lost = list(bootstrap.leave_branches_out(_task(50.0), [choice], 100))
    assert all(score.reciprocal_rank < 0.4 for score in lost)


def test_best_choice_is_taken() -> None:
    """The choice with the best mean over both languages wins."""
    chosen, scores = bootstrap.choose(_task(0.3), 100)
    means = {
        one: np.mean([score.reciprocal_rank for score in scores if score.choice == one])
        for one in bootstrap.GRID
    }
    assert means[chosen] == max(means.values())
    assert len(scores) == 2 * len(bootstrap.GRID)


def test_the_same_texts_give_the_same_regression() -> None:
    """Nothing in it is left to chance."""
    task = _task(0.3)
    rows, ridges = range(len(task.texts)), (0.01, 0.1)
    (first,) = bootstrap.fit_texts(task, rows, [Choice(1.0, ridges[0])], 64)
    again, other = bootstrap.fit_texts(task, rows, [Choice(1.0, one) for one in ridges], 64)
    assert not np.array_equal(first.coefficients, other.coefficients)
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.landmarks, again.landmarks)


def test_class_with_many_texts_counts_no_more_than_one_with_few() -> None:
    """Fitted to almost nothing, the regression gives the classes' mean, not the texts'."""
    task = _task(0.3)
    rows = [*range(_EACH), *range(_EACH, 2 * _EACH, 3)]
    (fitted,) = bootstrap.fit_texts(task, rows, [Choice(1.0, 1e9)], 64)
    np.testing.assert_allclose(fitted.intercept, task.class_targets[:2].mean(axis=0), atol=1e-9)


def test_projection_keeps_what_distinguishes_the_classes() -> None:
    """Orthonormal rows, and targets of few dimensions come through whole."""
    rng = np.random.default_rng(0)
    views = rng.standard_normal((40, 3)) @ rng.standard_normal((3, 60))
    rows = bootstrap.projection(views, 5)
    np.testing.assert_allclose(rows @ rows.T, np.eye(5), atol=1e-9)
    np.testing.assert_allclose(views @ rows.T @ rows, views, atol=1e-9)
