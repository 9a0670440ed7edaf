"""From the background that was kept to each description's statistics and threshold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Views
from agent.detector.events import Layout, events
from agent.detector.rule import Rule
from agent.matcher.prototypes import PrototypeSet
from agent.watchlist.calibration.index import Finding
from agent.watchlist.calibration.maxima import dispersion, maxima
from agent.watchlist.calibration.parts import stretches
from agent.watchlist.calibration.threshold import (
    HIGHEST,
    Chosen,
    Kind,
    Maxima,
    choose,
    fixed,
    needed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.descriptions import DetectionPolicy, ErrorDescription
    from agent.detector.events import Scores, Seconds
    from agent.matcher.prototypes import BackgroundStatistics, Described
    from agent.watchlist.calibration.index import Index

LEAST_HOURS = 1.0 / 6.0
"""Less background than ten minutes is none."""
COHORT_ROWS = 4_096
"""Windows, spread over all that was heard, by which margins are normalised."""
MOST_SUSPECTS = 10

# Bounds the memory of a long calibration of many descriptions.
_TOGETHER = 64
# Descriptions that hear the same sound do not hear it at the same window.
_SAME_S = 5.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One description as it is to be calibrated."""

    error: ErrorDescription
    described: Described


@dataclass(frozen=True, slots=True)
class Suspect:
    """A loud event of the background that may have been a real error."""

    source: str
    recorded: bool
    starts_at: float
    """UTC, or seconds from the start of a recording."""
    ends_at: float
    scores: tuple[tuple[str, float], ...]
    """Descriptions that heard it, the highest score first."""


