"""How often a stage of the data path took how long, as a histogram of Prometheus wants it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from agent.core.stopwatch import DATA_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.stopwatch import Stage, Took

BOUNDS_S: Final = (0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Seconds, each bound in its bucket; what took longer is in one more."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Of one stage since the agent started."""

    up_to: Sequence[int]
    """Runs that took at most each of :data:`BOUNDS_S`, and last all of them."""
    sum_s: float
    """What all of them took, in seconds."""


class StageTimes:
    """Written by the threads of the stages, read by any other."""

    def __init__(self) -> None:
        """Of stages that have not run."""
        self._lock = threading.Lock()
        self._counts: dict[Stage, list[int]] = {}
        self._sums_s: dict[Stage, float] = {}

    def take(self, stage: Stage, took: Took) -> None:
        """Count one run of a stage of the data path, unless it had nothing to give."""
        if not took.made or stage not in DATA_PATH:
            return
        bucket = bisect_left(BOUNDS_S, took.wall_s)
        with self._lock:
            if stage not in self._counts:
                self._counts[stage] = [0] * (len(BOUNDS_S) + 1)
            self._counts[stage][bucket] += 1
            self._sums_s[stage] = self._sums_s.get(stage, 0.0) + took.wall_s

    def read(self) -> Mapping[Stage, Histogram]:
        """Those of the stages that have run."""
        with self._lock:
            return {
                stage: Histogram(tuple(accumulate(counts)), self._sums_s[stage])
                for stage, counts in self._counts.items()
            }
