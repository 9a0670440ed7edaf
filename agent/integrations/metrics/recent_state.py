"""What a box told last, scores of the last minute and times of stages, for whoever asks."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.integrations.metrics.definitions import PEAK_S
from agent.integrations.metrics.stage_times import StageTimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.records import FloatArray, Match
    from agent.detector.rule import Policy
    from agent.run.health import Health


@dataclass(frozen=True, slots=True)
class SourceScores:
    """Of one source; the arrays are in the order of ``error_ids``, shape ``(descriptions,)``."""

    error_ids: tuple[str, ...]
    last: FloatArray
    """Of the last window, in standard deviations over other sounds."""
    peak: FloatArray
    """Highest of the last :data:`PEAK_S` seconds of sound."""


class RecentState:
    """Written by the thread that scores, read by any other.

    A window costs one append: what a peak takes to work out, whoever asks for it pays.
    """

    def __init__(self, hop_s: float) -> None:
        """Keep :data:`PEAK_S` seconds of each source.

        Args:
            hop_s: from the start of one window to that of the next.
        """
        self.health: Health | None = None
        self.policies: Mapping[str, Policy] = {}
        self.stage_times = StageTimes()
        self._most = math.ceil(PEAK_S / hop_s)
        self._lock = threading.Lock()
        self._matches: dict[str, deque[Match]] = {}

    def feed(self, match: Match) -> None:
        """Take the scores of a window."""
        with self._lock:
            kept = self._matches.get(match.source)
            if kept is None:
                kept = self._matches[match.source] = deque(maxlen=self._most)
            kept.append(match)

    def of(self, source: str) -> SourceScores | None:
        """Scores since the descriptions were last read; ``None`` before the first window."""
        with self._lock:
            matches = tuple(self._matches.get(source, ()))
        if not matches:
            return None
        last = matches[-1]
        scores = [match.score for match in matches if match.error_ids == last.error_ids]
        return SourceScores(last.error_ids, last.score, np.max(scores, axis=0))
