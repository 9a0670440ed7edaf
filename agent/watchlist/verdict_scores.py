"""What people said of each description's alerts, for thresholds to follow.

A score is told in standard deviations of the sounds that were in force: only that of an alert
since the calibration, of the same bundle and the same words, can be compared with a threshold of
now. Where the sound of an older one was kept, or its embedding, it is scored again, so that what
people said outlives a calibration and a new model.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.core.answers import agreed, agreed_instead
from agent.core.records import Origin, Verdict
from agent.watchlist.calibration.verdicts import VerdictScores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.core.answers import Answer
    from agent.core.records import Alert
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
    again: Mapping[tuple[str, str], float],
    *,
    since: float | None,
    now: float,
) -> Mapping[str, VerdictScores]:
    """What was said of the alerts of each description, by error id.

    An alert of which people differ, or of which nobody is sure, says nothing. One that was another
    description's sound is rejected for its own and confirmed for the other.

    Args:
        store: where alerts and answers are kept.
        descriptions: that are to be listened for.
        bundle: hash of the one that scores.
        again: scores that alerts would have now, by their id and that of a description; for those
            whose own is of another bundle or calibration, or that were no candidate.
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
        if detection.starts_at < from_at:
            continue
        same = alert.provenance.bundle == bundle and detection.starts_at >= (since or 0.0)
        for said in _said(alert, verdict, given):
            if words.get(said.error_id) != said.description:
                continue
            score = said.score if same else None
            if score is None:
                score = again.get((alert_id, said.error_id))
            if score is not None:
                scored[said.error_id].append((score, said.verdict))
                first = min(first, detection.starts_at)
    days = max(1.0, (now - first) / _DAY_S)
    return {error_id: VerdictScores(tuple(scores), days) for error_id, scores in scored.items()}


@dataclass(frozen=True, slots=True)
class _Said:
    """What an alert says of one description."""

    error_id: str
    description: str
    verdict: Verdict
    score: float | None
    """As it was when the alert was raised; ``None`` where it raised nothing."""


def _said(alert: Alert, verdict: Verdict, given: Sequence[Answer]) -> Iterator[_Said]:
    """What an alert says of its own description, and of the one that it was instead."""
    detection = alert.detection
    yield _Said(detection.error_id, alert.description, verdict, detection.score)
    if (meant := agreed_instead(given)) is not None:
        scores = {one.error_id: one.score for one in detection.candidates}
        score = scores.get(meant.error_id)
        yield _Said(meant.error_id, meant.description, Verdict.CONFIRM, score)
