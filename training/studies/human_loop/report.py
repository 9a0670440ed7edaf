"""What the months came to: tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.cli.report import intervals
from agent.watchlist.calibration.poisson import DAY_H
from training.data.files import write_text
from training.data.markdown import document, table
from training.studies import figures
from training.studies.figures import Axes, Figure
from training.studies.human_loop.month import Month, Plan
from training.studies.human_loop.stages import BY_WEEK, Stage
from training.studies.human_loop.truth import Counted

REPORT = "loop.md"
WEEKS_FIGURE, STAGES_FIGURE, PROMISE_FIGURE = (
    "loop-weeks.png",
    "loop-stages.png",
    "loop-promise.png",
)
SAME = "hall calibrated on"


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was counted."""

    bundle: str
    command: str
    plan: Plan
    months: tuple[Month, ...]

    def counted(
        self, week: int, stage: Stage, like: Stage | None = None
    ) -> tuple[Counted, int] | None:
        """All months together, and how many they are; ``None`` where none got there.

        Args:
            week: counted from 0.
            stage: that the week is looked at.
            like: only the months that reached this stage in the same week too.
        """
        some = [
            month.counted[week, stage]
            for month in self.months
            if (week, stage) in month.counted and (week, like or stage) in month.counted
        ]
        return (sum(some, Counted()), len(some)) if some else None


def write(counted: Figures, folder: Path) -> Path:
    """Write the report and its figures; where the report is."""
    figures.save(_draw_weeks(counted), folder / "figures" / WEEKS_FIGURE)
    figures.save(_draw_stages(counted), folder / "figures" / STAGES_FIGURE)
    figures.save(_draw_promise(counted), folder / "figures" / PROMISE_FIGURE)
    write_text(folder / REPORT, document(_blocks(counted)))
    return folder / REPORT


def _blocks(counted: Figures) -> Iterator[str]:
    size = counted.plan.size
    yield "# The loop, counted"
    yield f"""\
Made by `{counted.command}`; do not edit.
What it means: [human-loop.md](../human-loop.md)."""
    yield (
        f"{len(counted.months)} months of other sounds, bundle `{counted.bundle[:19]}…`; "
        f"a day is {size.minutes} minutes of sound, a week {7 * size.minutes}; calibrated on "
        f"{size.background_minutes} minutes. Shares with 95 % Wilson intervals, rates with 95 % "
        "Poisson intervals, over all months together."
    )
    yield "## Week by week"
    yield f"![precision and recall by week](figures/{WEEKS_FIGURE})"
    yield _table(
        (str(week), _reached(counted, week), _own(counted, week)) for week in range(len(BY_WEEK))
    )
    answered = zip(*(month.answered for month in counted.months), strict=True)
    told = ", ".join(f"{sum(some)} in week {week}" for week, some in enumerate(answered))
    notes = (note for month in counted.months for note in month.notes)
    yield "\n".join([f"Answered by the operator: {told}.", *notes])
    for week in range(1, len(BY_WEEK)):
        yield f"## The sounds of week {week} at every stage"
        if week == len(BY_WEEK) - 1:
            yield f"![the last week at every stage](figures/{STAGES_FIGURE})"
        yield _table((str(week), str(stage), counted.counted(week, stage)) for stage in Stage)
        yield from _against(counted, week)
    yield "## False alarms of the hall, promised and counted"
    yield f"![false alarms of the hall](figures/{PROMISE_FIGURE})"
    heads = ("hall, stage", "hours of sound", "promised, at most", "counted", "a day (95 %)")
    yield table((*heads, "promised a day"), _promises(counted))
    yield "\n".join(_judged(counted))
    yield "## Month by month"
    rows = []
    for month in counted.months:
        for (week, stage), total in sorted(
            month.counted.items(), key=lambda item: _order(*item[0])
        ):
            own = "**" if BY_WEEK[week] is stage else ""
            precision = f"{total.true / total.alerts:.2f}" if total.alerts else "-"
            recall = f"{total.found / max(1, total.events):.2f}"
            row = (str(month.seed), str(week), f"{own}{stage}{own}", str(total.alerts))
            rows.append((*row, str(total.true), precision, recall))
    yield table(("month", "week", "stage", "alerts", "true", "precision", "recall"), rows)


