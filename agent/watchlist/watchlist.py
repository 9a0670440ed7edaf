"""What the box listens for at one moment: descriptions, their prototypes and their policies.

Immutable: a reload builds another one off the hot path, and the pipeline takes it over between
two windows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from agent.alerts.alerts import Wording
from agent.core.records import Views
from agent.descriptions.language import foreign
from agent.detector.rule import Policy, Rule
from agent.encoder.text import embed_texts
from agent.matcher.matcher import BackgroundStatistics, Contrast, Described, Matcher, PrototypeSet
from agent.watchlist.calibration.applied import Applied, apply
from agent.watchlist.calibration.site import Wanted
from agent.watchlist.calibration.verdicts import adapted, bounds_of
from agent.watchlist.examples import Gathered, Joined, join
from agent.watchlist.examples.cohort import site_cohort
from agent.watchlist.operator_notes import operator_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.errors import Problem
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.core.records import FloatArray
    from agent.descriptions import DescriptionSet, DetectionPolicy
    from agent.watchlist.calibration.applied import Site
    from agent.watchlist.calibration.index import Finding
    from agent.watchlist.calibration.verdicts import Adapted, VerdictScores
    from agent.watchlist.examples import Library

_log = logging.getLogger(__name__)

Judge: TypeAlias = "Callable[[Mapping[tuple[str, str], float]], Mapping[str, VerdictScores]]"
"""What people said of alerts, by error id, from the scores that older ones would have now, by the
ids of alert and description."""


@dataclass(frozen=True, slots=True)
class Watchlist:
    """Everything that follows from one descriptions file and one bundle."""

    digest: str
    matcher: Matcher
    policies: Mapping[str, Policy]
    wordings: Mapping[str, Wording]
    calibration: Applied = field(default_factory=lambda: Applied({}))
    """What statistics and thresholds rest on."""
    adapted: Mapping[str, Adapted] = field(default_factory=dict)
    """Thresholds that people's verdicts had a say in, by error id."""
    examples: Joined = field(default_factory=lambda: Joined(()))
    """Recordings that joined the descriptions, and those that were set aside."""
    descriptions: DescriptionSet | None = None
    """What it was built from."""
    notes: tuple[Problem, ...] = ()
    """What is valid in the descriptions and hardly meant, and which of their thresholds do not
    count."""
    operator: Mapping[str, OperatorThreshold] = field(default_factory=dict)
    """What operators set by MQTT, by error id, also of what is not described."""

    @classmethod
    def empty(cls, dim: int) -> Watchlist:
        """Nothing to listen for yet, in a space of so many dimensions."""
        none = np.empty(0, np.float32)
        prototypes = PrototypeSet([], np.empty((0, dim), np.float32))
        return cls("", Matcher(prototypes, BackgroundStatistics(none, none)), {}, {})

    @property
    def count(self) -> int:
        """How many descriptions are listened for."""
        return len(self.policies)


def build(
    bundle: Bundle,
    descriptions: DescriptionSet,
    cache: Path | None,
    site: Site | None = None,
    judge: Judge | None = None,
    *,
    library: Library | None = None,
    operator: Mapping[str, OperatorThreshold] | None = None,
) -> Watchlist:
    """Embed what a set of descriptions says and index it.

    Args:
        bundle: whose towers and background cohort are used.
        descriptions: only the active ones count.
        cache: where embeddings of texts are kept; nowhere if ``None``.
        site: whose calibration replaces the bundle's background and threshold, if it has one.
        judge: tells what people said of each description's alerts.
        library: recordings that people confirmed, rejected or named; none if ``None``.
        operator: thresholds that operators set, by error id: they win over everything else.

    Raises:
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
    """
    operator = operator or {}
    wanted, background = wanted_of(bundle, descriptions, cache)
    as_worded, joined, gathered = wanted, Joined(()), Gathered((), ())
    if library is not None:
        gathered = library.gather(wanted)
        joined = joined_by(gathered, bundle, wanted, background, site, operator=operator)
        wanted = [
            replace(target, described=described)
            for target, described in zip(wanted, joined.described, strict=True)
        ]
    applied = Applied({})
    if site is not None:
        applied = apply(site, bundle, wanted, (descriptions.background, background))
    contrast = Contrast(background, bundle.background(), bundle.foreground())
    matcher = Matcher.build([target.described for target in wanted], contrast, applied.statistics())
    judged: Mapping[str, VerdictScores] = {}
    if judge is not None:
        judged = judge(_scored_again(as_worded, background, matcher.statistics, gathered))
    uncalibrated = bundle.manifest.tuning.threshold
    policies: dict[str, Policy] = {}
    changed: dict[str, Adapted] = {}
    for error in descriptions.active:
        known = applied.findings.get(error.error_id)
        said = operator.get(error.error_id)
        made = policy(error.policy, uncalibrated, known, said)
        verdicts = judged.get(error.error_id)
        if verdicts is not None and said is None:
            change = _adapted(error.policy, made.threshold_on, verdicts)
            changed[error.error_id] = change
            made = replace(made, threshold_on=change.threshold)
        policies[error.error_id] = made
    return Watchlist(
        digest=descriptions.digest,
        matcher=matcher,
        policies=policies,
        wordings={
            error.error_id: Wording(error.text, error.severity) for error in descriptions.active
        },
        calibration=applied,
        adapted=changed,
        examples=joined,
        descriptions=descriptions,
        notes=(
            *descriptions.notes,
            *foreign(descriptions, bundle.manifest.text.languages),
            *operator_notes(operator, descriptions),
        ),
        operator=operator,
    )


