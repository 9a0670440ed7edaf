"""Which descriptions are heard together, and what operators say that it really was."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agent.cli.report.cases import Outcome, heard
from agent.cli.report.intervals import DAY_S
from agent.core.records import Verdict
from agent.watchlist.calibration import poisson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.cli.report.cases import Case

NEAR_S = 5.0
"""Alerts with less than this between them tell of the same sound."""
_CONFIDENCE = 0.975
_LEAST_TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two descriptions that are heard at one source within the same seconds."""

    first: str
    second: str
    together: int
    expected: float
    """How often they would be by chance, if they had nothing to do with each other."""
    both: int
    """Of those together, both confirmed."""
    only_first: int
    """First confirmed and second rejected."""
    only_second: int
    neither: int
    """Both rejected."""


@dataclass(frozen=True, slots=True)
class RejectionLabel:
    """What operators wrote that an alert really was."""

    error_id: str
    label: str
    """As it was written most often."""
    alerts: int
    """Rejected ones about which it was said."""
    meant: str | None
    """The description that these words are, if they are one's."""


def confusions(cases: Sequence[Case], days: float) -> tuple[Confusion, ...]:
    """Pairs that come together more often than by chance, the most frequent first.

    Candidates of one alert come together as alerts do.

    Args:
        cases: of one period, any order.
        days: that it lasted.
    """
    cases = [one for case in cases for one in heard(case)]
    together: dict[tuple[str, str], list[tuple[Case, Case]]] = {}
    for earlier, later in pairs(cases):
        first, second = sorted((earlier, later), key=lambda case: case.error_id)
        together.setdefault((first.error_id, second.error_id), []).append((first, second))
    lengths: dict[str, dict[str, list[float]]] = {}
    for case in cases:
        by_id = lengths.setdefault(case.source, {})
        by_id.setdefault(case.error_id, []).append(case.ends_at - case.starts_at)
    found = [
        _confusion(names, met, _expected(lengths, names, days)) for names, met in together.items()
    ]
    telling = [
        confusion
        for confusion in found
        if confusion.together >= _LEAST_TOGETHER
        and poisson.lower(min(confusion.together, 1_000), _CONFIDENCE) > confusion.expected
    ]
    return tuple(sorted(telling, key=lambda found: (-found.together, found.first, found.second)))


def pairs(cases: Iterable[Case]) -> Iterator[tuple[Case, Case]]:
    """Alerts of two descriptions at one source with less than ``NEAR_S`` between them.

    Each alert is paired with the first such one of another description only, so that a long one
    does not count many short ones.
    """
    recent: dict[str, list[Case]] = {}
    met: set[tuple[str, str]] = set()
    for case in sorted(cases, key=lambda case: (case.starts_at, case.alert.alert_id)):
        near = [
            other
            for other in recent.get(case.source, [])
            if other.ends_at + NEAR_S > case.starts_at
        ]
        for other in near:
            key, back = (case.alert.alert_id, other.error_id), (other.alert.alert_id, case.error_id)
            if other.error_id != case.error_id and key not in met and back not in met:
                met |= {key, back}
                yield other, case
        recent[case.source] = [*near, case]


def incidents(cases: Iterable[Case]) -> int:
    """How many sounds alerts tell of: those within the same seconds at a source are one."""
    count = 0
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(case.source, []).append(case)
    for found in by_source.values():
        found.sort(key=lambda case: case.starts_at)
        reach = [found[0].ends_at]
        for case in found[1:]:
            reach.append(max(reach[-1], case.ends_at))
        starts = [case.starts_at for case in found]
        apart = zip(pairwise(starts), reach, strict=False)
        count += 1 + sum(later >= end + NEAR_S for (_, later), end in apart)
    return count


def labels(cases: Iterable[Case], described: Mapping[str, str]) -> tuple[RejectionLabel, ...]:
    """What operators wrote about rejected alerts, or that it was instead, the most frequent first.

    Args:
        cases: any order.
        described: id of a description by each of its texts, :func:`normalised`.
    """
    meant = dict(described)
    counts: Counter[tuple[str, str]] = Counter()
    words: dict[tuple[str, str], Counter[str]] = {}
    for case in cases:
        if case.outcome is not Outcome.REJECTED:
            continue
        written: dict[str, str] = {}
        for answer in case.answers:
            # Whoever chose a description has said it better than by words.
            label = answer.description or answer.label
            if label and answer.verdict is Verdict.REJECT:
                written[normalised(label)] = label
                if answer.error_id is not None:
                    meant[normalised(label)] = answer.error_id
        for key, label in written.items():
            counts[case.error_id, key] += 1
            words.setdefault((case.error_id, key), Counter())[label] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        RejectionLabel(error_id, words[error_id, key].most_common(1)[0][0], count, meant.get(key))
        for (error_id, key), count in ordered
    )


def normalised(text: str) -> str:
    """What two texts share that a reader would call the same."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _confusion(
    names: tuple[str, str], met: Sequence[tuple[Case, Case]], expected: float
) -> Confusion:
    counts = Counter((first.outcome, second.outcome) for first, second in met)
    yes, no = Outcome.CONFIRMED, Outcome.REJECTED
    return Confusion(
        *names,
        together=len(met),
        expected=expected,
        both=counts[yes, yes],
        only_first=counts[yes, no],
        only_second=counts[no, yes],
        neither=counts[no, no],
    )


def _expected(
    lengths: Mapping[str, Mapping[str, Sequence[float]]], names: tuple[str, str], days: float
) -> float:
    """Chance meetings: of each pair at a source, the share of the period in which they would."""
    expected = 0.0
    for by_id in lengths.values():
        first, second = (by_id.get(name, ()) for name in names)
        if first and second:
            long = sum(first) / len(first) + sum(second) / len(second)
            near = min(1.0, (long + 2.0 * NEAR_S) / (days * DAY_S))
            expected += len(first) * len(second) * near
    return expected