def _order(week: int, stage: Stage) -> tuple[int, int]:
    return week, list(Stage).index(stage)


def _reached(counted: Figures, week: int) -> str:
    """The stage of a week, and how many of the months reached it where not all did."""
    stage = BY_WEEK[week]
    count, of = sum((week, stage) in month.counted for month in counted.months), len(counted.months)
    return (
        str(stage)
        if count == of
        else f"{stage} in {count} of {of} months, else {BY_WEEK[week - 1]}"
    )


def _named(counted: Figures, week: int, stage: Stage) -> str:
    """A stage, and of how many months it is where not of all."""
    count, of = sum((week, stage) in month.counted for month in counted.months), len(counted.months)
    return str(stage) if count == of else f"{stage}\n({count} of {of} months)"


def _own(counted: Figures, week: int) -> tuple[Counted, int] | None:
    """A week as the boxes lived through it: at its own stage, or at the one that they reached."""
    found = []
    for month in counted.months:
        reached = [stage for at, stage in month.counted if at == week]
        stage = max(reached, key=lambda stage: _order(week, stage), default=None)
        if stage is not None:
            found.append(month.counted[week, stage])
    return (sum(found, Counted()), len(found)) if found else None


def _table(rows: Iterable[tuple[str, str, tuple[Counted, int] | None]]) -> str:
    heads = ("week", "stage", "months", "alerts", "true", "false: named wrongly", "ordinary")
    told = [
        (
            *(week, stage, str(cell[1]), str(one.alerts), str(one.true), str(one.other)),
            *(str(one.ordinary), str(one.hall), _share(one.true, one.alerts)),
            _share(one.found, one.events),
        )
        for week, stage, cell in rows
        if cell is not None and (one := cell[0])
    ]
    return table((*heads, "hall", "precision", "recall"), told)


def _share(count: int, of: int) -> str:
    share = intervals.share(count, of)
    return "-" if share is None else f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f})"


def _against(counted: Figures, week: int) -> Iterator[str]:
    """The fine-tune, and the stage before it in the same months."""
    tuned = counted.counted(week, Stage.TUNED)
    paired = counted.counted(week, Stage.EXAMPLES, Stage.TUNED)
    if tuned is None or paired is None or tuned[1] == len(counted.months):
        return
    one, before = tuned[0], paired[0]
    yield (
        f"The fine-tune was made in {tuned[1]} of {len(counted.months)} months. In these, without "
        f"it: precision {_share(before.true, before.alerts)}, recall "
        f"{_share(before.found, before.events)}; with it: {_share(one.true, one.alerts)}, "
        f"{_share(one.found, one.events)}."
    )


def _promises(counted: Figures) -> Iterator[tuple[str, ...]]:
    for name, hall in _halls(counted):
        count = hall.promised_hall if hall.promised else hall.hall
        rate = intervals.rate(count, hall.hours / DAY_H)
        if rate is None:
            continue
        promised = f"{hall.promised:.1f}" if hall.promised else "nothing"
        a_day = f"{hall.promised / hall.hours * DAY_H:.0f}" if hall.promised else "-"
        spread = f"{rate.value:.0f} ({rate.low:.0f} to {rate.high:.0f})"
        yield name, f"{hall.hours:.1f}", promised, str(count), spread, a_day


def _halls(counted: Figures) -> list[tuple[str, Counted]]:
    """The hall that was calibrated on at another time, then the weeks' own halls by stage."""
    weeks = [(str(stage), _all_weeks(counted, stage)) for stage in Stage]
    same = sum((month.same_hall for month in counted.months), Counted())
    return [(SAME, same), *((name, total) for name, total in weeks if total is not None)]


def _judged(counted: Figures) -> Iterator[str]:
    """Whether promises held, from the numbers."""
    for name, hall in _halls(counted):
        if hall.promised:
            low, high = intervals.bounds(hall.promised_hall)
            count = f"{hall.promised_hall} counted ({low:.1f} to {high:.1f})"
            held = "held" if hall.promised_hall <= hall.promised else "was not refuted"
            held = "was broken" if low > hall.promised else held
            promised = f"at most {hall.promised:.1f} were promised"
            yield f"- {name}: {promised}, {count}: the promise {held}."


