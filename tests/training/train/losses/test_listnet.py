"""ListNet against the formula of its paper, at its limits, and with its mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.train.losses.listnet import has_order, listnet, listnet_both_ways, target_distribution

Floats = NDArray[np.float64]
LISTS, ITEMS = 5, 7


def batch(seed: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores, ratings (with ties and zeros) and a mask of lists of 2 to 7 items."""
    generator = torch.Generator().manual_seed(seed)
    scores = 6.0 * torch.randn(LISTS, ITEMS, generator=generator, dtype=torch.float64)
    ratings = 25.0 * torch.randint(0, 5, (LISTS, ITEMS), generator=generator).double()
    lengths = torch.tensor([7, 2, 4, 3, 6])
    rated = torch.arange(ITEMS)[None, :] < lengths[:, None]
    return scores, ratings, rated


def top_one(values: Floats) -> Floats:
    """The paper's top-one probability with the exponential as increasing function."""
    return np.array([math.exp(v) / sum(math.exp(w) for w in values) for v in values])


def paper_loss(scores: Floats, ratings: Floats) -> float:
    """The paper's cross-entropy of one list, sum over its items."""
    targets, predicted = top_one(ratings), top_one(scores)
    return -sum(float(t) * math.log(p) for t, p in zip(targets, predicted, strict=True))


def test_loss_is_the_formula_of_the_paper() -> None:
    """A plain transcription, list by list, gives the same mean."""
    scores, ratings, rated = batch()
    expected = np.mean(
        [
            paper_loss(scores[i][rated[i]].numpy(), ratings[i][rated[i]].numpy() / 20.0)
            for i in range(LISTS)
        ]
    )
    assert float(listnet(scores, ratings, rated, 20.0)) == pytest.approx(expected, rel=1e-12)


def test_known_value() -> None:
    """Two items scored alike, whatever their ratings: a coin's toss costs the log of 2."""
    ratings = torch.tensor([[70.0, 20.0]])
    loss = listnet(torch.zeros(1, 2), ratings, torch.ones(1, 2).bool(), 10.0)
    assert float(loss) == pytest.approx(math.log(2.0))


def test_gradient_is_right_in_float64() -> None:
    """Finite differences agree, with masked items and an empty list in the batch."""
    scores, ratings, rated = batch()
    rated[2] = False
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: listnet(s, ratings, rated, 15.0), (scores,))
    assert torch.autograd.gradcheck(lambda s: listnet_both_ways(s, ratings, rated, 15.0), (scores,))


def test_gradient_is_zero_where_scores_have_the_ratings_distribution() -> None:
    """The loss is least there: its value is the entropy of the targets."""
    _, ratings, rated = batch()
    scores = (ratings / 20.0).requires_grad_()
    loss = listnet(scores, ratings, rated, 20.0)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert float(gradient.abs().max()) < 1e-15
    targets = target_distribution(ratings, rated, 20.0)
    entropy = -torch.xlogy(targets, targets).sum(dim=-1).mean()
    assert float(loss.detach()) == pytest.approx(float(entropy), rel=1e-12)


def test_order_of_a_list_does_not_matter() -> None:
    """Items may come in any order, as long as score, rating and mask move together."""
    scores, ratings, rated = batch()
    order = torch.randperm(ITEMS, generator=torch.Generator().manual_seed(1))
    turned = listnet(scores[:, order], ratings[:, order], rated[:, order], 10.0)
    assert float(turned) == pytest.approx(float(listnet(scores, ratings, rated, 10.0)), rel=1e-12)


def test_flipped_ratings_pull_the_other_way() -> None:
    """The gradient of the better-rated item is negative: its score rises; flipped, it falls."""
    scores = torch.zeros(1, 2, requires_grad=True)
    rated = torch.ones(1, 2, dtype=torch.bool)
    for ratings, sign in (([90.0, 10.0], -1.0), ([10.0, 90.0], 1.0)):
        (gradient,) = torch.autograd.grad(
            listnet(scores, torch.tensor([ratings]), rated, 20.0), scores
        )
        assert float(torch.sign(gradient[0, 0])) == sign
        assert float(gradient.sum()) == pytest.approx(0.0, abs=1e-7)


def test_ties_have_equal_targets() -> None:
    """Rated alike, targets alike, at any temperature and wherever they stand."""
    ratings = torch.tensor([[100.0, 0.0, 100.0, 0.0]])
    rated = torch.ones_like(ratings, dtype=torch.bool)
    for temperature in (1e-300, 1.0, 50.0):
        targets = target_distribution(ratings, rated, temperature)[0]
        assert targets[0] == targets[2]
        assert targets[1] == targets[3]
        assert float(targets.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e-3])
