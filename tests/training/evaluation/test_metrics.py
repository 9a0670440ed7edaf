"""Measures of retrieval: by hand, by brute force over tied orders, and on people's ratings."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytrec_eval

from agent.matcher.retrieval import mean_average_precision
from training.data.readers import tau
from training.data.records import Split
from training.evaluation.metrics import (
    average_precision_at,
    has_order,
    has_relevant,
    kendall_tau,
    ndcg_at,
    precision_at,
    recall_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FALLING = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]])
"""Scores that rank items as they stand."""
DEPTHS = (1, 2, 3, 5, 9)


def recall_by_hand(gains: list[float], k: int) -> float:
    """R@k of items in their order, from its definition."""
    return sum(gain > 0 for gain in gains[:k]) / sum(gain > 0 for gain in gains)


def precision_by_hand(gains: list[float], k: int) -> float:
    """AP@k of items in their order, from its definition."""
    precisions = [
        sum(gain > 0 for gain in gains[: rank + 1]) / (rank + 1)
        for rank in range(min(k, len(gains)))
        if gains[rank] > 0
    ]
    return sum(precisions) / min(k, sum(gain > 0 for gain in gains))


def ndcg_by_hand(gains: list[float], k: int) -> float:
    """nDCG@k of items in their order, from its definition."""

    def dcg(ordered: list[float]) -> float:
        return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(ordered[:k]))

    return dcg(gains) / dcg(sorted(gains, reverse=True))


def orders(scores: list[float]) -> Iterator[tuple[int, ...]]:
    """All orders of items that no score contradicts."""
    for order in itertools.permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order)):
            yield order


def expected(
    measure: Callable[[list[float], int], float], scores: list[float], gains: list[float], k: int
) -> float:
    """Mean of a measure over all orders of tied items."""
    values = [measure([gains[item] for item in order], k) for order in orders(scores)]
    return sum(values) / len(values)


def test_recall_by_hand() -> None:
    """Relevant at ranks 1, 3 and 4: one, one, two and three of three."""
    relevant = np.array([[True, False, True, True, False]])
    found = [recall_at(FALLING, relevant, k).tolist() for k in (1, 2, 3, 4, 100)]
    assert found == [[1 / 3], [1 / 3], [2 / 3], [1.0], [1.0]]


def test_average_precision_by_hand() -> None:
    """Relevant at ranks 1, 3 and 4: precisions 1, 2/3 and 3/4."""
    relevant = np.array([[True, False, True, True, False]])
    found = [average_precision_at(FALLING, relevant, k)[0] for k in (1, 2, 3, 4, 100)]
    three = (1 + 2 / 3) / 3
    four = (1 + 2 / 3 + 3 / 4) / 3
    assert found == pytest.approx([1.0, 1 / 2, three, four, four])


def test_ndcg_by_hand() -> None:
    """Gains 0, 100, 50 against 100, 50, 0: linear, discounted by log2(1 + rank)."""
    gains = np.array([[0.0, 100.0, 50.0]])
    found = [ndcg_at(FALLING[:, :3], gains, k)[0] for k in (1, 2, 3)]
    second, third = 1 / math.log2(3), 1 / 2
    best = 100 + 50 * second
    assert found == pytest.approx([0.0, 100 * second / best, (100 * second + 50 * third) / best])


def test_precision_by_hand() -> None:
    """Relevant at ranks 1, 3 and 4; beyond the items their number counts."""
    relevant = np.array([[True, False, True, True, False]])
    found = [precision_at(FALLING, relevant, k)[0] for k in (1, 2, 3, 4, 100)]
    assert found == pytest.approx([1.0, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    tied = precision_at(np.zeros((1, 5)), relevant, 2)
    assert tied == pytest.approx([3 / 5])
    nothing = precision_at(FALLING.repeat(2, axis=0), np.array([[False] * 5, [True] * 5]), 2)
    assert nothing.tolist() == [1.0]


def test_kendall_tau_by_hand() -> None:
    """Six pairs: four agree, one disagrees, one has tied ratings; tau-b is 3 / sqrt(6 * 5)."""
    scores = np.array([[4.0, 3.0, 2.0, 1.0]])
    ratings = np.array([[90.0, 40.0, 60.0, 40.0]])
    tau_b = kendall_tau(scores, ratings, np.ones((1, 4), dtype=np.bool_))
    assert tau_b == pytest.approx([3 / math.sqrt(6 * 5)])


@pytest.mark.parametrize("measure", [recall_at, average_precision_at])
def test_a_perfect_and_a_reversed_order(
    measure: Callable[[Floats, npt.NDArray[np.bool_], int], Floats],
) -> None:
    """1 with both relevant items in front, 0 with both behind the depth."""
    relevant = np.array([[True, True, False, False, False]])
    assert measure(FALLING, relevant, 2).tolist() == [1.0]
    assert measure(-FALLING, relevant, 2).tolist() == [0.0]


def test_random_orders_agree_with_the_definitions() -> None:
    """Without ties, whatever the number of relevant items and the depth."""
    random = np.random.default_rng(1)
    scores = random.standard_normal((40, 9)).astype(np.float32)
    gains = random.integers(0, 5, (40, 9)) * random.integers(0, 2, (40, 9)) * 25.0
    gains[:, 4] = 10.0
    in_order = np.take_along_axis(gains, np.argsort(-scores, axis=1), axis=1).tolist()
    for k in DEPTHS:
        assert recall_at(scores, gains > 0, k) == pytest.approx(
            [recall_by_hand(row, k) for row in in_order]
        )
        assert average_precision_at(scores, gains > 0, k) == pytest.approx(
            [precision_by_hand(row, k) for row in in_order]
        )
        assert ndcg_at(scores, gains, k) == pytest.approx(
            [ndcg_by_hand(row, k) for row in in_order]
        )


@pytest.mark.parametrize("grades", [1, 4])
def test_trec_eval_agrees(grades: int) -> None:
    """The reference implementation, on 200 random orders without ties, binary and graded.

    Its precision at a depth is over all relevant items, where ours is over those that fit in.
    """
    random = np.random.default_rng(6)
    queries, items, depths = 200, 30, (1, 3, 5, 10, 20)
    # It keeps scores in single precision: whole numbers stay apart there.
    scores = np.stack([random.permutation(items) for _ in range(queries)]).astype(np.float64)
    gains = random.integers(1, grades + 1, (queries, items))
    gains *= random.uniform(size=(queries, items)) < random.uniform(0.05, 0.6, (queries, 1))
    gains[:, 0] = np.maximum(gains[:, 0], 1)
    judged = {
        f"q{q}": {f"d{d}": int(gain) for d, gain in enumerate(row)} for q, row in enumerate(gains)
    }
    ranked = {
        f"q{q}": {f"d{d}": float(score) for d, score in enumerate(row)}
        for q, row in enumerate(scores)
    }
    cuts = ",".join(map(str, depths))
    wanted = {f"{name}.{cuts}" for name in ("P", "recall", "map_cut", "ndcg_cut")}
    found = pytrec_eval.RelevanceEvaluator(judged, wanted).evaluate(ranked)
    relevant = gains > 0
    for k in depths:
        reference = {
            name: np.array([found[f"q{q}"][f"{name}_{k}"] for q in range(queries)])
            for name in ("P", "recall", "map_cut", "ndcg_cut")
        }
        assert precision_at(scores, relevant, k) == pytest.approx(reference["P"])
        assert recall_at(scores, relevant, k) == pytest.approx(reference["recall"])
        assert ndcg_at(scores, gains.astype(np.float64), k) == pytest.approx(reference["ndcg_cut"])
        count = relevant.sum(axis=1)
        assert average_precision_at(scores, relevant, k) == pytest.approx(
            reference["map_cut"] * count / np.minimum(count, k)
        )


@pytest.mark.parametrize(
    "scores",
    [
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        [2.0, 1.0, 1.0, 1.0, 0.0, 0.0],
        [0.0, -0.0, 3.0, 3.0, 3.0, -1.0],
    ],
)
def test_ties_count_as_the_mean_over_their_orders(scores: list[float]) -> None:
    """Ties of any size, across the depth too, against all orders written out."""
    gains = [0.0, 80.0, 30.0, 0.0, 10.0, 0.0]
    row, gain = np.array([scores]), np.array([gains])
    for k in DEPTHS:
        assert recall_at(row, gain > 0, k) == pytest.approx(
            [expected(recall_by_hand, scores, gains, k)]
        )
        assert average_precision_at(row, gain > 0, k) == pytest.approx(
            [expected(precision_by_hand, scores, gains, k)]
        )
        assert ndcg_at(row, gain, k) == pytest.approx([expected(ndcg_by_hand, scores, gains, k)])


def test_nothing_depends_on_how_items_are_stored() -> None:
    """Scores with many ties, items shuffled."""
    random = np.random.default_rng(2)
    scores = random.integers(0, 4, (30, 12)).astype(np.float64)
    gains = random.integers(1, 101, (30, 12)).astype(np.float64)
    shuffled = random.permutation(12)
    moved, gained = scores[:, shuffled], gains[:, shuffled]
    rated = np.ones(scores.shape, dtype=np.bool_)
    assert recall_at(moved, gained > 50, 5) == pytest.approx(recall_at(scores, gains > 50, 5))
    assert average_precision_at(moved, gained > 50, 5) == pytest.approx(
        average_precision_at(scores, gains > 50, 5)
    )
    assert ndcg_at(moved, gained, 5) == pytest.approx(ndcg_at(scores, gains, 5))
    assert kendall_tau(moved, gained, rated) == pytest.approx(kendall_tau(scores, gains, rated))


def test_both_directions_by_transposition() -> None:
    """The box's figure of texts over recordings is the mean here over the transposed scores."""
    random = np.random.default_rng(3)
    scores = random.standard_normal((60, 7)).astype(np.float32)
    truth = np.arange(60) % 5
    relevant = truth[:, np.newaxis] == np.arange(7)
    texts_over_recordings = average_precision_at(scores.T, relevant.T, 10)
    assert len(texts_over_recordings) == 5
    assert texts_over_recordings.mean() == pytest.approx(mean_average_precision(scores, truth))
    assert len(average_precision_at(scores, relevant, 10)) == 60


