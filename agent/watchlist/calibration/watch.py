"""Keeps an eye on the background while the box runs, whatever watchlist is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.watchlist.calibration.drift import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray, Match
    from agent.watchlist.calibration.applied import Applied
    from agent.watchlist.calibration.drift import Reference


class BackgroundWatch:
    """Says what is wrong with a site's calibration, and when its background has shifted."""

    def __init__(self, hop_s: float) -> None:
        """Nothing is followed yet; ``hop_s`` is the sound that a window stands for."""
        self._hop_s = hop_s
        self._reference: Reference | None = None
        self._watched: frozenset[str] = frozenset()
        self._drift: Drift | None = None
        self._trouble = ""

    def follow(self, applied: Applied) -> None:
        """Go by what a watchlist rests on; an hour that was heard counts on, if it can."""
        self._trouble = applied.trouble
        watched = frozenset(applied.findings)
        if applied.reference is None:
            self._drift = None
        elif self._drift is None or watched != self._watched or self._moved(applied.reference):
            self._drift = Drift(applied.reference, tuple(watched), self._hop_s)
        self._reference, self._watched = applied.reference, watched

    def feed(self, matches: Sequence[Match], embeddings: FloatArray) -> None:
        """Take scored windows, each with its embedding ``(windows, dim)``."""
        if self._drift is not None:
            self._drift.feed(matches, embeddings)

    @property
    def reasons(self) -> dict[str, str]:
        """What to tell in health, by part; empty where all is as it was calibrated."""
        reasons = {"calibration": self._trouble} if self._trouble else {}
        if self._drift is not None and self._drift.reason:
            reasons["background"] = self._drift.reason
        return reasons

    def _moved(self, reference: Reference) -> bool:
        known = self._reference
        return known is None or not np.array_equal(known.mean, reference.mean)
