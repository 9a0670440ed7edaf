"""Maxima of ordinary sound: how many events the detector would raise at any threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.detector.events import events

if TYPE_CHECKING:
    from agent.detector.events import Layout, Scores, Seconds
    from agent.detector.rule import Rule

BLOCK_S = 600.0
"""Stretches whose counts tell how far events come in clusters."""
STEP = 1.0 / 32.0
"""Thresholds are told apart this finely; far below what a person would set."""
FLOOR = 1.0
"""Lowest threshold that is looked at: below, an event would hardly ever end."""

_FEWEST_BLOCKS = 3


def maxima(scores: Scores, layout: Layout, rule: Rule, most: int) -> Seconds:
    """The events' maxima: declustered as the detector declusters, largest first.

    The k-th is the lowest threshold, to :data:`STEP`, from which on the detector raises fewer
    than k events: an event counts with the score that its hits reach together, not with its
    loudest window, and one that the cooldown keeps back does not count.

    Args:
        scores: of one description, ``(windows,)``.
        layout: of the same windows.
        rule: of the description.
        most: maxima after which to stop.

    Returns:
        Multiples of :data:`STEP` over :data:`FLOOR`, falling; fewer than ``most`` where the
        detector never raises more.
    """
    kept = np.flatnonzero(scores >= FLOOR - rule.hysteresis)
    if not len(kept):
        return np.zeros(0)
    found: list[float] = []
    level = np.ceil(float(scores.max()) / STEP) * STEP
    while len(found) < most and level >= FLOOR:
        count = len(events(scores, layout, rule, level))
        found += [level + STEP] * (min(count, most) - len(found))
        level -= STEP
    return np.array(found)


def dispersion(scores: Scores, layout: Layout, rule: Rule, threshold: float) -> float:
    """How much more the number of events varies from one ten minutes to the next than by chance.

    Pearson's statistic over its degrees of freedom: 1 for events that come independently, more
    where a machine that runs for a while raises many. At least 1, and 1 where it is unknown.
    """
    found = events(scores, layout, rule, threshold)
    if not found:
        return 1.0
    _, block, windows = np.unique(
        layout.position_s // BLOCK_S, return_inverse=True, return_counts=True
    )
    if len(windows) < _FEWEST_BLOCKS:
        return 1.0
    counts = np.bincount(block[[event.start for event in found]], minlength=len(windows))
    expected = windows * (len(found) / windows.sum())
    excess = float((np.square(counts - expected) / expected).sum()) / (len(windows) - 1)
    return max(1.0, excess)