def test_queries_without_relevant_items_are_left_out() -> None:
    """The others keep their order; the mask says which they are."""
    scores = np.array([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    gains = np.array([[0.0, 10.0], [0.0, 0.0], [10.0, 0.0]])
    assert has_relevant(gains).tolist() == [True, False, True]
    assert recall_at(scores, gains > 0, 1).tolist() == [0.0, 1.0]
    assert average_precision_at(scores, gains > 0, 1).tolist() == [0.0, 1.0]
    assert ndcg_at(scores, gains, 1).tolist() == [0.0, 1.0]
    nothing = ndcg_at(scores, gains * 0.0, 1)
    assert nothing.shape == (0,)
    assert nothing.dtype == np.float64


def test_lists_without_an_order_have_no_tau() -> None:
    """Equal ratings and single ones are left out, equal scores are 0."""
    scores = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    ratings = np.array([[7.0, 7.0, 9.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    rated = np.array(
        [[True, True, False], [True, True, True], [True, False, False], [True, True, True]]
    )
    assert has_order(ratings, rated).tolist() == [False, True, False, True]
    assert kendall_tau(scores, ratings, rated) == pytest.approx([0.0, 1.0])


def test_unrated_items_are_never_looked_at() -> None:
    """Whatever stands there, values are those of the rated items alone."""
    random = np.random.default_rng(4)
    scores, gains = random.standard_normal((6, 4)), random.uniform(0.0, 100.0, (6, 4))
    rated = np.tile([True, False, True, True, True, False], (6, 1))
    wide_scores, wide_gains = np.full((6, 6), np.nan), np.full((6, 6), np.nan)
    wide_scores[:, 1] = np.inf
    wide_gains[:, 5] = 1000.0
    wide_scores[rated], wide_gains[rated] = scores.ravel(), gains.ravel()
    for k in DEPTHS:
        assert ndcg_at(wide_scores, wide_gains, k, rated=rated) == pytest.approx(
            ndcg_at(scores, gains, k)
        )
    everything = np.ones((6, 4), dtype=np.bool_)
    assert kendall_tau(wide_scores, wide_gains, rated) == pytest.approx(
        kendall_tau(scores, gains, everything)
    )
    assert ndcg_at(wide_scores, wide_gains, 3, rated=np.zeros_like(rated)).shape == (0,)
    large = np.array([[2e9, 1e9, 0.0]], dtype=np.float32)
    second = ndcg_at(large, np.array([[0.0, 1.0, 1.0]]), 2, rated=np.array([[True, True, False]]))
    assert second == pytest.approx([1 / math.log2(3)])


def test_what_cannot_be_measured_is_refused() -> None:
    """Each message says what was found."""
    relevant = np.array([[True, False, True, True, False]])
    with pytest.raises(ValueError, match="k is 0"):
        recall_at(FALLING, relevant, 0)
    with pytest.raises(ValueError, match="1 non-finite"):
        recall_at(np.array([[np.nan, 1.0]]), np.array([[True, False]]), 1)
    with pytest.raises(ValueError, match=r"\(5, 1\)"):
        average_precision_at(FALLING, relevant.T, 1)
    with pytest.raises(ValueError, match="float64"):
        recall_at(FALLING, relevant.astype(np.float64), 1)
    with pytest.raises(ValueError, match="negative"):
        ndcg_at(FALLING, -FALLING, 1)
    with pytest.raises(ValueError, match="ratings hold 5"):
        kendall_tau(FALLING, FALLING * np.nan, np.ones((1, 5), dtype=np.bool_))


def test_random_orders_of_people_s_ratings(data_dir: Path) -> None:
    """What a model has to beat on TAU's evaluation lists: chance, and the paired clip in front."""
    rows = [one for one in tau.relevances(data_dir) if one.split is Split.TEST]
    rows.sort(key=lambda one: one.caption)
    gains = np.array([one.rating for one in rows]).reshape(200, 17)
    paired = np.array([float(one.group is tau.Group.PAIRED) for one in rows]).reshape(200, 17)
    depths = (5, 10, 17)
    chance = [ndcg_at(np.zeros_like(gains), gains, k).mean() for k in depths]
    assert chance == pytest.approx([0.2743, 0.4030, 0.5628], abs=0.0001)
    # The set's own description has them from drawn orders.
    assert chance == pytest.approx([0.273, 0.405, 0.561], abs=0.003)
    in_front = [ndcg_at(paired, gains, k).mean() for k in depths]
    assert in_front == pytest.approx([0.572, 0.660, 0.784], abs=0.001)
    random = np.random.default_rng(5)
    drawn = [ndcg_at(random.standard_normal(gains.shape), gains, 5).mean() for _ in range(200)]
    # One draw's mean has a standard deviation of .014, that of 200 of them .001.
    assert np.mean(drawn) == pytest.approx(chance[0], abs=0.003)
    assert [ndcg_at(gains, gains, k).min() for k in depths] == pytest.approx([1.0, 1.0, 1.0])
