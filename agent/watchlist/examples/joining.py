"""Gives recordings their weight, and sets aside those that would do harm.

A cosine with a recording says nothing by itself: any two sounds of one hall are alike. So each
recording is told in standard deviations over its mean cosine with ordinary sound, and so many are
added to a description's score, the nearest recording's, weighed. With one recording that fits the
recording decides; where none does, the words do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.matcher.prototypes import PrototypeSet
from agent.matcher.recordings import Examples
from agent.watchlist.examples.checking import check
from agent.watchlist.examples.measuring import measure
from agent.watchlist.examples.records import Kind, SetAside
from agent.watchlist.examples.weights import (
    COUNTS_FROM,
    SAME,
    WEIGHT,
    taken_off,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.records import FloatArray
    from agent.matcher.prototypes import Contrast, Described
    from agent.matcher.recordings import Rows
    from agent.watchlist.examples.checking import Checked
    from agent.watchlist.examples.measuring import Measured
    from agent.watchlist.examples.records import Recording

_COHORT = 1_024


@dataclass(frozen=True, slots=True)
class Joined:
    """Descriptions with the recordings that count."""

    described: tuple[Described, ...]
    set_aside: tuple[SetAside, ...] = ()
    examples: Mapping[str, int] = field(default_factory=dict)
    """How many count, by error id."""
    rejected: Mapping[str, int] = field(default_factory=dict)


def join(
    described: Sequence[Described],
    contrast: Contrast,
    recordings: Sequence[Recording],
    thresholds: FloatArray,
) -> Joined:
    """Add recordings to descriptions.

    Args:
        described: descriptions with their texts.
        contrast: texts of what is ordinary, ordinary sound of this site, and other sounds.
        recordings: of these descriptions.
        thresholds: score at which each of them alarms, as far as is known.
    """
    if not recordings:
        return Joined(tuple(described))
    texts = PrototypeSet(described, contrast.texts)
    step = max(1, -(-len(contrast.cohort) // _COHORT))
    cohort = contrast.cohort[::step]
    statistics = texts.statistics(cohort, contrast.foreground)
    measured = measure(texts, statistics.mean, statistics.std, cohort, recordings)
    ids = {name: column for column, name in enumerate(texts.error_ids)}
    column = np.array([ids[recording.error_id] for recording in recordings])
    checked = check(recordings, column, measured, thresholds)
    weighed = _Weighed(measured, checked, column, statistics.std, thresholds)
    made = [
        replace(description, examples=weighed.examples(number), rejected=weighed.rejected(number))
        for number, description in enumerate(described)
    ]
    reasons = zip(recordings, checked.reasons, strict=True)
    why = {
        (recording.error_id, recording.kind, recording.name): reason
        for recording, reason in reasons
        if reason is not None
    }
    live = {
        (recording.error_id, recording.kind, recording.name)
        for recording, reason in zip(recordings, checked.reasons, strict=True)
        if reason is None
    }
    set_aside = [
        SetAside(error_id, name, kind, reason)
        for (error_id, kind, name), reason in why.items()
        if (error_id, kind, name) not in live  # of a rejected sound, another window may count
    ]
    return Joined(
        described=tuple(made),
        set_aside=tuple(set_aside),
        examples=Counter(error_id for error_id, kind, _ in live if kind is Kind.EXAMPLE),
        rejected=Counter(error_id for error_id, kind, _ in live if kind is Kind.REJECTED),
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Turns checked recordings into prototypes, one description at a time."""

    measured: Measured
    checked: Checked
    column: Rows
    """Description of each recording."""
    std: FloatArray
    """Of each description's margin on ordinary sound, by its texts alone: one of score."""
    thresholds: FloatArray

    def examples(self, number: int) -> Examples:
        """What people confirmed or named: standard deviations, weighed, add to the score."""
        rows = self._rows(number, Kind.EXAMPLE)
        zero = self.measured.mean[rows] + np.float32(COUNTS_FROM * self.measured.usual)
        slope = np.full(len(rows), WEIGHT / self.measured.usual, np.float32)
        return self._examples(rows, number, slope=slope, zero=zero, most=slope * (1.0 - zero))

    def rejected(self, number: int) -> Examples:
        """What people rejected: nearly that very sound is brought under the threshold."""
        rows = self._rows(number, Kind.REJECTED)
        score = self.measured.scores[rows, number] + self.checked.lifted[rows]
        most = taken_off(score, self.thresholds[number])
        mean = self.measured.mean[rows]
        width = (1.0 - SAME) * (1.0 - mean)
        return self._examples(
            rows, number, slope=most / width, zero=mean + SAME * (1.0 - mean), most=most
        )

    def _rows(self, number: int, kind: Kind) -> Rows:
        return np.flatnonzero((self.column == number) & self.checked.live(kind))

    def _examples(
        self, rows: Rows, number: int, *, slope: FloatArray, zero: FloatArray, most: FloatArray
    ) -> Examples:
        """From units of score, and the cosine from which on they count, to units of margin."""
        std = self.std[number]
        slope = slope * std
        return Examples(
            embeddings=self.measured.embeddings[rows],
            slope=slope.astype(np.float32),
            offset=(-slope * zero).astype(np.float32),
            most=(most * std).astype(np.float32),
        )
