"""The experiment's report: tables, figures, and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.drawing import Figure, save
from training.experiment.arms import BINARY, CONTINUOUS
from training.experiment.pool import MAP, MEASURES, NDCG
from training.experiment.run import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from training.experiment.pool import Difference, Pooled, Reached
    from training.experiment.run import Plan

REPORT = "joint-loss.md"
_REACHED, _DIFFERENCES = "joint-loss-reached.png", "joint-loss-differences.png"
_COLOURS = ("#0072b2", "#d55e00")
"""Blue and vermilion of Okabe and Ito's palette: told apart by everybody."""


def write(plan: Plan, pooled: Pooled, command: str, folder: Path) -> None:
    """Write ``joint-loss.md`` and its figures."""
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    _draw_reached(pooled, figures / _REACHED)
    _draw_differences(pooled, figures / _DIFFERENCES)
    text = "\n".join(_lines(plan, pooled, command))
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def _lines(plan: Plan, pooled: Pooled, command: str) -> Iterator[str]:
    config = plan.config
    yield "# Labels and ratings at once: what the joint loss is worth"
    yield ""
    yield f"Made by `{command}`; do not edit. The method is that of arXiv 2408.14939: one dual"
    yield "encoder, InfoNCE on labels and ListNet on graded relevance. All arms start from the"
    yield "same model, hear the same windows and differ only in what they learn from."
    yield ""
    yield "The ratings that are learned from and judged by are **simulated**"
    yield "([ratings.md](../ratings.md)): the recordings at hand have none by people. What is"
    yield "shown here holds for people only as far as the simulated raters are like them."
    yield ""
    yield "## Arms"
    yield ""
    yield "| arm | learns from |"
    yield "|---|---|"
    yield from (f"| {arm.name} | {arm.told} |" for arm in plan.arms)
    yield ""
    yield f"Seeds: {', '.join(map(str, plan.seeds))}. Steps: {config.steps} at most, the model of"
    yield "the best validation (mean of mAP@10 and nDCG@10) is judged, on test recordings of"
    yield "other sources. The seed decides windows, augmentation and batches."
    yield ""
    yield from _reached(plan, pooled)
    yield from _differences(plan, pooled)
    yield "## What it shows"
    yield ""
    yield from _shown(plan, pooled)


def _reached(plan: Plan, pooled: Pooled) -> Iterator[str]:
    yield "## What they reach"
    yield ""
    yield "Mean over seeds with its 95 % bootstrap interval over groups of queries; ± is the"
    yield "standard deviation over seeds. Captions that fit the same recordings are one group."
    yield ""
    names = [one.name for one in MEASURES if one.name in pooled.groups]
    yield "| arm | " + " | ".join(names) + " |"
    yield "|---|" + "---|" * len(names)
    for arm in (START, *(one.name for one in plan.arms)):
        own = {one.measure: one for one in pooled.reached if one.arm == arm}
        yield f"| {arm} | " + " | ".join(_cell(own[name]) for name in names) + " |"
    counted = ", ".join(f"{name} {pooled.queries[name]} in {pooled.groups[name]}" for name in names)
    yield ""
    yield f"Queries in groups: {counted}."
    yield ""
    yield f"![Reached](figures/{_REACHED})"
    yield ""


def _differences(plan: Plan, pooled: Pooled) -> Iterator[str]:
    yield "## Differences"
    yield ""
    yield "Paired over groups of queries: 95 % bootstrap interval, permutation test, Holm over all"
    yield "rows. *Seeds*: in how many the first is better."
    yield ""
    yield "| arm | against | measure | difference | interval | p | Holm | seeds |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (_row(one, len(plan.seeds)) for one in pooled.differences)
    yield ""
    yield f"![Differences](figures/{_DIFFERENCES})"
    yield ""


def _cell(one: Reached) -> str:
    spread = f" ±{np.std(one.by_seed, ddof=1):.3f}" if len(one.by_seed) > 1 else ""
    interval = one.interval
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]{spread}"


def _row(one: Difference, seeds: int) -> str:
    interval = one.interval
    sure = "**" if interval.low > 0.0 or interval.high < 0.0 else ""
    return (
        f"| {one.arm} | {one.against} | {one.measure} | {sure}{interval.mean:+.4f}{sure} "
        f"| [{interval.low:+.4f}, {interval.high:+.4f}] | {one.p:.4f} | {one.p_holm:.4f} "
        f"| {one.better_seeds} of {seeds} |"
    )


def _shown(plan: Plan, pooled: Pooled) -> Iterator[str]:
    """Sentences that follow from the numbers, whichever way these turn out."""
    for arm in plan.arms:
        if not arm.joint:
            continue
        told = [
            f"{_verdict(one)} than {one.against} by {one.measure} "
            f"({one.interval.mean:+.3f} [{one.interval.low:+.3f}, {one.interval.high:+.3f}])"
            for one in pooled.differences
            if one.arm == arm.name
            and one.against in {BINARY, CONTINUOUS}
            and one.measure in {MAP.name, NDCG.name}
        ]
        yield f"- **{arm.name}** is " + "; ".join(told) + "."


def _verdict(one: Difference) -> str:
    if one.interval.low > 0.0:
        return "better"
    return "worse" if one.interval.high < 0.0 else "not surely better or worse"


def _draw_reached(pooled: Pooled, path: Path) -> None:
    arms = list(dict.fromkeys(one.arm for one in pooled.reached))
    figure = Figure(figsize=(8.0, 0.45 * len(arms) + 1.4), layout="constrained")
    for column, measure in enumerate((MAP, NDCG)):
        axes = figure.add_subplot(1, 2, column + 1)
        own = {one.arm: one for one in pooled.reached if one.measure == measure.name}
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
    save(figure, path)


def _draw_differences(pooled: Pooled, path: Path) -> None:
    shown = [one for one in pooled.differences if one.measure in {MAP.name, NDCG.name}]
    rows = list(dict.fromkeys((one.arm, one.against) for one in shown))
    figure = Figure(figsize=(8.0, 0.38 * len(rows) + 1.4), layout="constrained")
    axes = figure.add_subplot()
    for offset, measure, colour in zip((-0.12, 0.12), (MAP, NDCG), _COLOURS, strict=True):
        own = {(one.arm, one.against): one for one in shown if one.measure == measure.name}
        at = [row + offset for row, pair in enumerate(rows) if pair in own]
        found = [own[pair].interval for pair in rows if pair in own]
        axes.hlines(at, [one.low for one in found], [one.high for one in found], colour, lw=2)
        axes.plot([one.mean for one in found], at, "o", color=colour, label=measure.name)
    axes.axvline(0.0, color="0.3", lw=1)
    axes.set_yticks(range(len(rows)), [f"{arm} − {against}" for arm, against in rows])
    axes.invert_yaxis()
    axes.set_xlabel("difference on test recordings, 95 % interval")
    axes.grid(axis="x", color="0.9")
    axes.legend()
    save(figure, path)
