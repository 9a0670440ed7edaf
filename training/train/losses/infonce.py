"""InfoNCE: of a batch of pairs, each caption finds its clip and each clip its caption.

van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding", 2018;
symmetric and with a learned scale as in Radford et al., "Learning transferable visual models
from natural language supervision", ICML 2021.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def infonce(scores: Tensor, left_out: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE over a batch whose i-th caption and i-th clip are a pair.

    Args:
        scores: learned logit scale times cosine, shape ``(pairs, pairs)``, captions by clips.
        left_out: bool, same shape: false negatives, in no denominator. The diagonal is not
            looked at: a pair is never its own negative.

    Returns:
        Scalar: the mean of both directions.

    Raises:
        ValueError: the scores are not square, or the mask has another shape.
    """
    if scores.dim() != 2 or scores.shape[0] != scores.shape[1]:  # noqa: PLR2004 - a matrix
        raise ValueError(f"scores are {tuple(scores.shape)}; write one row and column a pair")
    positives = torch.arange(len(scores), device=scores.device)
    transposed = None if left_out is None else left_out.T
    captions = contrast(scores, positives, left_out)
    clips = contrast(scores.T, positives, transposed)
    return (captions + clips) / 2.0


def contrast(scores: Tensor, positives: Tensor, left_out: Tensor | None = None) -> Tensor:
    """One direction: each row finds its positive among the columns, mean over rows.

    There may be more columns than rows: a rank's own captions against the clips of all ranks.

    Args:
        scores: shape ``(rows, columns)``.
        positives: int64 ``(rows,)``, the column of each row's positive.
        left_out: bool ``(rows, columns)``: false negatives; a row's positive always stays.

    Raises:
        ValueError: the mask has another shape than the scores.
    """
    if left_out is not None:
        if left_out.shape != scores.shape:
            raise ValueError(
                f"the mask is {tuple(left_out.shape)} and the scores {tuple(scores.shape)}; "
                "both must be (rows, columns)"
            )
        masked = left_out.scatter(1, positives[:, None], value=False)
        scores = scores.masked_fill(masked, -math.inf)
    return functional.cross_entropy(scores, positives)


def false_negatives(captions: Tensor, clips: Tensor, relevant: Tensor | None = None) -> Tensor:
    """Pairs of a batch that must not count as negatives.

    Args:
        captions: int64 ``(pairs,)``: equal numbers are the same caption.
        clips: int64 ``(pairs,)``: equal numbers are the same clip.
        relevant: bool ``(pairs, pairs)``, captions by clips: rated or labelled as relevant.

    Returns:
        Bool ``(pairs, pairs)``, captions by clips: row and column are the same clip, the same
        caption, or relevant to each other.
    """
    same = (captions[:, None] == captions[None, :]) | (clips[:, None] == clips[None, :])
    return same if relevant is None else same | relevant
