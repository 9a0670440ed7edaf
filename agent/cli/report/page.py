"""A summary as one HTML page that needs nothing else: no script, no picture, no network.

Whatever people wrote is escaped by the template engine; only the pictures of ``charts``, made of
numbers and of words that they escape themselves, are put in as they are. A content security
policy in the page forbids scripts all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.cli.report import charts, intervals
from agent.cli.report.confusion import NEAR_S
from agent.cli.report.people import DELAY_EDGES_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ParamSpec

    from agent.cli.report.intervals import Rate
    from agent.cli.report.roi import Roi
    from agent.cli.report.summary import Summary
    from agent.cli.report.tallies import Group
    from agent.cli.report.words import Words

    P = ParamSpec("P")

_TEMPLATES = Path(__file__).parent / "templates"
_FEW = 20
"""Judged alerts below which a reader is warned."""
_SHIFT_PARTS = 3.0
"""Of 8 hours in a day."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a template needs beside the summary."""

    in_short: tuple[str, ...]
    method: tuple[str, ...]
    first_day: str
    last_day: str
    made_at: float
    version: str
    near_s: str
    day_chart: Markup
    week_chart: Markup
    delay_chart: Markup
    swing_low: float
    swing_high: float
    per_8h: Callable[[Group], Rate | None]


