"""Recordings as the descriptions' texts and the ordinary sound of the site see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.core.records import Views
from agent.watchlist.examples.weights import COMMON, FIRES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray
    from agent.matcher.prototypes import PrototypeSet
    from agent.watchlist.examples.records import Recording

# From the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_STD = 1.4826
# A cosine that often jumps is also measured by its 99th percentile, 2.326 standard deviations of a
# normal one: the median deviation does not see the upper tail, where false alarms live.
_TAIL_PERCENTILE = 99.0
_TAIL_TO_STD = 2.326
# Bounds the memory of comparing recordings with ordinary sound.
_ROWS = 4_096
# Ordinary sound that a recording hardly tells apart would make much of every nothing.
_LOWEST_STD = 0.01


@dataclass(frozen=True, slots=True)
class Measured:
    """Recordings, as the descriptions' texts and the ordinary sound see them."""

    embeddings: FloatArray
    """In the acoustic view, shape ``(recordings, dim)``."""
    mean: FloatArray
    """Of each recording's cosines with ordinary sound, shape ``(recordings,)``."""
    std: FloatArray
    high: FloatArray
    """By how much those cosines exceed their mean where they are highest, in :data:`COMMON`."""
    scores: FloatArray
    """Of the recordings by the texts alone, shape ``(recordings, descriptions)``."""

    @property
    def usual(self) -> float:
        """Standard deviation of cosines with a recording as they usually are here.

        One for all: with a steepness of their own, recordings are no more telling, and the
        many of a large site cannot be searched well.
        """
        return float(np.median(self.std))

    @property
    def ordinary(self) -> npt.NDArray[np.bool_]:
        """Whether a recording is one of ordinary sound: it fires on that, or hardly on itself."""
        least = FIRES * self.usual
        ordinary: npt.NDArray[np.bool_] = (self.high >= least) | (1.0 - self.mean < least)
        return ordinary


def measure(
    texts: PrototypeSet,
    mean: FloatArray,
    std: FloatArray,
    cohort: Views,
    recordings: Sequence[Recording],
) -> Measured:
    """Measure recordings.

    Args:
        texts: the descriptions without recordings.
        mean: of their margins on ordinary sound.
        std: likewise.
        cohort: ordinary sound.
        recordings: at least one.
    """
    views = Views.concatenate([recording.views for recording in recordings])
    means, stds, high, scores = [], [], [], []
    for at in range(0, len(views), _ROWS):
        some = views[at : at + _ROWS]
        cosine = some.acoustic @ cohort.acoustic.T
        centre, spread = centre_and_spread(cosine, axis=1)
        spread = np.maximum(spread, _LOWEST_STD)
        means.append(centre)
        stds.append(spread)
        high.append(np.quantile(cosine, 1.0 - COMMON, axis=1) - centre)
        scores.append((texts.compare(some)[1] - mean) / std)
    return Measured(
        views.acoustic,
        *(np.concatenate(parts).astype(np.float32) for parts in (means, stds, high, scores)),
    )


def centre_and_spread(values: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of values on ordinary sound, as far as alarms are concerned.

    The median in place of the mean, and the wider of what the median deviation and the upper
    tail say in place of the standard deviation: values are skewed, and it is the tail that
    alarms.
    """
    mean = np.median(values, axis=axis, keepdims=True)
    middle = _MAD_TO_STD * np.median(np.abs(values - mean), axis=axis)
    centre = mean.squeeze(axis)
    tail = (np.percentile(values, _TAIL_PERCENTILE, axis=axis) - centre) / _TAIL_TO_STD
    return centre, np.maximum(middle, tail)
