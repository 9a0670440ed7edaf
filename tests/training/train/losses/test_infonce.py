"""InfoNCE against torch's cross-entropy, and without its false negatives."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from training.train.losses.infonce import contrast, false_negatives, infonce

PAIRS = 6


def unit(seed: int) -> torch.Tensor:
    """Random unit embeddings in float64."""
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(
        torch.randn(PAIRS, 8, generator=generator, dtype=torch.float64), dim=-1
    )


def mask(*pairs: tuple[int, int]) -> torch.Tensor:
    """A mask with the given places set."""
    left_out = torch.zeros(PAIRS, PAIRS, dtype=torch.bool)
    for row, column in pairs:
        left_out[row, column] = True
    return left_out


def test_loss_is_the_mean_of_two_cross_entropies() -> None:
    """Rows and columns, each against the diagonal."""
    scores = 12.0 * unit(1) @ unit(2).T
    own = torch.arange(PAIRS)
    expected = functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)
    assert float(infonce(scores)) == pytest.approx(float(expected) / 2.0, rel=1e-12)


def test_known_value() -> None:
    """Scores that tell nothing cost the logarithm of the batch."""
    assert float(infonce(torch.zeros(4, 4))) == pytest.approx(math.log(4.0))


def test_gradients_are_right_in_float64() -> None:
    """Finite differences agree for both embeddings and the learned scale, with a mask."""
    left_out = mask((0, 1), (1, 0), (4, 2))
    captions, clips = unit(1).requires_grad_(), unit(2).requires_grad_()
    log_scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def loss(captions: torch.Tensor, clips: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        return infonce(log_scale.exp() * captions @ clips.T, left_out)

    assert torch.autograd.gradcheck(loss, (captions, clips, log_scale))


def test_order_of_the_batch_does_not_matter() -> None:
    """Pairs may come in any order, their mask with them."""
    scores, left_out = 12.0 * unit(1) @ unit(2).T, mask((0, 3), (5, 1))
    order = torch.randperm(PAIRS, generator=torch.Generator().manual_seed(4))
    turned = infonce(scores[order][:, order], left_out[order][:, order])
    assert float(turned) == pytest.approx(float(infonce(scores, left_out)), rel=1e-12)


def test_false_negatives_are_in_no_denominator() -> None:
    """The masked loss is that of the remaining scores, row by row and column by column."""
    scores, left_out = 12.0 * unit(1) @ unit(2).T, mask((0, 1), (0, 5), (3, 2))
    total = 0.0
    for matrix, hidden in ((scores, left_out), (scores.T, left_out.T)):
        for i in range(PAIRS):
            kept = [j for j in range(PAIRS) if not hidden[i, j]]
            row = torch.tensor([float(matrix[i, j]) for j in kept])
            total += float(functional.cross_entropy(row, torch.tensor(kept.index(i))))
    assert float(infonce(scores, left_out)) == pytest.approx(total / (2 * PAIRS), rel=1e-6)


def test_false_negative_is_not_pushed_away() -> None:
    """Its score has no gradient, while its neighbour's has."""
    scores = (12.0 * unit(1) @ unit(2).T).requires_grad_()
    (gradient,) = torch.autograd.grad(infonce(scores, mask((0, 1))), scores)
    assert float(gradient[0, 1]) == 0.0
    assert float(gradient[0, 2]) > 0.0


def test_pair_stays_its_own_positive() -> None:
    """A mask that covers everything leaves each pair alone: nothing to learn, nothing infinite."""
    scores = (12.0 * unit(1) @ unit(2).T).requires_grad_()
    loss = infonce(scores, torch.ones(PAIRS, PAIRS, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(loss, scores)
    assert float(loss.detach()) == 0.0
    assert not gradient.any()


def test_rows_of_several_ranks_make_up_the_whole_batch() -> None:
    """Half of the rows against all columns, twice, is the loss of the whole batch."""
    scores, left_out = 12.0 * unit(1) @ unit(2).T, mask((0, 4), (5, 2))
    own = torch.arange(PAIRS)
    halves = [
        contrast(scores[rows], own[rows], left_out[rows]) for rows in (slice(0, 3), slice(3, 6))
    ]
    whole = contrast(scores, own, left_out)
    assert float(sum(halves)) / 2.0 == pytest.approx(float(whole), rel=1e-12)


def test_same_caption_same_clip_and_relevant_pairs_are_false_negatives() -> None:
    """Each of the three, and nothing else."""
    relevant = torch.zeros(4, 4, dtype=torch.bool)
    relevant[3, 0] = True
    found = false_negatives(torch.tensor([7, 8, 7, 9]), torch.tensor([1, 2, 3, 2]), relevant)
    assert found.int().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 1]]


def test_wrong_shapes_are_refused() -> None:
    """The message names what was given."""
    with pytest.raises(ValueError, match=r"scores are \(2, 3\)"):
        infonce(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"mask is \(2, 3\) and the scores \(2, 2\)"):
        infonce(torch.zeros(2, 2), torch.zeros(2, 3, dtype=torch.bool))
