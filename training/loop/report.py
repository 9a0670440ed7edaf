"""What the months came to: tables and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.calibration.poisson import DAY_H
from agent.report import intervals
from training.drawing import Figure, save
from training.loop.stages import BY_WEEK, Stage
from training.loop.truth import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.drawing import Axes
    from training.loop.month import Month, Plan

REPORT = "loop.md"
WEEKS_FIGURE, STAGES_FIGURE, PROMISE_FIGURE = (
    "loop-weeks.png",
    "loop-stages.png",
    "loop-promise.png",
)
SAME = "hall calibrated on"
_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#E69F00", "#009E73", "#7F7F7F"


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was counted."""

    bundle: str
    command: str
    plan: Plan
    months: tuple[Month, ...]

    def counted(self, week: int, stage: Stage) -> tuple[Counted, int] | None:
        """All months together, and how many they are; ``None`` where none got there."""
        some = [one.counted[week, stage] for one in self.months if (week, stage) in one.counted]
        return (sum(some, Counted()), len(some)) if some else None

    def paired(self, week: int, stage: Stage, like: Stage) -> Counted | None:
        """A stage, over the months in which another one was reached in the same week too."""
        some = [
            one.counted[week, stage]
            for one in self.months
            if (week, stage) in one.counted and (week, like) in one.counted
        ]
        return sum(some, Counted()) if some else None


