"""Which recordings would do harm: each is tried on those that it was not made from.

A recording is left out of its own trial. What speaks for it: others of its description that it
would find. What speaks against it: ordinary sound that it would fire on, sounds that people know
to be something else, and texts of other descriptions that fit it better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.watchlist.examples.records import Kind
from agent.watchlist.examples.weights import (
    AGREEING,
    AGREEING_MOST,
    ALONE,
    ALONE_MOST,
    FIRES,
    SAME,
    taken_off,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray
    from agent.matcher.recordings import Rows
    from agent.watchlist.examples.measuring import Measured
    from agent.watchlist.examples.records import Recording

COMMON = 0.01
"""An example that fires on more of the ordinary sound does not stand out from it."""
LIKE_ITSELF = FIRES
"""An example that says less of itself likewise."""
RIVAL = 1.5
"""By so much another text has to fit better for a lone example to wait for one that agrees."""
OTHERS = 1_000
"""Each recording is tried on so many of its own description, and of the others, at most."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the trials, one for each recording."""

    reasons: tuple[str, ...]
    """Why it is set aside; empty where it counts."""
    full: npt.NDArray[np.bool_]
    """Whether an example has its full weight."""
    lifted: FloatArray
    """What the examples that count add to the score of a rejected recording."""
    kinds: npt.NDArray[np.bool_]
    """Whether it is an example."""

    def live(self, kind: Kind) -> npt.NDArray[np.bool_]:
        """Those of a kind that count."""
        counts = np.array([not reason for reason in self.reasons], bool)
        mask: npt.NDArray[np.bool_] = counts & (self.kinds == (kind is Kind.EXAMPLE))
        return mask


def check(
    recordings: Sequence[Recording],
    column: Rows,
    measured: Measured,
    error_ids: Sequence[str],
    thresholds: FloatArray,
) -> Checked:
    """Try every recording.

    Args:
        recordings: of all descriptions.
        column: the description of each.
        measured: the same recordings.
        error_ids: the descriptions.
        thresholds: score at which each of them alarms.
    """
    trial = _Trial(recordings, column, measured, error_ids, thresholds)
    for number in np.unique(column):
        trial.examples(int(number))
    for number in np.unique(column):
        trial.together(int(number))
        trial.rejected(int(number))
    return Checked(tuple(trial.reasons), trial.full, trial.lifted, trial.is_example)