@dataclass(frozen=True, slots=True)
class Background:
    """What was heard, ready to be scored: all streams one after the other."""

    views: Views
    """In half precision."""
    layout: Layout
    starts_at: Seconds
    sources: tuple[tuple[str, bool], ...]
    """Of each window: source, and whether it is a recording."""
    hours: float
    """Of the whole box: over all sources, divided by how many it has."""

    @property
    def cohort(self) -> Views:
        """Windows spread over all that was heard, float32."""
        step = max(1, -(-len(self.views) // COHORT_ROWS))
        return self.views[::step].astype(np.float32)


def background(folder: Path, index: Index) -> Background:
    """Read what was kept.

    Raises:
        StoreError: a part is missing or damaged.
    """
    found = list(stretches(folder, index))
    streams: dict[str, list[Seconds]] = {}
    for stretch in found:
        streams.setdefault(stretch.part.stream, []).append(stretch.position_s)
    rows = sum(len(stretch.position_s) for stretch in found)
    nothing = Views(
        np.empty((0, index.embedding_size), np.float16),
        np.empty((0, index.acoustic_size), np.float16),
    )
    half = [stretch.views.astype(np.float16) for stretch in found]
    return Background(
        views=Views.concatenate([nothing, *half]),
        layout=Layout.of([np.concatenate(parts) for parts in streams.values()], index.hop_s),
        starts_at=np.concatenate([np.zeros(0), *(stretch.starts_at for stretch in found)]),
        sources=tuple(
            (stretch.part.source, stretch.part.recorded)
            for stretch in found
            for _ in stretch.position_s
        ),
        hours=rows * index.hop_s / 3_600.0 / index.sources,
    )


def wording_of(error: ErrorDescription, site_background: Sequence[str]) -> str:
    """Hash of what a description says and of what it is told apart from."""
    wording = [error.texts, error.unlike, tuple(site_background)]
    return hashlib.sha256(json.dumps(wording).encode()).hexdigest()


def key_of(index: Index, wanted: Wanted, site_background: Sequence[str]) -> str:
    """Hash of all that a finding follows from: wording, prototypes, policy, what was heard."""
    digest = hashlib.sha256(wording_of(wanted.error, site_background).encode())
    for prototypes in wanted.described.arrays():
        digest.update(np.ascontiguousarray(prototypes, np.float32).tobytes())
    wording = [
        wanted.error.error_id,
        astuple(wanted.error.policy),
        [part.sha256 for part in index.parts],
        [astuple(span) for span in index.excluded],
        [index.trim, index.sources, index.bundle],
    ]
    digest.update(json.dumps(wording).encode())
    return digest.hexdigest()


def find(
    heard: Background,
    index: Index,
    wanted: Sequence[Wanted],
    site_background: tuple[Sequence[str], FloatArray],
    bundle: Bundle,
) -> tuple[list[Finding], list[Suspect]]:
    """Calibrate descriptions on what was heard.

    Args:
        heard: at least :data:`LEAST_HOURS`.
        index: of the same calibration.
        wanted: descriptions.
        site_background: texts of what is ordinary here, and their embeddings.
        bundle: whose sounds that stand out, and whose threshold where nothing better is known.

    Returns:
        A finding for each description, in their order, and the loudest events.

    Raises:
        BundleError: the bundle is damaged.
    """
    texts, text_embeddings = site_background
    foreground, uncalibrated = bundle.foreground(), bundle.manifest.tuning.threshold
    findings: list[Finding] = []
    suspects: list[Suspect] = []
    for at in range(0, len(wanted), _TOGETHER):
        some = wanted[at : at + _TOGETHER]
        prototypes = PrototypeSet([target.described for target in some], text_embeddings)
        statistics = prototypes.statistics(heard.cohort, foreground)
        scores = scores_of(heard, prototypes, statistics)
        for column, target in enumerate(some):
            policy = target.error.policy
            known = maxima_of(scores[column], heard, policy, index.trim)
            chosen, held = threshold_of(known, target, uncalibrated)
            findings.append(
                Finding(
                    error_id=target.error.error_id,
                    wording=wording_of(target.error, texts),
                    key=key_of(index, target, texts),
                    mean=float(statistics.mean[column]),
                    std=float(statistics.std[column]),
                    kind=chosen.kind,
                    threshold=chosen.threshold,
                    wanted=policy.false_alarms_per_day,
                    rate=chosen.rate,
                    hours=heard.hours,
                    held=held,
                )
            )
            rule = Rule.of(policy)
            suspects += _suspects(heard, scores[column], rule, uncalibrated, target.error.error_id)
    return findings, _together(suspects)


def maxima_of(scores: Scores, heard: Background, policy: DetectionPolicy, trim: int) -> Maxima:
    """The maxima of one description.

    Where a long cooldown leaves too few to fit a tail to, they are counted without it: more
    alarms than there would be, so that what is promised holds all the more.
    """
    rule = Rule.of(policy)
    known = _maxima(scores, heard, rule, policy.false_alarms_per_day, trim)
    if rule.cooldown_s and choose(known, policy.false_alarms_per_day) is None:
        rule = replace(rule, cooldown_s=0.0)
        known = _maxima(scores, heard, rule, policy.false_alarms_per_day, trim)
    return known


def _maxima(scores: Scores, heard: Background, rule: Rule, wanted: float, trim: int) -> Maxima:
    most = needed(wanted, heard.hours) + trim
    values = maxima(scores, heard.layout, rule, most)
    known = Maxima(values, heard.hours, most).trimmed(trim)
    if known.level is None:
        return known
    return replace(known, dispersion=dispersion(scores, heard.layout, rule, known.level))


def threshold_of(known: Maxima, wanted: Wanted, uncalibrated: float) -> tuple[Chosen, bool]:
    """The threshold of a description, and whether it is a bound that the operator set."""
    policy = wanted.error.policy
    if policy.threshold is not None:
        return fixed(known, policy.threshold), False
    chosen = choose(known, policy.false_alarms_per_day)
    if chosen is None:
        return fixed(known, uncalibrated, Kind.UNCALIBRATED), False
    low, high = policy.threshold_bounds or (0.0, HIGHEST)
    within = min(max(chosen.threshold, low), high)
    if within != chosen.threshold:
        return fixed(known, within, chosen.kind), True
    return chosen, False


def scores_of(
    heard: Background, prototypes: PrototypeSet, statistics: BackgroundStatistics
) -> Scores:
    """Scores as the matcher gives them, shape ``(descriptions, windows)``."""
    found = np.empty((len(prototypes.error_ids), len(heard.views)), np.float32)
    rows = max(1, 4_000_000 // max(1, len(prototypes)))
    for at in range(0, len(heard.views), rows):
        some = heard.views[at : at + rows].astype(np.float32)
        found[:, at : at + rows] = statistics.scores(prototypes.compare(some)[1]).T
    return found


def _suspects(
    heard: Background, scores: Scores, rule: Rule, threshold: float, error_id: str
) -> Iterator[Suspect]:
    """What would have been alerts by a threshold."""
    for event in events(scores, heard.layout, rule, threshold):
        source, recorded = heard.sources[event.start]
        first = max(int(heard.layout.first[event.start]), event.start - rule.windows + 1)
        last = max(event.start, event.end - rule.windows)
        yield Suspect(
            source=source,
            recorded=recorded,
            starts_at=float(heard.starts_at[first]),
            ends_at=float(heard.starts_at[last]),
            scores=((error_id, float(scores[event.peak])),),
        )


def _together(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Events of several descriptions at the same time as one; the loudest of all."""
    merged: list[Suspect] = []
    for suspect in sorted(suspects, key=lambda s: (s.source, s.recorded, s.starts_at)):
        before = merged[-1] if merged else None
        same = before and (before.source, before.recorded) == (suspect.source, suspect.recorded)
        if before and same and suspect.starts_at <= before.ends_at + _SAME_S:
            best = dict(before.scores)
            name, score = suspect.scores[0]
            best[name] = max(score, best.get(name, score))
            ordered = sorted(best.items(), key=lambda item: -item[1])
            ends_at = max(before.ends_at, suspect.ends_at)
            merged[-1] = Suspect(
                before.source, before.recorded, before.starts_at, ends_at, tuple(ordered)
            )
        else:
            merged.append(suspect)
    return sorted(merged, key=lambda suspect: -suspect.scores[0][1])[:MOST_SUSPECTS]
