"""What people said of each description's alerts, for thresholds to follow.

A score is told in standard deviations of the background that was in force: only that of an alert
since the calibration, of the same bundle and the same words, can be compared with a threshold of
now. Where the sound of an older one was kept, or its embedding, it is scored again, so that what
people said outlives a calibration and a new model.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

from agent.core.answers import agreed
from agent.core.records import Origin
from agent.watchlist.calibration.verdicts import VerdictScores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.answers import Answer
    from agent.core.records import Alert, Verdict
    from agent.descriptions import DescriptionSet

LONGEST_S = 60 * 86_400.0
"""Older alerts say little of how the site sounds now."""
_DAY_S = 86_400.0


class AnswerStore(Protocol):
    """What is needed of a store."""

    def alert(self, alert_id: str) -> Alert | None: ...  # noqa: D102
    def answers_since(self, at: float) -> list[Answer]: ...  # noqa: D102


def verdict_scores(
    store: AnswerStore,
    descriptions: DescriptionSet,
    bundle: str,
    again: Mapping[str, float],
    *,
    since: float | None,
    now: float,
) -> Mapping[str, VerdictScores]:
    """What was said of the alerts of each description, by error id.

    An alert of which people differ, or of which nobody is sure, says nothing.

    Args:
        store: where alerts and answers are kept.
        descriptions: that are to be listened for.
        bundle: hash of the one that scores.
        again: scores that alerts would have now, by their id; for those whose own is of another
            bundle or calibration.
        since: UTC of the calibration; ``None`` where there is none, and all alerts count.
        now: UTC, seconds since the epoch.
    """
    from_at = now - LONGEST_S
    words = {error.error_id: error.text for error in descriptions.active}
    answers: dict[str, list[Answer]] = defaultdict(list)
    for answer in store.answers_since(from_at):
        answers[answer.alert_id].append(answer)
    scored: dict[str, list[tuple[float, Verdict]]] = defaultdict(list)
    first = now
    for alert_id, given in answers.items():
        verdict, _ = agreed(given)
        alert = store.alert(alert_id)
        if alert is None or verdict is None or alert.origin is Origin.TAUGHT:
            continue  # what somebody made for the box says nothing of how often it happens
        detection = alert.detection
        if words.get(detection.error_id) != alert.description or detection.starts_at < from_at:
            continue
        same = alert.provenance.bundle == bundle and detection.starts_at >= (since or 0.0)
        score = detection.score if same else again.get(alert_id)
        if score is not None:
            scored[detection.error_id].append((score, verdict))
            first = min(first, detection.starts_at)
    days = max(1.0, (now - first) / _DAY_S)
    return {error_id: VerdictScores(tuple(scores), days) for error_id, scores in scored.items()}
