"""The experiment's report: tables, figures, and what they show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.files import write_text
from training.data.markdown import document, table
from training.studies import figures
from training.studies.comparison import DIFFERENCE_HEADS
from training.studies.figures import Figure
from training.studies.joint_loss.pool import MAP, MEASURES, NDCG, Pooled
from training.studies.joint_loss.run import BINARY, CONTINUOUS, START, Plan

REPORT = "joint-loss.md"
_REACHED, _DIFFERENCES = "joint-loss-reached.png", "joint-loss-differences.png"
_COLOURS = (figures.BLUE, figures.ORANGE)


def write(plan: Plan, pooled: Pooled, command: str, folder: Path) -> None:
    """Write ``joint-loss.md`` and its figures."""
    figures.save(_draw_reached(pooled), folder / "figures" / _REACHED)
    figures.save(_draw_differences(pooled), folder / "figures" / _DIFFERENCES)
    write_text(folder / REPORT, document(_blocks(plan, pooled, command)))


def _blocks(plan: Plan, pooled: Pooled, command: str) -> Iterator[str]:
    yield "# Labels and ratings at once: what the joint loss is worth"
    yield f"""\
Made by `{command}`; do not edit. The method is that of arXiv 2408.14939: one dual
encoder, InfoNCE on labels and ListNet on graded relevance. All arms start from the
same model, hear the same windows and differ only in what they learn from."""
    yield """\
The ratings that are learned from and judged by are **simulated**
([ratings.md](../ratings.md)): the recordings at hand have none by people. What is
shown here holds for people only as far as the simulated raters are like them."""
    yield "## Arms"
    yield table(("arm", "learns from"), ((arm.name, arm.told) for arm in plan.arms))
    yield f"""\
Seeds: {", ".join(map(str, plan.seeds))}. Steps: {plan.config.steps} at most, the model of
the best validation (mean of mAP@10 and nDCG@10) is judged, on test recordings of
other sources. The seed decides windows, augmentation and batches."""
    yield from _reached(plan, pooled)
    yield "## Differences"
    yield """\
Paired over groups of queries: 95 % bootstrap interval, permutation test, Holm over all
rows. *Seeds*: in how many the first is better."""
    rows = (gap.row(len(plan.seeds)) for gap in pooled.differences)
    yield table(DIFFERENCE_HEADS, rows)
    yield f"![Differences](figures/{_DIFFERENCES})"
    yield "## What it shows"
    yield "\n".join(_shown(plan, pooled))


def _reached(plan: Plan, pooled: Pooled) -> Iterator[str]:
    yield "## What they reach"
    yield """\
Mean over seeds with its 95 % bootstrap interval over groups of queries; ± is the
standard deviation over seeds. Captions that fit the same recordings are one group."""
    names = [measure.name for measure in MEASURES if measure.name in pooled.groups]
    rows = []
    for arm in (START, *(arm.name for arm in plan.arms)):
        own = {result.measure: result for result in pooled.reached if result.arm == arm}
        rows.append((arm, *(own[name].cell() for name in names)))
    yield table(("arm", *names), rows)
    counted = ", ".join(f"{name} {pooled.queries[name]} in {pooled.groups[name]}" for name in names)
    yield f"Queries in groups: {counted}."
    yield f"![Reached](figures/{_REACHED})"


def _shown(plan: Plan, pooled: Pooled) -> Iterator[str]:
    """Sentences that follow from the numbers, whichever way these turn out."""
    for arm in plan.arms:
        if not arm.joint:
            continue
        told = [
            f"{gap.verdict()} than {gap.against} by {gap.measure} "
            f"({gap.interval.mean:+.3f} [{gap.interval.low:+.3f}, {gap.interval.high:+.3f}])"
            for gap in pooled.differences
            if gap.arm == arm.name
            and gap.against in {BINARY, CONTINUOUS}
            and gap.measure in {MAP.name, NDCG.name}
        ]
        yield f"- **{arm.name}** is " + "; ".join(told) + "."


def _draw_reached(pooled: Pooled) -> Figure:
    arms = list(dict.fromkeys(result.arm for result in pooled.reached))
    figure = figures.figure(8.0, 0.45 * len(arms) + 1.4)
    for column, measure in enumerate((MAP, NDCG)):
        axes = figure.add_subplot(1, 2, column + 1)
        own = {result.arm: result for result in pooled.reached if result.measure == measure.name}
        for row, arm in enumerate(arms):
            if arm not in own:
                continue
            interval = own[arm].interval
            axes.plot([interval.low, interval.high], [row, row], color=_COLOURS[column], lw=2)
            axes.plot(interval.mean, row, "o", color=_COLOURS[column])
            seeds = own[arm].by_seed
            axes.plot(seeds, [row + 0.25] * len(seeds), "|", color="0.4", ms=6)
        axes.set_yticks(range(len(arms)), arms if column == 0 else [""] * len(arms))
        axes.invert_yaxis()
        axes.set_xlabel(f"{measure.name}, text to audio, test")
        axes.grid(axis="x", color="0.9")
    figure.supxlabel("dot and line: mean, 95 % interval over queries; ticks: seeds", fontsize=8)
    return figure


def _draw_differences(pooled: Pooled) -> Figure:
    shown = [gap for gap in pooled.differences if gap.measure in {MAP.name, NDCG.name}]
    rows = list(dict.fromkeys((gap.arm, gap.against) for gap in shown))
    figure = figures.figure(8.0, 0.38 * len(rows) + 1.4)
    axes = figure.add_subplot()
    for offset, measure, colour in zip((-0.12, 0.12), (MAP, NDCG), _COLOURS, strict=True):
        own = {(gap.arm, gap.against): gap for gap in shown if gap.measure == measure.name}
        at = [row + offset for row, pair in enumerate(rows) if pair in own]
        found = [own[pair].interval for pair in rows if pair in own]
        axes.hlines(at, [span.low for span in found], [span.high for span in found], colour, lw=2)
        axes.plot([span.mean for span in found], at, "o", color=colour, label=measure.name)
    axes.axvline(0.0, color="0.3", lw=1)
    axes.set_yticks(range(len(rows)), [f"{arm} − {against}" for arm, against in rows])
    axes.invert_yaxis()
    axes.set_xlabel("difference on test recordings, 95 % interval")
    axes.grid(axis="x", color="0.9")
    axes.legend()
    return figure
