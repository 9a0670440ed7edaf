"""ListNet: scores of a rated list are brought to the order and the spacing of its ratings.

Cao, Qin, Liu, Tsai and Li, "Learning to rank: from pairwise approach to listwise approach",
ICML 2007, with the top-one probability of each item. Permutations are not looked at, so items
that are rated alike have the same target whatever their order.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def target_distribution(ratings: Tensor, rated: Tensor, temperature: float) -> Tensor:
    """Top-one probability of each rated item, ``softmax(ratings / temperature)``.

    Args:
        ratings: shape ``(lists, items)``; what stands at unrated items is never looked at.
        rated: bool, same shape; lists may have any number of rated items.
        temperature: in units of the ratings. Towards 0 the best items share everything, towards
            infinity all rated items are alike.

    Returns:
        float64, same shape; 0 at unrated items and in lists without a rated one.

    Raises:
        ValueError: the temperature is not positive, or the shapes differ.
    """
    if math.isnan(temperature) or temperature <= 0.0:
        raise ValueError(f"rating temperature is {temperature}; write a number above 0")
    _check_shapes(ratings, rated)
    values = ratings.detach().double().masked_fill(~rated, -math.inf)
    best = values.amax(dim=-1, keepdim=True)
    # Differences first: a small temperature then gives -inf at most, never inf - inf.
    logits = torch.where(rated, (values - best) / temperature, -math.inf)
    weights = torch.exp(logits)
    return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1.0)


def listnet(scores: Tensor, ratings: Tensor, rated: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of the scores' top-one distribution against the ratings', mean over lists.

    Args:
        scores: logit scale times cosine, shape ``(lists, items)``; gradients flow here only.
        ratings: same shape, 0-100.
        rated: bool, same shape. A list without two different ratings says nothing about order
            and is left out of the mean: its target would ask for equal scores, and among people's
            lists those that are all zeros are many.
        temperature: of the ratings, see :func:`target_distribution`; that of the scores is in
            the logit scale.

    Returns:
        Scalar; 0 (with a gradient of 0) where no list is left.

    Raises:
        ValueError: as :func:`target_distribution`, or the scores have another shape.
    """
    _check_shapes(scores, rated)
    targets = target_distribution(ratings, rated, temperature).to(scores.dtype)
    kept = has_order(ratings, rated)
    # A row that is masked throughout would have NaN in the gradient of its softmax.
    if not bool(kept.any()):
        return scores.masked_fill(~rated, 0.0).sum() * 0.0
    rated, targets = rated[kept], targets[kept]
    logarithms = torch.log_softmax(scores[kept].masked_fill(~rated, -math.inf), dim=-1)
    return -(targets * logarithms.masked_fill(~rated, 0.0)).sum(dim=-1).mean()


def listnet_both_ways(scores: Tensor, ratings: Tensor, rated: Tensor, temperature: float) -> Tensor:
    """ListNet of captions over clips and of clips over captions.

    Args:
        scores: logit scale times cosine, shape ``(captions, clips)``.
        ratings: same shape.
        rated: bool, same shape.
        temperature: of the ratings.

    Returns:
        Scalar: the mean of the directions that have lists (few clips have several rated
        captions), 0 where neither has one.

    Raises:
        ValueError: as :func:`listnet`.
    """
    over_clips = listnet(scores, ratings, rated, temperature)
    if not bool(has_order(ratings.T, rated.T).any()):
        return over_clips
    over_captions = listnet(scores.T, ratings.T, rated.T, temperature)
    if not bool(has_order(ratings, rated).any()):
        return over_captions
    return (over_clips + over_captions) / 2.0


def has_order(ratings: Tensor, rated: Tensor) -> Tensor:
    """Which lists have two different ratings: bool ``(lists,)`` of ``(lists, items)``."""
    highest = ratings.masked_fill(~rated, -math.inf).amax(dim=-1)
    lowest = ratings.masked_fill(~rated, math.inf).amin(dim=-1)
    return highest > lowest


def _check_shapes(values: Tensor, rated: Tensor) -> None:
    if values.shape != rated.shape or rated.dim() != 2:  # noqa: PLR2004 - lists by items
        raise ValueError(
            f"values are {tuple(values.shape)} and the mask {tuple(rated.shape)}; "
            "both must be (lists, items)"
        )
