"""How well texts find sounds: the two figures that language-based audio retrieval is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from agent.core.records import FloatArray


def top_1(scores: FloatArray, truth: npt.NDArray[np.intp]) -> float:
    """Share of recordings whose own text scores highest.

    Args:
        scores: shape ``(recordings, texts)``.
        truth: column of each recording's own text, shape ``(recordings,)``.
    """
    return float((scores.argmax(axis=1) == truth).mean())


def mean_average_precision(
    scores: FloatArray, truth: npt.NDArray[np.intp], depth: int = 10
) -> float:
    """mAP@k of texts over recordings: how early a text's own recordings come (Manning, IR, 8.4).

    Recordings of equal score keep their order. Texts without a recording do not count.

    Args:
        scores: shape ``(recordings, texts)``.
        truth: column of each recording's own text, shape ``(recordings,)``.
        depth: how many of the best recordings of each text are looked at.
    """
    precisions = []
    for column in np.unique(truth):
        best = np.argsort(-scores[:, column], kind="stable")[:depth]
        relevant = truth[best] == column
        ranks = np.arange(1, len(best) + 1)
        found = float((np.cumsum(relevant) / ranks * relevant).sum())
        precisions.append(found / min(depth, int((truth == column).sum())))
    return float(np.mean(precisions))