def write(figures: Figures, folder: Path) -> Path:
    """Write the report and its figures; where the report is."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    _draw_weeks(figures, folder / "figures" / WEEKS_FIGURE)
    _draw_stages(figures, folder / "figures" / STAGES_FIGURE)
    _draw_promise(figures, folder / "figures" / PROMISE_FIGURE)
    path = folder / REPORT
    path.write_text("\n".join(_lines(figures)) + "\n", encoding="utf-8")
    return path


def _lines(figures: Figures) -> Iterator[str]:
    size = figures.plan.size
    yield "# The loop, counted"
    yield ""
    yield f"Made by `{figures.command}`; do not edit."
    yield "What it means: [human-loop.md](../human-loop.md)."
    yield ""
    yield (
        f"{len(figures.months)} months of other sounds, bundle `{figures.bundle[:19]}…`; "
        f"a day is {size.minutes} minutes of sound, a week {7 * size.minutes}; calibrated on "
        f"{size.background_minutes} minutes. Shares with 95 % Wilson intervals, rates with 95 % "
        "Poisson intervals, over all months together."
    )
    yield ""
    yield "## Week by week"
    yield ""
    yield "![precision and recall by week](figures/loop-weeks.png)"
    yield ""
    yield from _table(
        (f"{week} | {_reached(figures, week)}", _own(figures, week))
        for week, stage in enumerate(BY_WEEK)
    )
    yield ""
    answered = zip(*(one.answered for one in figures.months), strict=True)
    told = ", ".join(f"{sum(some)} in week {week}" for week, some in enumerate(answered))
    yield f"Answered by the operator: {told}."
    for month in figures.months:
        yield from month.notes
    for week in range(1, len(BY_WEEK)):
        yield ""
        yield f"## The sounds of week {week} at every stage"
        yield ""
        if week == len(BY_WEEK) - 1:
            yield "![the last week at every stage](figures/loop-stages.png)"
            yield ""
        yield from _table((f"{week} | {stage}", _cell(figures, week, stage)) for stage in Stage)
        yield from _against(figures, week)
    yield ""
    yield "## False alarms of the hall, promised and counted"
    yield ""
    yield "![false alarms of the hall](figures/loop-promise.png)"
    yield ""
    yield from _promises(figures)
    yield ""
    yield from _judged(figures)
    yield ""
    yield "## Month by month"
    yield ""
    yield "| month | week | stage | alerts | true | precision | recall |"
    yield "|---|---|---|---|---|---|---|"
    for month in figures.months:
        for (week, stage), one in sorted(month.counted.items(), key=lambda item: _order(*item[0])):
            own = "**" if BY_WEEK[week] is stage else ""
            precision = f"{one.true / one.alerts:.2f}" if one.alerts else "-"
            yield (
                f"| {month.seed} | {week} | {own}{stage}{own} | {one.alerts} | {one.true} "
                f"| {precision} | {one.found / max(1, one.events):.2f} |"
            )


def _order(week: int, stage: Stage) -> tuple[int, int]:
    return week, list(Stage).index(stage)


def _reached(figures: Figures, week: int) -> str:
    """The stage of a week, and how many of the months reached it where not all did."""
    stage = BY_WEEK[week]
    count, of = sum((week, stage) in one.counted for one in figures.months), len(figures.months)
    return (
        str(stage)
        if count == of
        else f"{stage} in {count} of {of} months, else {BY_WEEK[week - 1]}"
    )


def _named(figures: Figures, week: int, stage: Stage) -> str:
    """A stage, and of how many months it is where not of all."""
    count, of = sum((week, stage) in one.counted for one in figures.months), len(figures.months)
    return str(stage) if count == of else f"{stage}\n({count} of {of} months)"


def _own(figures: Figures, week: int) -> tuple[Counted, int] | None:
    """A week as the boxes lived through it: at its own stage, or at the one that they reached."""
    found = []
    for one in figures.months:
        reached = [stage for at, stage in one.counted if at == week]
        stage = max(reached, key=lambda stage: _order(week, stage), default=None)
        if stage is not None:
            found.append(one.counted[week, stage])
    return (sum(found, Counted()), len(found)) if found else None


def _cell(figures: Figures, week: int, stage: Stage) -> tuple[Counted, int] | None:
    return figures.counted(week, stage)


def _table(rows: Iterator[tuple[str, tuple[Counted, int] | None]]) -> Iterator[str]:
    heads = [
        "week",
        "stage",
        "months",
        "alerts",
        "true",
        "false: named wrongly",
        "ordinary",
        "hall",
    ]
    yield f"| {' | '.join([*heads, 'precision', 'recall'])} |"
    yield "|---" * 10 + "|"
    for name, cell in rows:
        if cell is None:
            continue
        one, months = cell
        yield (
            f"| {name} | {months} | {one.alerts} | {one.true} | {one.other} | {one.ordinary} "
            f"| {one.hall} | {_share(one.true, one.alerts)} | {_share(one.found, one.events)} |"
        )


def _share(count: int, of: int) -> str:
    share = intervals.share(count, of)
    return "-" if share is None else f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f})"


def _against(figures: Figures, week: int) -> Iterator[str]:
    """The fine-tune, and the stage before it in the same months."""
    tuned = figures.counted(week, Stage.TUNED)
    before = figures.paired(week, Stage.EXAMPLES, Stage.TUNED)
    if tuned is None or before is None or tuned[1] == len(figures.months):
        return
    one = tuned[0]
    yield ""
    yield (
        f"The fine-tune was made in {tuned[1]} of {len(figures.months)} months. In these, without "
        f"it: precision {_share(before.true, before.alerts)}, recall "
        f"{_share(before.found, before.events)}; with it: {_share(one.true, one.alerts)}, "
        f"{_share(one.found, one.events)}."
    )


def _promises(figures: Figures) -> Iterator[str]:
    heads = ["hall, stage", "hours of sound", "promised, at most", "counted", "a day (95 %)"]
    yield f"| {' | '.join([*heads, 'promised a day'])} |"
    yield "|---|---|---|---|---|---|"
    for name, one in _halls(figures):
        count = one.promised_hall if one.promised else one.hall
        rate = intervals.rate(count, one.hours / DAY_H)
        if rate is None:
            continue
        promised = f"{one.promised:.1f}" if one.promised else "nothing"
        a_day = f"{one.promised / one.hours * DAY_H:.0f}" if one.promised else "-"
        yield (
            f"| {name} | {one.hours:.1f} | {promised} | {count} "
            f"| {rate.value:.0f} ({rate.low:.0f} to {rate.high:.0f}) | {a_day} |"
        )


def _halls(figures: Figures) -> list[tuple[str, Counted]]:
    """The hall that was calibrated on at another time, then the weeks' own halls by stage."""
    weeks = [(str(stage), _all_weeks(figures, stage)) for stage in Stage]
    same = sum((one.same_hall for one in figures.months), Counted())
    return [(SAME, same), *((name, one) for name, one in weeks if one is not None)]


def _judged(figures: Figures) -> Iterator[str]:
    """Whether promises held, from the numbers."""
    for name, one in _halls(figures):
        if one.promised:
            low, high = intervals.bounds(one.promised_hall)
            count = f"{one.promised_hall} counted ({low:.1f} to {high:.1f})"
            held = "held" if one.promised_hall <= one.promised else "was not refuted"
            held = "was broken" if low > one.promised else held
            promised = f"at most {one.promised:.1f} were promised"
            yield f"- {name}: {promised}, {count}: the promise {held}."


