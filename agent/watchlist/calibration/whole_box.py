"""What the thresholds of a site cost its people together: questions a day of the whole box.

The false alarms of several descriptions are often one sound, and so one question. How many of them
are, the background itself tells: its scores go through the detector and the competition of the box.
At the thresholds themselves there may be too few events to tell; all are lowered alike then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Match, Step
from agent.detector.competition import Competition
from agent.detector.detector import Detector
from agent.detector.events import events
from agent.detector.rule import Policy, Rule
from agent.matcher.prototypes import BackgroundStatistics, PrototypeSet
from agent.watchlist.calibration.site import scores_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.records import Detection, FloatArray, Views
    from agent.detector.events import Scores
    from agent.watchlist.calibration.index import Finding
    from agent.watchlist.calibration.site import Background, Wanted

ENOUGH = 30
"""Events that tell which share of them is questions."""
STEP, MOST = 0.5, 2.0
"""By how much thresholds are lowered at once, and at most, in standard deviations."""

# A rate for the positions of windows; any that keeps them apart.
_RATE_HZ = 1_000
# Bounds the memory of a long calibration of many descriptions.
_TOGETHER = 64
# Windows beside an event that the competition may look at.
_BESIDE = 8


@dataclass(frozen=True, slots=True)
class WholeBox:
    """What all descriptions come to together."""

    events: int
    """Of all descriptions, on the background that was heard."""
    questions: int
    """That these events would have been."""
    lowered: float
    """By how much all thresholds were lowered to see so many."""
    alone_per_day: float
    """False alarms that all descriptions are expected to raise, each by itself."""

    @property
    def expected_per_day(self) -> float | None:
        """Questions to expect; ``None`` where nothing tells which share of alarms they are."""
        if not self.events:
            return None
        return self.alone_per_day * self.questions / self.events


def whole_box(
    heard: Background,
    wanted: Sequence[Wanted],
    background: FloatArray,
    findings: Sequence[Finding],
    window_s: float,
) -> WholeBox:
    """Let what was heard compete.

    Args:
        heard: the background.
        wanted: descriptions.
        background: embeddings of the texts of what is ordinary here.
        findings: of the same descriptions, in their order.
        window_s: length of a window.
    """
    known = [
        (target, finding)
        for target, finding in zip(wanted, findings, strict=True)
        if finding.rate is not None
    ]
    alone = sum(finding.rate.expected for finding in findings if finding.rate is not None)
    heard_by = _Heard(heard, [target for target, _ in known], background, [f for _, f in known])
    lowered = 0.0
    while True:
        policies = {
            finding.error_id: Policy(finding.threshold - lowered, Rule.of(target.error.policy))
            for target, finding in known
        }
        found, asked = heard_by.compete(policies, window_s)
        if found >= ENOUGH or lowered >= MOST:
            return WholeBox(found, asked, lowered, alone)
        lowered += STEP


@dataclass(frozen=True, slots=True)
class _Heard:
    """A background, and the descriptions that are compared with it."""

    heard: Background
    wanted: Sequence[Wanted]
    background: FloatArray
    findings: Sequence[Finding]

    def compete(self, policies: Mapping[str, Policy], window_s: float) -> tuple[int, int]:
        """How many events there are at some thresholds, and how many questions they come to."""
        rows = self._rows(policies)
        if not len(rows):
            return 0, 0
        scores = self._scores(slice(None), self.heard.views[rows]).T
        names = tuple(finding.error_id for finding in self.findings)
        layout = self.heard.layout
        detector, competition = Detector(policies, _RATE_HZ), Competition(_RATE_HZ)
        found = asked = 0
        before = int(rows[0])
        for row, own in zip(rows.tolist(), scores, strict=True):
            if row != before + 1 or layout.first[row] == row:
                asked += _new(competition.close(detector.close()))
            at_s = float(layout.position_s[row])
            match = Match("", round(at_s * _RATE_HZ), at_s, window_s, names, own, own)
            changes = list(detector.feed(match))
            found += _new(changes)
            asked += _new(competition.feed(match, changes, detector.going_on("")))
            before = row
        return found, asked + _new(competition.close(detector.close()))

    def _rows(self, policies: Mapping[str, Policy]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Windows in which an event of some description goes on, or just before and after."""
        layout = self.heard.layout
        wanted = np.zeros(len(layout.position_s), bool)
        for at in range(0, len(self.findings), _TOGETHER):
            some = slice(at, at + _TOGETHER)
            scores = self._scores(some, self.heard.views)
            for own, finding in zip(scores, self.findings[some], strict=True):
                policy = policies[finding.error_id]
                for event in events(own, layout, policy.rule, policy.threshold_on):
                    first = event.start - policy.rule.windows - _BESIDE
                    wanted[max(first, 0) : event.end + _BESIDE + 1] = True
        return np.flatnonzero(wanted)

    def _scores(self, some: slice, views: Views) -> Scores:
        """Of some descriptions, shape ``(descriptions, windows)``."""
        findings = self.findings[some]
        prototypes = PrototypeSet([one.described for one in self.wanted[some]], self.background)
        statistics = BackgroundStatistics(
            np.array([finding.mean for finding in findings], np.float32),
            np.array([finding.std for finding in findings], np.float32),
        )
        return scores_of(replace(self.heard, views=views), prototypes, statistics)


def _new(detections: Sequence[Detection]) -> int:
    return sum(one.step is Step.NEW for one in detections)
