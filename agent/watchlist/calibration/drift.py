"""Whether the background is still the one that the thresholds were calibrated on.

Two looks at each hour of windows. The embeddings' mean, told in units of how far single windows of
the calibration lie from theirs: a new machine, a moved microphone. And each description's median
score, which is 0 on the calibrated background: what has come nearer raises more false alarms than
were promised. Both with hysteresis, so that nothing flickers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from agent.core.records import FloatArray, Match

HOUR_S = 3_600.0
SHIFTED, BACK = 0.8, 0.6
"""Distance of the means at which the background has shifted, and at which it no longer has."""
LOUDER, QUIETER = 2.0, 1.5
"""Median score at which a description has come nearer, and at which it no longer has."""
_MINUTES = 60
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """The calibrated background."""

    mean: FloatArray
    """Of its embeddings, shape ``(dim,)``."""
    spread: float
    """Root of the mean squared distance of its windows from it."""

    @classmethod
    def of(cls, embeddings: FloatArray) -> Self:
        """From windows of the calibration, ``(windows, dim)``.

        Raises:
            ValueError: there are none, or all are the same.
        """
        if len(embeddings) == 0:
            raise ValueError("no background to compare with")
        mean = embeddings.mean(axis=0, dtype=np.float64)
        spread = float(np.sqrt(np.square(embeddings - mean).sum(axis=1).mean()))
        if not spread > 0.0:
            raise ValueError("a background of which all windows are the same")
        return cls(mean.astype(np.float32), spread)


class Drift:
    """Follows the last hour of windows, of all sources together."""

    def __init__(
        self,
        reference: Reference,
        error_ids: Sequence[str],
        hop_s: float,
        *,
        hour_s: float = HOUR_S,
    ) -> None:
        """Begin with an empty hour.

        Args:
            reference: the calibrated background.
            error_ids: descriptions that are calibrated on it; others are not looked at.
            hop_s: sound that a window stands for.
            hour_s: sound that is compared.
        """
        self._reference = reference
        self._watched = frozenset(error_ids)
        self._rows = max(1, round(hour_s / _MINUTES / hop_s))
        self._order: tuple[str, ...] = ()
        self._embeddings: list[FloatArray] = []
        self._scores: list[FloatArray] = []
        self._minutes: deque[tuple[npt.NDArray[np.float64], FloatArray]] = deque(maxlen=_MINUTES)
        self._shifted = False
        self._nearer: frozenset[str] = frozenset()
        self._medians: dict[str, float] = {}

    @property
    def distance(self) -> float | None:
        """Of the last hour's mean from the calibrated one, in spreads; ``None`` before an hour."""
        if len(self._minutes) < _MINUTES:
            return None
        mean = np.mean([mean for mean, _ in self._minutes], axis=0)
        return float(np.linalg.norm(mean - self._reference.mean)) / self._reference.spread

    @property
    def shifted(self) -> bool:
        """Whether the background is another one, as far as is known."""
        return self._shifted or bool(self._nearer)

    @property
    def reason(self) -> str:
        """What has shifted, by how much, and what to do; empty if nothing has."""
        if not self.shifted:
            return ""
        found = []
        if self._shifted:
            found.append(f"its mean is {self.distance or 0.0:.2f} spreads from the calibrated one")
        nearest = sorted(self._nearer, key=lambda name: -self._medians.get(name, 0.0))
        if nearest:
            shown = ", ".join(
                f"{name} {self._medians.get(name, 0.0):+.1f}" for name in nearest[:_NAMED]
            )
            more = f" and {len(nearest) - _NAMED} more" if len(nearest) > _NAMED else ""
            found.append(f"median scores that were 0 are {shown}{more}")
        return (
            f"the background of the last hour is not the calibrated one: {'; '.join(found)}; "
            "check the microphone, or run 'kikimimi calibrate' if the hall sounds like that now"
        )

    def feed(self, matches: Sequence[Match], embeddings: FloatArray) -> None:
        """Take scored windows, each with its embedding ``(windows, dim)``."""
        for match, embedding in zip(matches, embeddings, strict=True):
            if match.error_ids != self._order:
                # Scores of other descriptions do not go together; embeddings do.
                self._order = match.error_ids
                self._scores.clear()
                self._minutes = deque(
                    ((mean, np.zeros(0, np.float32)) for mean, _ in self._minutes), _MINUTES
                )
                self._nearer = frozenset()
            self._embeddings.append(embedding)
            self._scores.append(match.score)
            if len(self._embeddings) >= self._rows:
                self._end_minute()

    def _end_minute(self) -> None:
        mean: npt.NDArray[np.float64] = np.stack(self._embeddings).mean(axis=0, dtype=np.float64)
        scores = np.median(self._scores, axis=0) if self._scores else np.zeros(0)
        self._embeddings.clear()
        self._scores.clear()
        self._minutes.append((mean, scores.astype(np.float32)))
        distance = self.distance
        if distance is None:
            return
        self._shifted = distance >= (BACK if self._shifted else SHIFTED)
        known = [scores for _, scores in self._minutes if len(scores) == len(self._order)]
        if len(known) < _MINUTES:
            return
        medians = np.median(known, axis=0).tolist()
        self._medians = {
            name: median
            for name, median in zip(self._order, medians, strict=True)
            if name in self._watched
        }
        self._nearer = frozenset(
            name
            for name, median in self._medians.items()
            if median >= (QUIETER if name in self._nearer else LOUDER)
        )