def _all_weeks(counted: Figures, stage: Stage) -> Counted | None:
    cells = [counted.counted(week, stage) for week in range(len(BY_WEEK))]
    some = [cell[0] for cell in cells if cell is not None]
    return sum(some, Counted()) if some else None


def _axes() -> tuple[Figure, Axes]:
    figure = figures.figure(7.0, 4.0)
    return figure, figure.subplots()


def _points(
    axis: Axes, at: Sequence[float], shares: Sequence[tuple[int, int]], style: tuple[str, str, str]
) -> None:
    """Shares with their intervals."""
    colour, marker, label = style
    known = [(x, intervals.share(*share)) for x, share in zip(at, shares, strict=True)]
    there = [(x, share) for x, share in known if share is not None]
    values = [share.value for _, share in there]
    look = {"color": colour, "marker": marker, "capsize": 3, "label": label}
    figures.points(axis, [x for x, _ in there], values, [share for _, share in there], **look)


def _draw_weeks(counted: Figures) -> Figure:
    figure, axis = _axes()
    weeks = list(range(len(BY_WEEK)))
    own = [cell[0] if (cell := _own(counted, week)) else Counted() for week in weeks]
    left = [cell[0] if (cell := counted.counted(week, BY_WEEK[0])) else Counted() for week in weeks]
    _points(
        axis, weeks, [(total.true, total.alerts) for total in own], (figures.BLUE, "o", "precision")
    )
    _points(
        axis,
        [week + 0.06 for week in weeks],
        [(total.true, total.alerts) for total in left],
        (figures.GREY, "x", "precision, left as it was in week 0"),
    )
    found = [(total.found, total.events) for total in own]
    _points(axis, [week + 0.12 for week in weeks], found, (figures.YELLOW, "s", "recall"))
    for month in counted.months:
        mine = [
            max((s for w, s in month.counted if w == week), key=lambda s: _order(0, s))
            for week in weeks
        ]
        cells = [month.counted[week, stage] for week, stage in zip(weeks, mine, strict=True)]
        values = [cell.true / cell.alerts if cell.alerts else float("nan") for cell in cells]
        axis.plot(weeks, values, color=figures.BLUE, linewidth=0.6, alpha=0.5)
    names = [f"week {week}\n{_reached(counted, week)}".replace(", ", ",\n") for week in weeks]
    axis.set_xticks(weeks, names)
    axis.set(ylim=(0.0, 1.0), title="A box that is answered, week by week")
    axis.legend(fontsize=8)
    return figure


def _draw_stages(counted: Figures) -> Figure:
    figure, axis = _axes()
    last = len(BY_WEEK) - 1
    reached = [(stage, cell[0]) for stage in Stage if (cell := counted.counted(last, stage))]
    at = list(range(len(reached)))
    precision = [(total.true, total.alerts) for _, total in reached]
    _points(axis, at, precision, (figures.BLUE, "o", "precision"))
    found = [(total.found, total.events) for _, total in reached]
    _points(axis, [x + 0.08 for x in at], found, (figures.YELLOW, "s", "recall"))
    axis.set_xticks(at, [_named(counted, last, stage) for stage, _ in reached])
    axis.set(ylim=(0.0, 1.0), title="The same sounds, those of the last week, at every stage")
    axis.legend(fontsize=8)
    return figure


def _draw_promise(counted: Figures) -> Figure:
    figure, axis = _axes()
    halls = _halls(counted)
    for x, (_, hall) in enumerate(halls):
        count = hall.promised_hall if hall.promised else hall.hall
        rate = intervals.rate(count, hall.hours / DAY_H)
        if rate is not None:
            label = "counted (95 %)" if x == 0 else None
            look = {"color": figures.BLUE, "marker": "o", "capsize": 3, "label": label}
            figures.points(axis, [x], [rate.value], [rate], **look)
        if hall.promised:
            a_day = hall.promised / hall.hours * DAY_H
            axis.hlines(
                a_day, x - 0.3, x + 0.3, color=figures.GREEN, label="promised" if x == 0 else "_"
            )
    axis.set_xticks(range(len(halls)), [name.replace(" ", "\n") for name, _ in halls], fontsize=8)
    axis.set(ylabel="a day of sound, all descriptions", title="False alarms of the hall itself")
    axis.legend(fontsize=8)
    return figure