def _scored_again(
    as_worded: Sequence[Wanted],
    background: FloatArray,
    statistics: BackgroundStatistics,
    gathered: Gathered,
) -> dict[tuple[str, str], float]:
    """What alerts would score now by their texts alone: not by their own recordings.

    By the ids of alert and description.
    """
    recordings = [recording for recording in gathered.recordings if recording.moment is not None]
    if not recordings:
        return {}
    by_texts = PrototypeSet([target.described for target in as_worded], background)
    views = Views.concatenate([recording.views for recording in recordings])
    scores = statistics.scores(by_texts.compare(views)[1])
    column = {error_id: at for at, error_id in enumerate(by_texts.error_ids)}
    found: dict[tuple[str, str], float] = {}
    for row, recording in enumerate(recordings):
        score = float(scores[row, column[recording.error_id]])
        key = (recording.name, recording.error_id)
        found[key] = max(score, found.get(key, score))
    return found


def joined_by(
    gathered: Gathered,
    bundle: Bundle,
    wanted: Sequence[Wanted],
    background: FloatArray,
    site: Site | None,
    *,
    operator: Mapping[str, OperatorThreshold],
) -> Joined:
    """Descriptions with the recordings that people know.

    Args:
        gathered: the recordings.
        bundle: whose tower compares.
        wanted: descriptions with their texts.
        background: embeddings of texts of what is ordinary.
        site: whose ordinary sound the recordings have to stand out from.
        operator: thresholds that operators set, by error id.

    Raises:
        BundleError: the bundle is damaged.
    """
    described = [target.described for target in wanted]
    if not gathered.recordings:
        # The background of a site is hours to read: not where there is nothing to measure by it.
        return _logged(Joined(tuple(described), gathered.set_aside))
    usual, default = site_cohort(bundle, site), bundle.manifest.tuning.threshold
    known = (usual.thresholds.get(target.error.error_id, default) for target in wanted)
    thresholds = [
        policy(
            target.error.policy, threshold, operator=operator.get(target.error.error_id)
        ).threshold_on
        for target, threshold in zip(wanted, known, strict=True)
    ]
    joined = join(
        described,
        Contrast(background, usual.cohort, bundle.foreground()),
        gathered.recordings,
        np.array(thresholds, np.float32),
    )
    return _logged(replace(joined, set_aside=(*gathered.set_aside, *joined.set_aside)))


def _logged(joined: Joined) -> Joined:
    """What came of recordings, logged where there were any."""
    if joined.examples or joined.rejected or joined.set_aside:
        _log.info(
            "examples_joined",
            extra={
                "examples": sum(joined.examples.values()),
                "rejected": sum(joined.rejected.values()),
                "set_aside": len(joined.set_aside),
            },
        )
    return joined


def wanted_of(
    bundle: Bundle, descriptions: DescriptionSet, cache: Path | None
) -> tuple[list[Wanted], FloatArray]:
    """The active descriptions with their prototypes, and the embeddings of the background.

    Raises:
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
    """
    texts = descriptions.texts()
    row = {text: number for number, text in enumerate(texts)}
    embeddings = embed_texts(bundle, texts, cache)

    def of(chosen: Sequence[str]) -> FloatArray:
        return embeddings[[row[text] for text in chosen]]

    wanted = [
        Wanted(
            error,
            Described(
                error_id=error.error_id,
                texts=of(error.texts),
                unlike=of(error.unlike),
            ),
        )
        for error in descriptions.active
    ]
    return wanted, of(descriptions.background)


def policy(
    chosen: DetectionPolicy,
    uncalibrated: float,
    finding: Finding | None = None,
    operator: OperatorThreshold | None = None,
) -> Policy:
    """The detector's policy for a description.

    What an operator set counts, else what the file says. ``auto`` stands for the calibrated
    threshold, or for the bundle's where there is none; a number stands for itself, in standard
    deviations of the same background.
    """
    threshold = chosen.threshold if operator is None else operator.threshold
    if threshold is None:
        threshold = uncalibrated if finding is None else finding.threshold
    return Policy(threshold, Rule.of(chosen))


def _adapted(chosen: DetectionPolicy, threshold: float, verdicts: VerdictScores) -> Adapted:
    """What verdicts make of a threshold; a number without bounds is the operator's last word."""
    bounds = bounds_of(threshold, chosen.threshold_bounds)
    if chosen.threshold is not None and chosen.threshold_bounds is None:
        bounds = threshold, threshold
    wanted = chosen.false_alarms_per_day * verdicts.days
    return adapted(threshold, verdicts.verdicts, bounds, wanted=wanted)


def log_calibration(applied: Applied) -> None:
    """Log what a calibration came to."""
    if applied.trouble:
        _log.warning("calibration_not_used", extra={"reason": applied.trouble})
    elif applied.findings:
        _log.info(
            "calibration_used",
            extra={
                "hours": round(applied.hours, 2),
                "found_anew": len(applied.found_anew),
                "uncalibrated": len(applied.uncalibrated),
            },
        )
