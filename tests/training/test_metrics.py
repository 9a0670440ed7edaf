"""Retrieval figures, on cases small enough for a pencil and on people's ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.data.readers import tau
from training.data.records import Split
from training.metrics import average_precision_at, ndcg_at, recall_at

if TYPE_CHECKING:
    from pathlib import Path

_SCORES = np.array([[0.9, 0.1, 0.5, 0.3], [0.2, 0.8, 0.6, 0.4]])
_RELEVANT = np.array([[True, False, False, True], [False, False, True, False]])


def test_recall_by_hand() -> None:
    """The first query's best item fits; the second's comes second."""
    assert recall_at(_SCORES, _RELEVANT, 1).tolist() == [1.0, 0.0]
    assert recall_at(_SCORES, _RELEVANT, 2).tolist() == [1.0, 1.0]


def test_average_precision_by_hand() -> None:
    """Found first and third of two: (1 + 2/3) / 2; found second of one: 1/2."""
    found = average_precision_at(_SCORES, _RELEVANT, 10)
    np.testing.assert_allclose(found, [(1 + 2 / 3) / 2, 1 / 2])
    np.testing.assert_allclose(average_precision_at(_SCORES, _RELEVANT, 1), [1.0, 0.0])


def test_discounted_gain_by_hand() -> None:
    """Gains 3, 0, 1 in the order that the scores give, against 3, 1, 0."""
    found = ndcg_at(np.array([[3.0, 2.0, 1.0]]), np.array([[3.0, 0.0, 1.0]]), 3)
    expected = (3.0 + 1.0 / np.log2(4)) / (3.0 + 1.0 / np.log2(3))
    np.testing.assert_allclose(found, [expected])


def test_best_order_is_one_and_nothing_relevant_too() -> None:
    """An order of nothing cannot be wrong."""
    gains = np.array([[5.0, 50.0, 20.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(ndcg_at(gains, gains, 2), [1.0, 1.0])


def test_random_orders_of_people_s_ratings(data_dir: Path) -> None:
    """As published with the data: .273, .405 and .561 on the evaluation lists."""
    rows = [one for one in tau.relevances(data_dir) if one.split is Split.TEST]
    assert len(rows) == 3_400
    by_caption: dict[str, list[float]] = {}
    for one in rows:
        by_caption.setdefault(one.caption, []).append(one.rating)
    gains = np.array(list(by_caption.values()))
    assert gains.shape == (200, 17)
    rng = np.random.default_rng(0)
    for depth, expected in ((5, 0.273), (10, 0.405), (17, 0.561)):
        found = np.mean([ndcg_at(rng.random(gains.shape), gains, depth).mean() for _ in range(200)])
        assert found == pytest.approx(expected, abs=0.005)


def test_query_without_an_answer_is_refused() -> None:
    """It would count as a failure that no model can mend."""
    with pytest.raises(ValueError, match="leave it out"):
        average_precision_at(_SCORES, np.zeros((2, 4), bool), 10)
    with pytest.raises(ValueError, match="queries, items"):
        recall_at(_SCORES, _RELEVANT[:, :2], 1)