class _Trial:
    """Goes through the descriptions, and notes what speaks against their recordings."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        column: Rows,
        measured: Measured,
        error_ids: Sequence[str],
        thresholds: FloatArray,
    ) -> None:
        self._column = column
        self._measured = measured
        self._error_ids = error_ids
        self._thresholds = thresholds
        self.reasons = [""] * len(recordings)
        self.full = np.zeros(len(recordings), bool)
        self.lifted = np.zeros(len(recordings), np.float32)
        self.is_example = np.array(
            [recording.kind is Kind.EXAMPLE for recording in recordings], bool
        )
        self._sure = np.array([recording.sure for recording in recordings], bool)
        sources = {
            recording.moment.source for recording in recordings if recording.moment is not None
        }
        code = {source: number for number, source in enumerate(sorted(sources))}
        moments = [
            (np.nan, np.nan, np.nan)
            if recording.moment is None
            else (
                code[recording.moment.source],
                recording.moment.starts_at,
                recording.moment.ends_at,
            )
            for recording in recordings
        ]
        self._source, self._starts, self._ends = np.array(moments, np.float64).T
        for row in np.flatnonzero(
            self.is_example & ((measured.common > COMMON) | (measured.itself < LIKE_ITSELF))
        ):
            self.reasons[row] = "does not stand out from the ordinary sound of this site"

    def examples(self, number: int) -> None:
        """Try the examples of a description one by one."""
        rows = self._live(number, example=True)
        if not len(rows):
            return
        own = rows[-OTHERS:]
        alike = self._alike(rows, own) & ~self._same_moment(rows, own)
        alike &= rows[:, None] != own[None, :]
        agree = alike.sum(axis=1)
        rejected = self._live(number, example=False)[-OTHERS:]
        both = (self._likeness(rejected, rows) >= SAME).sum(axis=0)
        for row, agreeing, nearly, (against, other), (gap, rival) in zip(
            rows.tolist(),
            agree.tolist(),
            both.tolist(),
            self._against(rows, number),
            self._rivals(rows, number),
            strict=True,
        ):
            alone = not agreeing and not self._sure[row]
            if nearly > agreeing:
                self.reasons[row] = "nearly the same sound was rejected"
            elif against > agreeing:
                self.reasons[row] = f"sounds like what was confirmed as {other}"
            elif alone and gap > RIVAL:
                self.reasons[row] = f"the text of {rival} fits it better, and no other agrees"
            elif alone and agree.any():
                self.reasons[row] = "is like none of the others, which agree"
            self.full[row] = not alone

    def together(self, number: int) -> None:
        """Try what examples do together: they must not put other sounds before their own.

        Each is left out where it is itself the sound in question. Notes what they add to
        rejected recordings.
        """
        rows = self._live(number, example=True)
        if not len(rows):
            return
        own = rows[-OTHERS:]
        rejected = np.flatnonzero((self._column == number) & ~self.is_example)
        others = np.concatenate([rejected[-OTHERS:], self._foreign(rows, number)])
        scores = self._measured.scores[:, number]
        if len(own) > 1 and len(others):
            lifted = self._lift(own, own)
            with_them = _in_order(scores[own] + lifted, scores[others] + self._lift(own, others))
            if with_them < _in_order(scores[own], scores[others]):
                for row in rows[~self._sure[rows]]:
                    self.reasons[row] = "the texts alone tell them better from other known sounds"
                rows = rows[self._sure[rows]]
        if len(rows) and len(rejected):
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
                self.reasons[row] = f"would silence {count} that were confirmed"

    def _live(self, number: int, *, example: bool) -> Rows:
        rows = np.flatnonzero((self._column == number) & (self.is_example == example))
        return rows[[not self.reasons[row] for row in rows]]

    def _cosine(self, rows: Rows, others: Rows) -> FloatArray:
        return self._measured.embeddings[rows] @ self._measured.embeddings[others].T

    def _fires(self, rows: Rows, others: Rows) -> FloatArray:
        """Standard deviations by which recordings see others over ordinary sound."""
        mean, std = self._measured.mean[rows, None], self._measured.std[rows, None]
        return (self._cosine(rows, others) - mean) / std

    def _alike(self, rows: Rows, others: Rows) -> npt.NDArray[np.bool_]:
        """Whether recordings fire on each other."""
        return (self._fires(rows, others) >= FIRES) & (self._fires(others, rows).T >= FIRES)

    def _likeness(self, rows: Rows, others: Rows) -> FloatArray:
        """0 for ordinary sound, 1 for the very sound of a recording, ``(rows, others)``."""
        mean = self._measured.mean[rows, None]
        return (self._cosine(rows, others) - mean) / (1.0 - mean)

    def _same_moment(self, rows: Rows, others: Rows) -> npt.NDArray[np.bool_]:
        together: npt.NDArray[np.bool_] = self._source[rows, None] == self._source[None, others]
        together &= self._starts[rows, None] <= self._ends[None, others]
        together &= self._starts[None, others] <= self._ends[rows, None]
        return together

    def _foreign(self, rows: Rows, number: int) -> Rows:
        """Examples of other descriptions that were never heard together with these."""
        counts = np.array([not reason for reason in self.reasons], bool)
        foreign = np.flatnonzero(self.is_example & counts & (self._column != number))[-OTHERS:]
        shared = self._column[foreign[self._same_moment(rows, foreign).any(axis=0)]]
        return foreign[~np.isin(self._column[foreign], shared)]

    def _against(self, rows: Rows, number: int) -> list[tuple[int, str]]:
        """For each example: how many of another description's it sounds like, and of which.

        Only of one whose text fits it better: else it is the other one that is wrong.
        """
        foreign = self._foreign(rows, number)
        scores = self._measured.scores[rows]
        better = scores[:, self._column[foreign]] > scores[:, number, None]
        alike = self._alike(rows, foreign) & better
        found = []
        for pair in alike:
            counts = np.bincount(self._column[foreign][pair], minlength=len(self._error_ids))
            most = int(counts.argmax())
            found.append((int(counts[most]), self._error_ids[most]))
        return found

    def _rivals(self, rows: Rows, number: int) -> list[tuple[float, str]]:
        """By how much the text of another description fits each example better, and which."""
        if len(self._error_ids) == 1:
            return [(0.0, "")] * len(rows)
        scores = self._measured.scores[rows].copy()
        own = scores[:, number].copy()
        scores[:, number] = -np.inf
        best = scores.argmax(axis=1)
        gap = scores.max(axis=1) - own
        return [(float(g), self._error_ids[b]) for g, b in zip(gap, best, strict=True)]

    def _lift(self, rows: Rows, others: Rows) -> FloatArray:
        """What examples add to scores of recordings; to its own, none does."""
        full = self.full[rows, None]
        value = self._cosine(rows, others) - self._measured.mean[rows, None]
        value *= np.where(full, AGREEING, ALONE) / self._measured.usual
        value = np.clip(value, 0.0, np.where(full, AGREEING_MOST, ALONE_MOST))
        value[rows[:, None] == others[None, :]] = 0.0
        lift: FloatArray = value.max(axis=0)
        return lift


def _in_order(own: FloatArray, others: FloatArray) -> float:
    """Share of pairs in which the description's own sound scores higher."""
    return float((own[:, None] > others[None, :]).mean())