def render(summary: Summary, words: Words, made_at: float, *, descriptions_known: bool) -> str:
    """The page.

    Args:
        summary: what it tells.
        words: of the reader's language.
        made_at: UTC, seconds since the epoch.
        descriptions_known: whether the descriptions could be read.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    chart = SimpleNamespace(
        patterns=_drawn(lambda: charts.PATTERNS)(),
        bar=_drawn(charts.bar),
        whisker=_drawn(charts.whisker),
        scores=_drawn(charts.scores),
        swing=_drawn(charts.swing),
    )
    facts = _facts(summary, words, made_at, descriptions_known=descriptions_known)
    template = environment.get_template("page.html")
    return template.render(s=summary, t=words, f=facts, chart=chart)


def in_short(summary: Summary, words: Words) -> Iterator[str]:
    """What a reader in a hurry has to know, in sentences."""
    total = summary.total
    if not total.alerts:
        yield words("short_none")
        yield from _missed(summary, words)
        return
    yield words(
        "short_alerts",
        days=words.number(summary.days),
        alerts=total.alerts,
        answered=total.answered,
        share=words.percent(total.answered / total.alerts),
    )
    if total.precision is None or total.possible is None:
        yield words("short_unjudged")
    else:
        yield words(
            "short_precision",
            settled=total.settled,
            confirmed=total.confirmed,
            value=words.percent(total.precision.value),
            low=words.percent(total.precision.low),
            high=words.percent(total.precision.high),
        )
        if total.settled < _FEW:
            yield words("short_few", settled=total.settled)
        if total.unsettled:
            low, high = map(words.percent, total.possible)
            yield words("short_bounds", count=total.unsettled, low=low, high=high)
        yield from _false_alarms(summary, words)
    yield from _missed(summary, words)
    if summary.roi is not None:
        sheet = summary.roi
        net, low, high = (
            words.money(net, sheet.currency)
            for net in (abs(sheet.likely.net), sheet.worst.net, sheet.best.net)
        )
        key = "short_gain" if sheet.likely.net >= 0.0 else "short_loss"
        yield words(key, net=net, low=low, high=high)


def _missed(summary: Summary, words: Words) -> Iterator[str]:
    """How many of the errors that are known of raised an alert, where some are known not to."""
    recall = summary.recall
    if recall.missed and recall.known is not None:
        yield words(
            "short_missed",
            missed=recall.missed,
            known=recall.known.of,
            caught=recall.caught,
            value=words.percent(recall.known.value),
            low=words.percent(recall.known.low),
            high=words.percent(recall.known.high),
        )


def method(summary: Summary, words: Words, *, descriptions_known: bool) -> Iterator[str]:
    """How the numbers came about and what they cannot tell."""
    zone = summary.setting.zone
    yield words("method_missed")
    yield words("method_verdict")
    yield words("method_precision")
    yield words(
        "method_rate",
        days=words.number(summary.days),
        hours=words.number(summary.setting.hours_per_day),
    )
    if summary.since > summary.asked_since:
        since, asked = (words.moment(at, zone) for at in (summary.since, summary.asked_since))
        yield words("method_since", since=since, asked=asked)
    yield words("method_wanted" if descriptions_known else "method_descriptions")
    if summary.clock_unsure:
        yield words("method_clock", count=summary.clock_unsure)


def _false_alarms(summary: Summary, words: Words) -> Iterator[str]:
    """How many there are, and whether they become more."""
    rate, change = summary.false_alarms, summary.change
    if rate is not None:
        yield words(
            "short_false",
            rejected=rate.count,
            value=words.number(rate.value),
            low=words.number(rate.low),
            high=words.number(rate.high),
        )
    if change is None:
        return
    key = ("short_rising" if change.rising else "short_falling") if change.sure else "short_steady"
    text = words(key, before=change.before, after=change.after)
    if change.sure and not change.comparable:
        text += " " + words(
            "short_attention",
            before=words.percent(change.answered_before),
            after=words.percent(change.answered_after),
        )
    yield text


def _facts(summary: Summary, words: Words, made_at: float, *, descriptions_known: bool) -> _Facts:
    days, ends = summary.by_day, _ends(summary.roi)
    return _Facts(
        in_short=tuple(in_short(summary, words)),
        method=tuple(method(summary, words, descriptions_known=descriptions_known)),
        first_day=words.day(days[0].first) if days else "",
        last_day=words.day(days[-1].first) if days else "",
        made_at=made_at,
        version=version("kikimimi"),
        near_s=words.number(NEAR_S),
        day_chart=_day_chart(summary, words),
        week_chart=_week_chart(summary, words),
        delay_chart=_delay_chart(summary, words),
        swing_low=ends[0],
        swing_high=ends[1],
        per_8h=lambda group: intervals.rate(group.tally.rejected, group.days * _SHIFT_PARTS),
    )


def _day_chart(summary: Summary, words: Words) -> Markup:
    """Alerts of each day."""
    days = summary.by_day
    worst = max(days, key=lambda day: day.tally.alerts, default=None)
    text = ""
    if worst is not None:
        day = words.day(worst.first)
        text = words("per_day_text", most=worst.tally.alerts, day=day)
    return _drawn(charts.stacks)(
        [(day.tally.confirmed, day.tally.rejected, day.tally.unsettled) for day in days],
        [words.short_day(day.first) for day in days],
        words("per_day"),
        text,
        "per-day",
    )


def _week_chart(summary: Summary, words: Words) -> Markup:
    """False alarms of each week."""
    return _drawn(charts.rates)(
        [week.false_alarms for week in summary.by_week],
        [words.short_day(week.first) for week in summary.by_week],
        summary.wanted,
        title=words("per_week"),
        text=words("per_week_text"),
        name="per-week",
    )


def _delay_chart(summary: Summary, words: Words) -> Markup:
    """Answers by how long they took."""
    if summary.delays is None:
        return Markup("")
    labels = [words("delay_up_to", value=words.duration(edge)) for edge in DELAY_EDGES_S]
    labels.append(words("delay_over", value=words.duration(DELAY_EDGES_S[-1])))
    return _drawn(charts.columns)(
        summary.delays.bins, labels, words("delays"), words("delays_text"), "delays"
    )


def _ends(roi: Roi | None) -> tuple[float, float]:
    """The scale of all swings."""
    if roi is None:
        return 0.0, 1.0
    every = [net for swing in roi.swings for net in (swing.at_low, swing.at_high)]
    return min(0.0, *every), max(0.0, *every)


def _drawn(draw: Callable[P, str]) -> Callable[P, Markup]:
    """A picture that a template puts in as it is: ``charts`` escapes what it writes."""

    def drawn(*arguments: P.args, **named: P.kwargs) -> Markup:
        return Markup(draw(*arguments, **named))  # noqa: S704

    return drawn