def test_cold_targets_are_one_hot(temperature: float) -> None:
    """Towards 0 everything lies on the best item; the best that tie share it."""
    ratings = torch.tensor([[30.0, 31.0, 0.0], [50.0, 50.0, 49.0]])
    targets = target_distribution(ratings, torch.ones_like(ratings, dtype=torch.bool), temperature)
    assert targets.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]


@pytest.mark.parametrize("temperature", [1e12, math.inf])
def test_hot_targets_are_uniform(temperature: float) -> None:
    """Towards infinity every rated item has the same target, and no other has one."""
    ratings = torch.tensor([[0.0, 100.0, 40.0, 100.0]])
    rated = torch.tensor([[True, True, False, True]])
    targets = target_distribution(ratings, rated, temperature)
    assert targets[0].tolist() == pytest.approx([1 / 3, 1 / 3, 0.0, 1 / 3], abs=1e-9)


@pytest.mark.parametrize("rubbish", [math.nan, math.inf, -math.inf, 1e30])
def test_unrated_items_are_not_there(rubbish: float) -> None:
    """Whatever stands at them, value and gradient are those of the shorter lists."""
    scores, ratings, rated = batch()
    expected = torch.stack(
        [
            listnet(s[m][None], r[m][None], m[m][None], 10.0)
            for s, r, m in zip(scores, ratings, rated, strict=True)
        ]
    ).mean()
    spoilt = torch.where(rated, scores, rubbish).requires_grad_()
    loss = listnet(spoilt, torch.where(rated, ratings, rubbish), rated, 10.0)
    (gradient,) = torch.autograd.grad(loss, spoilt)
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-12)
    assert torch.isfinite(gradient).all()
    assert not gradient[~rated].any()


def test_lists_without_order_are_left_out_of_the_mean() -> None:
    """Empty lists, lists of one and lists rated all alike neither add nor dilute."""
    scores, ratings, rated = batch()
    rated[0] = False
    rated[3] = torch.arange(ITEMS) == 4
    ratings[2] = 30.0
    kept = torch.tensor([1, 4])
    assert has_order(ratings, rated).nonzero().flatten().tolist() == kept.tolist()
    alone = listnet(scores[kept], ratings[kept], rated[kept], 10.0)
    assert float(listnet(scores, ratings, rated, 10.0)) == pytest.approx(float(alone), rel=1e-12)


def test_batch_without_lists_costs_nothing() -> None:
    """The loss is 0 and can still be differentiated: other ranks wait for this one's gradient."""
    scores = torch.full((2, 3), math.nan, requires_grad=True)
    loss = listnet(scores, torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bool), 10.0)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert float(loss.detach()) == 0.0
    assert not gradient.any()


def test_both_ways_is_the_mean_of_the_directions_with_lists() -> None:
    """A direction without lists does not halve the other."""
    scores, ratings, rated = batch()
    rows = listnet(scores, ratings, rated, 10.0)
    columns = listnet(scores.T, ratings.T, rated.T, 10.0)
    both = listnet_both_ways(scores, ratings, rated, 10.0)
    assert float(both) == pytest.approx(float(rows + columns) / 2.0)
    one = slice(0, 1)
    assert float(listnet_both_ways(scores[one], ratings[one], rated[one], 10.0)) == pytest.approx(
        float(listnet(scores[one], ratings[one], rated[one], 10.0))
    )
    assert float(listnet_both_ways(scores.T[:, one], ratings.T[:, one], rated.T[:, one], 10.0)) == (
        pytest.approx(float(listnet(scores[one], ratings[one], rated[one], 10.0)))
    )


def test_works_in_single_precision_with_far_scores() -> None:
    """A logit scale of 100 and a cold target lose nothing in float32."""
    scores = torch.tensor([[100.0, -100.0, 0.0]], requires_grad=True)
    loss = listnet(scores, torch.tensor([[0.0, 100.0, 50.0]]), torch.ones(1, 3).bool(), 0.1)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert float(loss.detach()) == pytest.approx(200.0)
    assert gradient[0].tolist() == pytest.approx([1.0, -1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_wrong_temperature_is_refused(temperature: float) -> None:
    """The message says what to write."""
    with pytest.raises(ValueError, match=r"rating temperature is .*; write a number above 0"):
        target_distribution(torch.zeros(1, 2), torch.ones(1, 2).bool(), temperature)


def test_shapes_that_differ_are_refused() -> None:
    """Broadcasting would train on something else."""
    with pytest.raises(ValueError, match=r"\(2, 3\) and the mask \(2, 1\)"):
        listnet(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 1).bool(), 10.0)
    with pytest.raises(ValueError, match=r"\(1, 3\) and the mask \(2, 3\)"):
        listnet(torch.zeros(2, 3), torch.zeros(1, 3), torch.ones(2, 3).bool(), 10.0)
