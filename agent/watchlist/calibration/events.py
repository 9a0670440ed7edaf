"""How many events the detector would raise at any threshold, counted on recorded scores.

The very rules of :mod:`agent.detector.detector` (hits of windows, hysteresis, cooldown, what the
cooldown uses up), but over whole arrays, so that hundreds of thresholds can be tried: only windows
at or over a threshold are visited. A test holds it to the detector itself.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from agent.descriptions import DetectionPolicy

Scores = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

BLOCK_S = 600.0
"""Stretches whose counts tell how far events come in clusters."""
STEP = 1.0 / 32.0
"""Thresholds are told apart this finely; far below what a person would set."""
FLOOR = 1.0
"""Lowest threshold that is looked at: below, an event would hardly ever end."""

_FEWEST_BLOCKS = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """When scores become an event, apart from the threshold."""

    hits: int
    windows: int
    hysteresis: float
    cooldown_s: float

    @classmethod
    def of(cls, policy: DetectionPolicy) -> Rules:
        """The rules of a description."""
        return cls(policy.hits.hits, policy.hits.windows, policy.hysteresis, policy.cooldown_s)


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
            [one - one[0] + apart_s * number for number, one in enumerate(position_s) if len(one)]
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


def events(scores: Scores, layout: Layout, rules: Rules, threshold: float) -> list[Event]:
    """What the detector raises at a threshold.

    Args:
        scores: of one description, ``(windows,)``.
        layout: of the same windows.
        rules: of the description.
        threshold: score to reach.
    """
    on = np.flatnonzero(scores >= threshold).tolist()
    active = np.flatnonzero(scores >= threshold - rules.hysteresis)
    # An event goes on over pauses that are shorter than ``windows``, within a run.
    pauses = np.diff(active, append=len(scores) + rules.windows) > rules.windows
    pauses[:-1] |= np.diff(layout.first[active]) != 0
    ends = active[pauses].tolist()
    found: list[Event] = []
    used_up, quiet_until_s, number = -1, -np.inf, 0
    while number < len(on):
        row = on[number]
        first = number - rules.hits + 1
        oldest = max(row - rules.windows + 1, used_up + 1, int(layout.first[row]))
        if first < 0 or on[first] < oldest:
            number += 1
        elif layout.position_s[row] < quiet_until_s:
            used_up = row
            number += 1
        else:
            last = ends[bisect_left(ends, row)]
            end = min(last + rules.windows, int(layout.last[row]))
            peak = on[first] + int(np.argmax(scores[on[first] : last + 1]))
            found.append(Event(row, end, peak))
            used_up = end
            quiet_until_s = layout.position_s[end] + rules.cooldown_s
            number = bisect_right(on, end)
    return found


def maxima(scores: Scores, layout: Layout, rules: Rules, most: int) -> Seconds:
    """The events' maxima: declustered as the detector declusters, largest first.

    The k-th is the lowest threshold, to :data:`STEP`, from which on the detector raises fewer
    than k events: an event counts with the score that its hits reach together, not with its
    loudest window, and one that the cooldown keeps back does not count.

    Args:
        scores: of one description, ``(windows,)``.
        layout: of the same windows.
        rules: of the description.
        most: maxima after which to stop.

    Returns:
        Multiples of :data:`STEP` over :data:`FLOOR`, falling; fewer than ``most`` where the
        detector never raises more.
    """
    kept = np.flatnonzero(scores >= FLOOR - rules.hysteresis)
    if not len(kept):
        return np.zeros(0)
    found: list[float] = []
    level = np.ceil(float(scores.max()) / STEP) * STEP
    while len(found) < most and level >= FLOOR:
        count = len(events(scores, layout, rules, level))
        found += [level + STEP] * (min(count, most) - len(found))
        level -= STEP
    return np.array(found)


def dispersion(scores: Scores, layout: Layout, rules: Rules, threshold: float) -> float:
    """How much more the number of events varies from one ten minutes to the next than by chance.

    Pearson's statistic over its degrees of freedom: 1 for events that come independently, more
    where a machine that runs for a while raises many. At least 1, and 1 where it is unknown.
    """
    found = events(scores, layout, rules, threshold)
    if not found:
        return 1.0
    _, block, windows = np.unique(
        layout.position_s // BLOCK_S, return_inverse=True, return_counts=True
    )
    if len(windows) < _FEWEST_BLOCKS:
        return 1.0
    counts = np.bincount(block[[one.start for one in found]], minlength=len(windows))
    expected = windows * (len(found) / windows.sum())
    excess = float((np.square(counts - expected) / expected).sum()) / (len(windows) - 1)
    return max(1.0, excess)
