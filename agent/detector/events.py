"""Scores to events on whole arrays: what the detector raises on a recorded stream of scores.

The very rule of :func:`agent.detector.detector.step`, so that hundreds of thresholds can be tried:
only windows at or over a threshold are visited. A test holds the two equal; change both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from agent.detector.rule import Rule

Scores = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where windows lie in time: all streams one after the other."""

    position_s: Seconds
    """Start of each window; from one stream to the next further than any cooldown."""
    first: Rows
    """Row with which the run of adjoining windows starts that a window is in."""
    last: Rows
    """Row with which it ends."""

    @classmethod
    def of(cls, position_s: list[Seconds], hop_s: float) -> Layout:
        """Streams that know nothing of each other, each cut into runs where sound is missing.

        Args:
            position_s: of the windows of each stream, rising.
            hop_s: from window to window where nothing is missing.
        """
        apart_s = 1e7  # the longest cooldown is a day
        joined = np.concatenate(
            [own - own[0] + apart_s * number for number, own in enumerate(position_s) if len(own)]
            or [np.zeros(0)]
        )
        starts = np.flatnonzero(np.diff(joined, prepend=-np.inf) > 1.5 * hop_s)
        run = np.cumsum(np.isin(np.arange(len(joined)), starts)) - 1
        ends = np.append(starts[1:], len(joined)) - 1
        return cls(joined, starts[run], ends[run])


@dataclass(frozen=True, slots=True)
class Event:
    """What the detector would have raised."""

    start: int
    """Row of the window at which it would have been raised."""
    end: int
    """Row of the window at which it would have ended."""
    peak: int
    """Row of its highest score."""


def events(scores: Scores, layout: Layout, rule: Rule, threshold: float) -> list[Event]:
    """What the detector raises at a threshold.

    Args:
        scores: of one description, ``(windows,)``.
        layout: of the same windows.
        rule: of the description.
        threshold: score to reach.
    """
    on = np.flatnonzero(scores >= _least(threshold)).tolist()
    active = np.flatnonzero(scores >= _least(threshold - rule.hysteresis))
    # An event goes on over pauses that are shorter than ``windows``, within a run.
    pauses = np.diff(active, append=len(scores) + rule.windows) > rule.windows
    pauses[:-1] |= np.diff(layout.first[active]) != 0
    ends = active[pauses].tolist()
    found: list[Event] = []
    used_up, quiet_until_s, number = -1, -np.inf, 0
    while number < len(on):
        row = on[number]
        first = number - rule.hits + 1
        oldest = max(row - rule.windows + 1, used_up + 1, int(layout.first[row]))
        if first < 0 or on[first] < oldest:
            number += 1
        elif layout.position_s[row] < quiet_until_s:
            used_up = row
            number += 1
        else:
            last = ends[bisect_left(ends, row)]
            end = min(last + rule.windows, int(layout.last[row]))
            peak = on[first] + int(np.argmax(scores[on[first] : last + 1]))
            found.append(Event(row, end, peak))
            used_up = end
            quiet_until_s = layout.position_s[end] + rule.cooldown_s
            number = bisect_right(on, end)
    return found


def _least(threshold: float) -> np.float32:
    """The lowest score at or over a threshold: the detector compares in double precision."""
    nearest = np.float32(threshold)
    return nearest if float(nearest) >= threshold else np.nextafter(nearest, np.float32(np.inf))
