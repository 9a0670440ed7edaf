"""Which recordings would do harm: each is tried on what else is known of this site.

Three checks: an example of what is ordinary here would alarm all day; one that was rejected, too,
is in doubt; and what was rejected must not silence what was confirmed. What the first costs is in
docs/examples.md; what all three prevent on a real site is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.core.reasons import Reason
from agent.watchlist.examples.records import Kind
from agent.watchlist.examples.weights import COUNTS_FROM, FIRES, SAME, WEIGHT, taken_off

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray
    from agent.matcher.recordings import Rows
    from agent.watchlist.examples.measuring import Measured
    from agent.watchlist.examples.records import Recording

OTHERS = 1_000
"""Each recording is tried on so many others of its description, at most."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the trials, one for each recording."""

    reasons: tuple[Reason | None, ...]
    """Why it is set aside; ``None`` where it counts."""
    lifted: FloatArray
    """What the examples that count add to the score of a rejected recording."""
    kinds: npt.NDArray[np.bool_]
    """Whether it is an example."""

    def live(self, kind: Kind) -> npt.NDArray[np.bool_]:
        """Those of a kind that count."""
        counts = np.array([reason is None for reason in self.reasons], bool)
        mask: npt.NDArray[np.bool_] = counts & (self.kinds == (kind is Kind.EXAMPLE))
        return mask


def check(
    recordings: Sequence[Recording], column: Rows, measured: Measured, thresholds: FloatArray
) -> Checked:
    """Try every recording.

    Args:
        recordings: of all descriptions.
        column: the description of each.
        measured: the same recordings.
        thresholds: score at which each description alarms.
    """
    trial = _Trial(recordings, column, measured, thresholds)
    for number in np.unique(column):
        trial.examples(int(number))
        trial.rejected(int(number))
    return Checked(tuple(trial.reasons), trial.lifted, trial.is_example)


class _Trial:
    """Goes through the descriptions, and notes what speaks against their recordings."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        column: Rows,
        measured: Measured,
        thresholds: FloatArray,
    ) -> None:
        self._column = column
        self._measured = measured
        self._thresholds = thresholds
        self.reasons: list[Reason | None] = [None] * len(recordings)
        self.lifted = np.zeros(len(recordings), np.float32)
        self.is_example = np.array(
            [recording.kind is Kind.EXAMPLE for recording in recordings], bool
        )
        for row in np.flatnonzero(self.is_example & measured.ordinary):
            self.reasons[row] = Reason.of("recording_ordinary")

    def examples(self, number: int) -> None:
        """Try the examples of a description; notes what they add to its rejected recordings."""
        rows, rejected = self._live(number, example=True), self._live(number, example=False)
        if not len(rows) or not len(rejected):
            return
        own = rows[-OTHERS:]
        agree = (self._fires(rows, own) & (rows[:, None] != own[None, :])).sum(axis=1)
        same = (self._likeness(rejected[-OTHERS:], rows) >= SAME).sum(axis=0)
        for row in rows[same > agree]:
            self.reasons[row] = Reason.of("recording_contradicted")
        rows = rows[same <= agree]
        if len(rows):
            self.lifted[rejected] = self._lift(rows[-OTHERS:], rejected)

    def rejected(self, number: int) -> None:
        """Try what was rejected: it must not silence what was confirmed."""
        rows = self._live(number, example=False)
        own = self._live(number, example=True)[-OTHERS:]
        if not len(rows) or not len(own):
            return
        score = self._measured.scores[own, number] + self._lift(own, own)
        share = (self._likeness(rows, own) - SAME) / (1.0 - SAME)
        threshold = self._thresholds[number]
        most = taken_off(self._measured.scores[rows, number] + self.lifted[rows], threshold)
        taken = np.clip(share, 0.0, 1.0) * most[:, None]
        heard = score >= threshold
        silenced = (heard & (score - taken < threshold)).sum(axis=1)
        alike = self._likeness(rows, rows[-OTHERS:]) >= SAME
        for row, count, backed in zip(rows, silenced, alike.sum(axis=1), strict=True):
            if count > max(1, backed):
                self.reasons[row] = Reason.of("recording_silences", count=int(count))

    def _live(self, number: int, *, example: bool) -> Rows:
        rows = np.flatnonzero((self._column == number) & (self.is_example == example))
        return rows[[self.reasons[row] is None for row in rows]]

    def _cosine(self, rows: Rows, others: Rows) -> FloatArray:
        return self._measured.embeddings[rows] @ self._measured.embeddings[others].T

    def _fires(self, rows: Rows, others: Rows) -> npt.NDArray[np.bool_]:
        """Whether recordings take others for like themselves."""
        over = self._cosine(rows, others) - self._measured.mean[rows, None]
        fires: npt.NDArray[np.bool_] = over >= FIRES * self._measured.usual
        return fires

    def _likeness(self, rows: Rows, others: Rows) -> FloatArray:
        """0 for ordinary sound, 1 for the very sound of a recording, ``(rows, others)``."""
        mean = self._measured.mean[rows, None]
        return (self._cosine(rows, others) - mean) / (1.0 - mean)

    def _lift(self, rows: Rows, others: Rows) -> FloatArray:
        """What examples add to scores of recordings; to its own, none does."""
        over = self._cosine(rows, others) - self._measured.mean[rows, None]
        value = np.maximum(WEIGHT * (over / self._measured.usual - COUNTS_FROM), 0.0)
        value[rows[:, None] == others[None, :]] = 0.0
        lift: FloatArray = value.max(axis=0)
        return lift