def _all_weeks(figures: Figures, stage: Stage) -> Counted | None:
    cells = [figures.counted(week, stage) for week in range(len(BY_WEEK))]
    some = [cell[0] for cell in cells if cell is not None]
    return sum(some, Counted()) if some else None


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    return figure, figure.subplots()


def _points(
    axis: Axes, at: Sequence[float], shares: Sequence[tuple[int, int]], style: tuple[str, str, str]
) -> None:
    """Shares with their intervals."""
    colour, marker, label = style
    known = [(x, intervals.share(*one)) for x, one in zip(at, shares, strict=True)]
    there = [(x, one) for x, one in known if one is not None]
    axis.errorbar(
        [x for x, _ in there],
        [one.value for _, one in there],
        [
            [one.value - one.low for _, one in there],
            [one.high - one.value for _, one in there],
        ],
        color=colour,
        marker=marker,
        capsize=3,
        label=label,
    )


def _draw_weeks(figures: Figures, path: Path) -> None:
    figure, axis = _figure()
    weeks = list(range(len(BY_WEEK)))
    own = [cell[0] if (cell := _own(figures, week)) else Counted() for week in weeks]
    left = [cell[0] if (cell := figures.counted(week, BY_WEEK[0])) else Counted() for week in weeks]
    _points(axis, weeks, [(one.true, one.alerts) for one in own], (_BLUE, "o", "precision"))
    _points(
        axis,
        [week + 0.06 for week in weeks],
        [(one.true, one.alerts) for one in left],
        (_GREY, "x", "precision, left as it was in week 0"),
    )
    found = [(one.found, one.events) for one in own]
    _points(axis, [week + 0.12 for week in weeks], found, (_ORANGE, "s", "recall"))
    for month in figures.months:
        mine = [
            max((s for w, s in month.counted if w == week), key=lambda s: _order(0, s))
            for week in weeks
        ]
        cells = [month.counted[week, stage] for week, stage in zip(weeks, mine, strict=True)]
        values = [one.true / one.alerts if one.alerts else float("nan") for one in cells]
        axis.plot(weeks, values, color=_BLUE, linewidth=0.6, alpha=0.5)
    names = [f"week {week}\n{_reached(figures, week)}".replace(", ", ",\n") for week in weeks]
    axis.set_xticks(weeks, names)
    axis.set(ylim=(0.0, 1.0), title="A box that is answered, week by week")
    axis.legend(fontsize=8)
    save(figure, path)


def _draw_stages(figures: Figures, path: Path) -> None:
    figure, axis = _figure()
    last = len(BY_WEEK) - 1
    reached = [(stage, cell[0]) for stage in Stage if (cell := figures.counted(last, stage))]
    at = list(range(len(reached)))
    precision = [(one.true, one.alerts) for _, one in reached]
    _points(axis, at, precision, (_BLUE, "o", "precision"))
    found = [(one.found, one.events) for _, one in reached]
    _points(axis, [x + 0.08 for x in at], found, (_ORANGE, "s", "recall"))
    axis.set_xticks(at, [_named(figures, last, stage) for stage, _ in reached])
    axis.set(ylim=(0.0, 1.0), title="The same sounds, those of the last week, at every stage")
    axis.legend(fontsize=8)
    save(figure, path)


def _draw_promise(figures: Figures, path: Path) -> None:
    figure, axis = _figure()
    halls = _halls(figures)
    for x, (_, one) in enumerate(halls):
        count = one.promised_hall if one.promised else one.hall
        rate = intervals.rate(count, one.hours / DAY_H)
        if rate is not None:
            error = [[rate.value - rate.low], [rate.high - rate.value]]
            label = "counted (95 %)" if x == 0 else None
            axis.errorbar([x], [rate.value], error, color=_BLUE, marker="o", capsize=3, label=label)
        if one.promised:
            a_day = one.promised / one.hours * DAY_H
            axis.hlines(a_day, x - 0.3, x + 0.3, color=_GREEN, label="promised" if x == 0 else "_")
    axis.set_xticks(range(len(halls)), [name.replace(" ", "\n") for name, _ in halls], fontsize=8)
    axis.set(ylabel="a day of sound, all descriptions", title="False alarms of the hall itself")
    axis.legend(fontsize=8)
    save(figure, path)
