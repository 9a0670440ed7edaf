"""Everything that a report says, counted; how it looks is for others to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.cli.report import confusion, intervals, people, recall, roi, tallies
from agent.cli.report.advice import advice
from agent.cli.report.cases import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from agent.cli.report.advice import Advice
    from agent.cli.report.cases import Case, Cases
    from agent.cli.report.confusion import Confusion, RejectionLabel
    from agent.cli.report.intervals import Rate
    from agent.cli.report.people import Delays, People
    from agent.cli.report.recall import Recall
    from agent.cli.report.roi import Assumptions, Roi
    from agent.cli.report.tallies import Change, Group, Span, Tally
    from agent.config.shifts import Shift
    from agent.descriptions import DescriptionSet, ErrorDescription

_DAY_H = 24.0
_CLUSTERED = 2.0
_LEAST_SPANS = 7


@dataclass(frozen=True, slots=True)
class Setting:
    """What of the site shapes a report."""

    site: str
    node: str
    zone: tzinfo
    zone_name: str
    shifts: tuple[Shift, ...] = ()
    sources: tuple[str, ...] = ()
    hours_per_day: float = _DAY_H
    """For which the box is on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One description."""

    error_id: str
    text: str
    """As in the file now, or as in its newest alert."""
    group: Group
    wanted: float | None
    """False alarms a day that the file allows; ``None`` where it is not in the file."""
    other_wording: int
    """Alerts that were raised under another wording: their answers are about that one."""

    @property
    def verdict(self) -> str:
        """``over``, ``within`` or ``unknown``: false alarms beside those that are wanted.

        Over only if even the answered ones alone are too many, within only if all that are not
        settled could be false too.
        """
        rate, tally = self.group.false_alarms, self.group.tally
        if self.wanted is None or rate is None:
            return "unknown"
        if rate.low > self.wanted:
            return "over"
        most = intervals.rate(tally.rejected + tally.unsettled, self.group.days)
        return "within" if most is not None and most.high <= self.wanted else "unknown"


@dataclass(frozen=True, slots=True)
class Summary:
    """One report."""

    setting: Setting
    since: float
    """UTC, seconds since the epoch, as is ``until``."""
    until: float
    asked_since: float
    """Earlier than ``since`` where the store holds nothing from before its first alert."""
    days: float
    """For which was listened, of 24 hours."""
    total: Tally
    rows: tuple[Row, ...]
    """Descriptions with alerts, the most false alarms first."""
    by_day: tuple[Span, ...]
    by_week: tuple[Span, ...]
    by_shift: tuple[Group, ...]
    by_source: tuple[Group, ...]
    change: Change | None
    clustered: float | None
    """Variance over mean of the false alarms of whole days, where that is more than chance."""
    delays: Delays | None
    people: People
    confusions: tuple[Confusion, ...]
    said: tuple[RejectionLabel, ...]
    advice: tuple[Advice, ...]
    roi: Roi | None
    clock_unsure: int
    """Alerts from while the box's clock was not set."""
    texts: Mapping[str, str]
    """Words of each description, by id."""
    recalls: tuple[Recall, ...]
    """Recall of each description of which an error is known, the most misses first."""
    wanted: float | None
    """False alarms a day that all active descriptions may raise together."""

    @property
    def false_alarms(self) -> Rate | None:
        """Rejected alerts a day."""
        return intervals.rate(self.total.rejected, self.days)

    @property
    def recall(self) -> Recall:
        """Of all descriptions together."""
        return recall.together(self.recalls)


def summarise(
    found: Cases,
    setting: Setting,
    descriptions: DescriptionSet | None = None,
    assumptions: Assumptions | None = None,
) -> Summary:
    """Count everything.

    Where the store holds no alert from before the period, it is counted from the first alert on:
    a box that was set up in the middle of the month did not keep silent for the first half.

    Args:
        found: alerts of the period.
        setting: of the site.
        descriptions: as they stand now; ``None`` where they cannot be read.
        assumptions: of the user, for what it is worth; ``None``: not reckoned.
    """
    cases = found.cases
    since = found.since
    if found.first_at is not None:
        since = max(since, found.first_at)
    period = (since, found.until)
    part = setting.hours_per_day / _DAY_H
    days = (found.until - since) / intervals.DAY_S * part
    described = {error.error_id: error for error in descriptions.active} if descriptions else {}
    labels = confusion.labels(cases, _by_text(descriptions))
    by_day = tallies.by_day(cases, period, setting.zone, part)
    observed = roi.Observed(
        errors=confusion.incidents(case for case in cases if case.outcome is Outcome.CONFIRMED),
        verdicts=sum(len(case.answers) for case in cases),
        days=days,
    )
    rows = _rows(cases, described, days)
    return Summary(
        setting=setting,
        since=since,
        until=found.until,
        asked_since=found.since,
        days=days,
        total=tallies.tally(cases),
        rows=rows,
        by_day=by_day,
        by_week=tallies.by_week(cases, period, setting.zone, part),
        by_shift=tallies.by_shift(cases, setting.shifts, period, setting.zone),
        by_source=tallies.by_source(cases, setting.sources, days),
        change=tallies.change(cases, period),
        clustered=_clustered(by_day),
        delays=people.delays(cases),
        people=people.people(cases),
        confusions=confusion.confusions(cases, days),
        said=labels,
        advice=advice(cases, labels, described, days),
        roi=roi.reckon(assumptions, observed) if assumptions and days > 0.0 else None,
        clock_unsure=sum(not case.alert.clock_synced for case in cases),
        recalls=recall.recalls(cases, found.missed),
        texts={
            **{case.error_id: case.alert.description for case in found.missed},
            **{row.error_id: row.text for row in rows},
            **_texts(described),
        },
        wanted=sum(error.policy.false_alarms_per_day for error in described.values()) or None,
    )


def _rows(
    cases: Sequence[Case], described: Mapping[str, ErrorDescription], days: float
) -> tuple[Row, ...]:
    """Descriptions with alerts, the most false alarms first, then the most alerts."""
    by_id: dict[str, list[Case]] = {}
    for case in cases:
        by_id.setdefault(case.error_id, []).append(case)
    rows = [
        Row(
            error_id=error_id,
            text=described[error_id].text if error_id in described else mine[-1].alert.description,
            group=tallies.Group(error_id, tallies.tally(mine), days),
            wanted=described[error_id].policy.false_alarms_per_day
            if error_id in described
            else None,
            other_wording=sum(
                case.alert.description != mine[-1].alert.description for case in mine
            ),
        )
        for error_id, mine in by_id.items()
    ]
    rows.sort(key=lambda row: (-row.group.tally.rejected, -row.group.tally.alerts, row.error_id))
    return tuple(rows)


def _by_text(descriptions: DescriptionSet | None) -> dict[str, str]:
    """Id of a description by each of its texts and by itself, normalised."""
    every = descriptions.errors if descriptions else ()
    return {
        confusion.normalised(text): case.error_id
        for case in every
        for text in (case.error_id, *case.texts)
    }


def _texts(described: Mapping[str, ErrorDescription]) -> dict[str, str]:
    return {error_id: error.text for error_id, error in described.items()}


def _clustered(by_day: Sequence[Span]) -> float | None:
    """How much more than chance the days differ; the cut first and last are left out."""
    counts = [span.tally.rejected for span in by_day[1:-1]]
    if len(counts) < _LEAST_SPANS:
        return None
    spread = intervals.dispersion(counts)
    return spread if spread is not None and spread > _CLUSTERED else None
