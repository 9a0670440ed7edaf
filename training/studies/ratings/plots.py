"""The figures of the analysis: PNG files, readable at the width of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from training.studies.figures import BLUE, GREEN, GREY, ORANGE, Axes, Figure, save
from training.studies.ratings.findings import Finding, HumanFindings, Lists, ModelFindings

_STEPS = ("#BDBDBD", "#9ECAE1", "#4292C6", "#08306B")
_WIDTH_IN = 7.2
_DPI = 150
_CLASSES = 14
"""Rows of the comparison of languages."""
_CLEAR = 0.05
"""Adjusted p-value below which a point is filled."""


def draw(human: HumanFindings, model: ModelFindings, folder: Path) -> tuple[str, ...]:
    """Draw all figures for which there is anything; returns their file names in order."""
    pictures: dict[str, Callable[[], Figure] | None] = {
        "values": lambda: _values(human.lists),
        "nearness": lambda: _nearness(human.lists),
        "budget": lambda: _budget(human.lists),
        "captions": (lambda: _forest(human.captions, "Spearman's ρ")) if human.captions else None,
        "items": (lambda: _forest(human.items, "Kendall's τ within a list"))
        if human.items
        else None,
        "sound": (lambda: _forest(model.sound, "Spearman's ρ with the margin"))
        if model.sound
        else None,
        "sets": lambda: _sets(model),
        "languages": (lambda: _languages(model)) if model.classes else None,
    }
    drawn = []
    for name, picture in pictures.items():
        if picture is not None:
            drawn.append(f"ratings-{name}.png")
            save(picture(), folder / drawn[-1], _DPI)
    return tuple(drawn)


def _figure(height_in: float) -> Figure:
    figure = Figure(figsize=(_WIDTH_IN, height_in))
    figure.set_layout_engine("constrained", w_pad=0.09, h_pad=0.06)
    return figure


def _plain(axes: Axes, *, grid: str = "y") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x" if grid == "x" else "y", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)


def _values(lists: Lists) -> Figure:
    figure = _figure(3.0)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    labels = ["0", *(f"{10 * n + 1}-{10 * n + 10}" for n in range(10))]
    places = np.arange(len(labels))
    width = 0.21
    for at, ((name, counts), colour) in enumerate(
        zip(lists.histogram, (BLUE, GREEN, ORANGE, GREY), strict=True)
    ):
        share = 100.0 * np.array(counts) / max(sum(counts), 1)
        left.bar(places + (at - 1.5) * width, share, width, label=name, color=colour)
    left.set_xticks(places, labels, rotation=60)
    left.set_xlabel("rating")
    left.set_ylabel("share of the group (%)")
    left.legend(frameon=False)
    _plain(left)
    most = max(lists.zeros_each)
    right.hist(lists.zeros_each, bins=np.arange(-0.5, most + 1.5), color=BLUE, rwidth=0.85)
    right.set_xlabel("ratings of 0 in a list")
    right.set_ylabel("lists")
    _plain(right)
    return figure


def _nearness(lists: Lists) -> Figure:
    figure = _figure(3.4)
    axes = figure.subplots()
    groups = [group for group in lists.groups if group.rows]
    near = [group for group in lists.nearness if group.rows]
    rows = [*groups, *near]
    names = [group.name for group in groups] + [f"first five: {group.name}" for group in near]
    # The second part stands apart: it is the second bar again, by nearness.
    places = np.arange(len(rows), 0, -1) - 0.5 * (np.arange(len(rows)) >= len(groups))
    done = np.zeros(len(rows))
    for name, colour, share in (
        ("0", _STEPS[0], [row.zero for row in rows]),
        ("1-19", _STEPS[1], [row.low for row in rows]),
        ("20-49", _STEPS[2], [row.middle for row in rows]),
        ("50-100", _STEPS[3], [row.high for row in rows]),
    ):
        values = 100.0 * np.array(share)
        axes.barh(places, values, left=done, color=colour, label=name, height=0.75)
        for place, value, start in zip(places, values, done, strict=True):
            if value >= 4.0:  # noqa: PLR2004 - a narrower bar has no room for its number
                dark = colour in _STEPS[2:]
                axes.text(
                    start + value / 2,
                    place,
                    f"{value:.0f}",
                    ha="center",
                    va="center",
                    color="white" if dark else "black",
                    fontsize=8,
                )
        done += values
    axes.set_yticks(places, names)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the ratings (%)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(title="rating", loc="outside right center", frameon=False)
    return figure


def _budget(lists: Lists) -> Figure:
    figure = _figure(2.9)
    left, right = figure.subplots(1, 2)
    counts = [budget.candidates for budget in lists.budgets]
    for axes, nearest, random, label in (
        (left, "nearest", "random", "candidates ≥ 50 found (%)"),
        (right, "ordered_nearest", "ordered_random", "pairs in order (%)"),
    ):
        for field, colour, style, name in (
            (nearest, BLUE, "o-", "nearest by text"),
            (random, ORANGE, "s--", "drawn at random"),
        ):
            values = [100.0 * getattr(budget, field) for budget in lists.budgets]
            axes.plot(counts, values, style, color=colour, markersize=4, label=name)
        axes.set_xlabel("candidates rated in each list")
        axes.set_ylabel(label)
        axes.set_ylim(0, 103)
        axes.set_xticks(counts[:: max(1, len(counts) // 7)])
        _plain(axes)
    left.legend(frameon=False)
    return figure


def _forest(findings: Sequence[Finding], measure: str) -> Figure:
    """A panel for each outcome, a row for each property; filled where it is told from 0."""
    outcomes = list(dict.fromkeys(finding.outcome for finding in findings))
    properties = list(dict.fromkeys(finding.property for finding in findings))
    columns = 2 if len(outcomes) in {2, 4} else min(len(outcomes), 3)
    rows = -(-len(outcomes) // columns)
    figure = _figure(rows * (0.24 * len(properties) + 0.75) + 0.3)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    place = {name: len(properties) - at for at, name in enumerate(properties)}
    for axes, outcome in zip(panels.flat, outcomes, strict=False):
        axes.axvline(0.0, color="black", linewidth=0.8)
        for shown in (finding for finding in findings if finding.outcome == outcome):
            reach, at = shown.association, place[shown.property]
            axes.plot([reach.low, reach.high], [at, at], color=BLUE, linewidth=1.4)
            face = BLUE if shown.p_holm < _CLEAR else "white"
            axes.plot(reach.value, at, "o", color=BLUE, markerfacecolor=face, markersize=5)
        axes.set_title(textwrap.fill(outcome, 26), fontsize=9)
        _plain(axes, grid="x")
        axes.tick_params(axis="y", length=0)
    for axes in panels.flat[len(outcomes) :]:
        axes.set_visible(False)
    # Where the last row is not full the panels above its gaps end their columns.
    for at, axes in enumerate(panels.flat[: len(outcomes)]):
        if at + columns >= len(outcomes):
            axes.tick_params(axis="x", labelbottom=True)
    panels[0, 0].set_yticks(list(place.values()), list(place))
    panels[0, 0].set_ylim(0.4, len(properties) + 0.6)
    figure.supxlabel(f"{measure}, 95 % interval (filled: told from 0 after Holm)", fontsize=9)
    return figure


def _sets(model: ModelFindings) -> Figure:
    figure = _figure(0.3 * len(model.sets) + 0.9)
    axes = figure.subplots()
    places = np.arange(len(model.sets))[::-1]
    for place, mean in zip(places, model.sets, strict=True):
        colour = ORANGE if mean.name.endswith(", ja") else BLUE
        if mean.interval is not None:
            axes.plot([mean.interval.low, mean.interval.high], [place] * 2, color=colour)
        axes.plot(mean.mean, place, "s" if colour == ORANGE else "o", color=colour, markersize=5)
    names = [f"{mean.name} ({mean.rows:,}; {mean.clusters})" for mean in model.sets]
    axes.set_yticks(places, names)
    axes.set_title("set, language (recordings; sources)", fontsize=9, loc="left")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("mean margin (cosine), 95 % interval")
    _plain(axes, grid="x")
    return figure


def _languages(model: ModelFindings) -> Figure:
    """The classes whose languages differ most, those where English is ahead first."""
    most = sorted(model.classes, key=lambda row: -abs(row[1] - row[2]))[:_CLASSES]
    rows = sorted(most, key=lambda row: row[1] - row[2])
    figure = _figure(0.26 * len(rows) + 1.0)
    axes = figure.subplots()
    places = np.arange(len(rows))
    english, japanese = (np.array([row[at] for row in rows]) for at in (1, 2))
    axes.hlines(places, english, japanese, color=GREY, linewidth=1.0)
    axes.plot(english, places, "o", color=BLUE, label="English captions")
    axes.plot(japanese, places, "s", color=ORANGE, label="Japanese captions")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(places, [row[0] for row in rows])
    axes.set_xlabel("mean margin of the class (cosine)")
    _plain(axes, grid="x")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure
