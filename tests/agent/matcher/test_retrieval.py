"""The two retrieval figures, on cases small enough for a pencil."""

from __future__ import annotations

import numpy as np
import pytest

from agent.matcher.retrieval import mean_average_precision, top_1

# Four recordings, two texts; the first two are of text 0.
_SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.6], [0.1, 0.4]])
_TRUTH = np.array([0, 0, 1, 1])


def test_top_1_counts_recordings_whose_own_text_is_nearest() -> None:
    """The second recording is taken for the other text."""
    assert top_1(_SCORES, _TRUTH) == pytest.approx(3 / 4)


def test_average_precision_by_hand() -> None:
    """Text 0 ranks its own 1st and 3rd: (1 + 2/3) / 2; text 1 its own 2nd and 3rd."""
    expected = ((1 + 2 / 3) / 2 + (1 / 2 + 2 / 3) / 2) / 2
    assert mean_average_precision(_SCORES, _TRUTH) == pytest.approx(expected)


def test_only_the_best_are_looked_at() -> None:
    """With a depth of one, only what comes first counts."""
    assert mean_average_precision(_SCORES, _TRUTH, depth=1) == pytest.approx((1.0 + 0.0) / 2)


def test_text_without_recordings_does_not_count() -> None:
    """A description that no file is of neither helps nor hurts."""
    more = np.concatenate([_SCORES, np.full((4, 1), 0.3)], axis=1)
    assert mean_average_precision(more, _TRUTH) == mean_average_precision(_SCORES, _TRUTH)
