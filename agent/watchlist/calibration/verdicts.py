"""What people's verdicts say of a threshold: tighter or looser, within the operator's bounds.

Explainable before clever: a threshold rises to just over so many rejected alerts that no more are
left than were wanted, and sinks a little where many were confirmed and none rejected. Another
rejection never lowers it, another confirmation never raises it, and the order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

JUST_OVER = 0.05
"""By how much a threshold lies over a rejected score."""
RELAXED_BY, RELAXED_EACH, RELAXED_MOST = 0.1, 5, 1.0
"""Without a rejection a threshold sinks by 0.1 for every 5 confirmations, at most by 1."""
BELOW, ABOVE = 1.0, 3.0
"""How far from a calibrated threshold verdicts may go where the operator has set no bounds."""


@dataclass(frozen=True, slots=True)
class VerdictScores:
    """What people said of the alerts of one description."""

    verdicts: Sequence[tuple[float, Verdict]]
    """Score and verdict of each alert that was judged."""
    days: float
    """In which these alerts were raised."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A threshold after the verdicts, and why it is that one."""

    threshold: float
    reason: str


def bounds_of(threshold: float, given: tuple[float, float] | None) -> tuple[float, float]:
    """Between what verdicts may move a threshold: what the operator wrote, or around it."""
    return given or (max(0.0, threshold - BELOW), threshold + ABOVE)


def adapted(
    threshold: float,
    verdicts: Sequence[tuple[float, Verdict]],
    bounds: tuple[float, float],
    *,
    wanted: float = 0.0,
) -> Adapted:
    """A threshold that takes account of what people said.

    Args:
        threshold: as calibrated.
        verdicts: score of each alert that was judged, and the verdict; ``unsure`` tells nothing.
        bounds: lowest and highest threshold.
        wanted: false alarms that were allowed while the verdicts were given: those of a day times
            the days.

    Returns:
        The threshold within the bounds, with a reason for people.
    """
    low, high = bounds
    rejected = sorted((score for score, said in verdicts if said is Verdict.REJECT), reverse=True)
    confirmed = [score for score, said in verdicts if said is Verdict.CONFIRM]
    counted = f"{len(confirmed)} confirmed, {len(rejected)} rejected, {wanted:g} allowed"
    kept = int(wanted)
    aim, why = threshold, f"unchanged: {counted}"
    if len(rejected) > kept:
        # The last one that is too many, from above, has to stay out.
        aim = max(threshold, rejected[kept] + JUST_OVER)
        lost = sum(threshold <= score < min(max(aim, low), high) for score in confirmed)
        why = f"raised over {sum(score < aim for score in rejected)} rejected alerts: {counted}"
        if aim == threshold:
            why = f"unchanged, already over the rejected ones: {counted}"
        elif lost:
            why += f"; {lost} confirmed ones would no longer be raised"
    elif not rejected and len(confirmed) >= RELAXED_EACH:
        aim = threshold - min(RELAXED_MOST, RELAXED_BY * (len(confirmed) // RELAXED_EACH))
        why = f"relaxed, since none was rejected: {counted}"
    within = min(max(aim, low), high)
    if within != aim:
        bound = "lowest" if within == low else "highest"
        why += f"; held at {within:g}, the {bound} allowed"
    return Adapted(within, why)
