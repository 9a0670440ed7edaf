"""What chosen ratings are worth: tables, figures and what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.arrays import Values
from training.data.files import write_text
from training.data.markdown import document, table
from training.data.records import Split
from training.evaluation.significance import bootstrap_interval, holm, paired_permutation
from training.ratings.selection import Rule, Settings
from training.studies import figures
from training.studies.figures import Figure
from training.studies.selection.simulation import Look, Plan, World

REPORT = "selection.md"
_GAIN, _RELEVANCE = "selection-ndcg.png", "selection-relevance.png"
_TOLD = {
    Rule.RANDOM: "captions and recordings at random",
    Rule.FARTHEST: "the farthest captions, and for each the farthest recordings",
    Rule.MISMATCH: "where the two views differ most, either way",
    Rule.MISMATCH_FARTHEST: "among three times as many that differ most the farthest; shares",
    Rule.HIGHEST: "captions at random, recordings that the model expects most of",
    Rule.MEDOID_MISMATCH: "captions that stand for most others, recordings that the model expects "
    "more of than ratings nearby do; shares",
    Rule.MEDOID_HIGHEST: "captions that stand for most others, recordings that the model expects "
    "most of; shares: the default",
}
_STYLES = {
    Rule.FARTHEST: (figures.GREEN, "s"),
    Rule.MISMATCH: (figures.YELLOW, "^"),
    Rule.MISMATCH_FARTHEST: (figures.PINK, "D"),
    Rule.HIGHEST: (figures.SKY, "v"),
    Rule.MEDOID_MISMATCH: (figures.ORANGE, "P"),
    Rule.MEDOID_HIGHEST: (figures.BLUE, "o"),
    Rule.RANDOM: (figures.GREY, "x"),
}


_TRIED = (
    """\
All of it on validation recordings, with six to twelve seeds. Some forty settings were
compared there, so its column is optimistic: read that of the test recordings, which
chose nothing. They were scored twice, with the same rules and settings. The trials were
made by hand, and no command makes them again; the early ones on farthest-traversal were
compared with a random rule that asked for the same captions in every batch, which was
put right before the tables above.""",
    """\
- Mismatch-first farthest-traversal, published for labels of rare events, is what this
  began with. It taught less than random lists, with a shortlist of one and a half to
  six times what is needed, with and without shares of sources, in lists of 4 to 12. The
  farthest captions and recordings are those that resemble no others: what is learned
  of them helps little else.
- Captions and recordings were then chosen by different rules. Of recordings, for
  captions drawn at random, those that the model expects most of, or most more of than
  their neighbours do, taught more than random ones; half of the best and half at random
  a little more; mismatch either way, the farthest, and an even spread over the model's
  order did not.
- Captions that stand for most others helped early. Weighing them by mismatch undid
  that, and captions with the most mismatch taught less than random ones.
- Farthest-traversal among the most promising recordings of a list undid their gain.
- Lists of 4, 6 and 9 recordings were tried; all did better than random lists as long.
- With all training recordings as the pool, and relevance from AudioSet's ontology in
  place of raters, random lists of 6 taught next to nothing in 400 ratings: they find
  hardly anything that fits. There the highest taught no less than what the model
  expects more of than the neighbours, which decided between the two; all gains were
  small, and sure at 400 ratings only.""",
    """\
The pool above holds twelve recordings a caption, picked so that some fit; in a pool of
all recordings a random choice finds far less. What the model overlooks altogether is
asked for by no rule but the random one.""",
)
"""Before, on validation recordings only."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Looks of one rule, over seeds."""

    ratings: tuple[int, ...]
    """Asked for at each look, the first 0."""
    ndcg: Mapping[Split, Values]
    """``(seeds, looks)``."""
    relevance: Values
    """Sum of ratings, ``(seeds, looks)``."""
    found: Values
    """Share of the pool's relevance, ``(seeds, looks)``."""

    @classmethod
    def of(cls, runs: Sequence[Sequence[Look]]) -> Measured:
        """Put the looks of all seeds together."""
        return cls(
            tuple(look.ratings for look in runs[0]),
            {
                split: np.array([[look.ndcg[split] for look in run] for run in runs])
                for split in runs[0][0].ndcg
            },
            np.array([[look.relevance for look in run] for run in runs]),
            np.array([[look.found for look in run] for run in runs]),
        )

    def area(self, split: Split) -> Values:
        """Mean nDCG@10 over the ratings asked for, of each seed: the area under the curve."""
        area = np.trapezoid(self.ndcg[split], self.ratings, axis=1) / self.ratings[-1]
        return np.asarray(area, dtype=np.float64)


def write(
    measured: Mapping[Rule, Measured], world: World, plan: Plan, command: str, folder: Path
) -> None:
    """Write ``selection.md`` and its figures."""
    figures.save(_draw_gain(measured), folder / "figures" / _GAIN)
    figures.save(_draw_relevance(measured), folder / "figures" / _RELEVANCE)
    blocks = [*_head(world, plan, command), *tables(measured), "## What was tried", *_TRIED]
    write_text(folder / REPORT, document(blocks))


def _head(world: World, plan: Plan, command: str) -> Iterator[str]:
    asked = int(world.oracle.can_rate.any(axis=1).sum())
    pairs = int(world.oracle.can_rate.sum())
    items = Settings().items
    yield "# Which pairs people should rate next"
    yield f"Made by `{command}`; do not edit."
    yield """\
People's time is what ratings cost. `python -m training select --budget 200` chooses
the pairs that are worth it; here is how its rule was found, and what it gains over a
random choice. The ratings are **simulated** ([ratings.md](../ratings.md)): what is
shown holds for people only as far as the simulated raters are like them."""
    yield "## How"
    yield f"""\
The {pairs:,} rated pairs of the training split ({asked:,} captions, most with twelve
recordings that were picked for them) are hidden. Each seed draws {plan.captions:,} of
the captions as its pool and reveals {plan.first_lists} random lists of {items}. Then a
rule asks, in lists of {items}, until {", ".join(map(str, plan.budgets))} ratings are
known. After each batch a linear map of the captions is learned from all that is known
(ListNet, with a penalty; convex, so that it has one optimum), the rule sees the model
that results, and it is judged by nDCG@10 on the rated lists of recordings that it has
never heard. {plan.seeds} seeds; the pool and the first lists of a seed are the same
for all rules."""
    yield """\
A rule sees embeddings, sources and what it was told, never a hidden rating. *The two
views* are what the model's cosines let expect (isotonic regression on the known
ratings) and what the ratings of near captions and recordings do."""
    yield table(("rule", "asks for"), _TOLD.items())


def tables(measured: Mapping[Rule, Measured]) -> Iterator[str]:
    """What was learned and found, as Markdown, block by block."""
    yield "## What the model learns"
    yield """\
*Area* is the mean nDCG@10 over the ratings asked for. *Against random*: difference of
areas of the same seed, with its 95 % bootstrap interval over seeds, permutation test,
Holm over the rules. All seeds are judged on the same held-out recordings."""
    for split in measured[Rule.RANDOM].ndcg:
        yield from _learned(measured, split)
    yield f"![nDCG@10 more than with random ratings](figures/{_GAIN})"
    yield "## What is found"
    yield "Mean of the ratings asked for, and the share of all relevance of the pool among them."
    marks = measured[Rule.RANDOM].ratings[1:]
    rows = []
    for rule, looks in measured.items():
        means = (looks.relevance[:, 1:] / np.array(marks)).mean(axis=0)
        found = f"{100 * looks.found[:, -1].mean():.1f} %"
        rows.append((rule, *(f"{mean:.1f}" for mean in means), found))
    yield table(("rule", *(f"first {at}" for at in marks), "found at the end"), rows)
    yield f"![Mean rating of what was asked for](figures/{_RELEVANCE})"
    yield "## What it shows"
    yield "\n".join(
        line for split in measured[Rule.RANDOM].ndcg for line in _shown(measured, split)
    )


def _learned(measured: Mapping[Rule, Measured], split: Split) -> Iterator[str]:
    chance = measured[Rule.RANDOM]
    told = "on which the rule was chosen" if split is Split.VALIDATION else "not used to choose"
    yield f"{split.value.capitalize()} recordings, {told}:"
    others = [rule for rule in measured if rule is not Rule.RANDOM]
    raw = [
        paired_permutation(measured[rule].area(split), chance.area(split), seed=0)
        for rule in others
    ]
    adjusted = dict(zip(others, zip(raw, holm(raw), strict=True), strict=True))
    rows = []
    for rule, looks in measured.items():
        cells = [f"{mean:.4f}" for mean in looks.ndcg[split].mean(axis=0)]
        cells.append(f"{looks.area(split).mean():.4f}")
        against = ["", "", "", ""]
        if rule is not Rule.RANDOM:
            found = bootstrap_interval(looks.area(split) - chance.area(split), seed=0)
            sure = "**" if found.low > 0.0 or found.high < 0.0 else ""
            against = [f"{sure}{found.mean:+.4f}{sure}", f"[{found.low:+.4f}, {found.high:+.4f}]"]
            against += [f"{p:.4f}" for p in adjusted[rule]]
        rows.append((rule, *cells, *against))
    marks = map(str, chance.ratings)
    yield table(("rule", *marks, "area", "against random", "interval", "p", "Holm"), rows)


def _shown(measured: Mapping[Rule, Measured], split: Split) -> Iterator[str]:
    """Sentences that follow from the numbers, whichever way these turn out."""
    chance, ours = measured[Rule.RANDOM], measured[Settings().rule]
    marks = chance.ratings
    curve, first = chance.ndcg[split].mean(axis=0), float(ours.ndcg[split][:, 1].mean())
    reached = np.flatnonzero(curve >= first)
    told = f"more than the {marks[-1]}"
    if len(reached):
        at = max(1, int(reached[0]))
        share = (first - curve[at - 1]) / max(curve[at] - curve[at - 1], np.finfo(float).tiny)
        told = f"about {marks[at - 1] + max(0.0, share) * (marks[at] - marks[at - 1]):.0f}"
    yield f"- {split.value}: the first {marks[1]} ratings that {Settings().rule} asks for teach as"
    yield f"  much as {told} random ones."
    for at in (1, len(marks) - 1):
        found = bootstrap_interval((ours.ndcg[split] - chance.ndcg[split])[:, at], seed=0)
        sure = "not surely different"
        if found.low > 0.0 or found.high < 0.0:
            sure = "better" if found.low > 0.0 else "worse"
        yield f"  After {marks[at]} it is {sure}: {found.mean:+.4f} [{found.low:+.4f},"
        yield f"  {found.high:+.4f}] nDCG@10."


def _draw_gain(measured: Mapping[Rule, Measured]) -> Figure:
    splits = tuple(measured[Rule.RANDOM].ndcg)
    figure = figures.figure(8.0, 3.6)
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for axes, split in zip(panels, splits, strict=True):
        chance = measured[Rule.RANDOM]
        axes.axhline(0.0, color="0.3", lw=1)
        for number, (rule, (colour, mark)) in enumerate(_STYLES.items()):
            if rule is Rule.RANDOM:
                continue
            more = measured[rule].ndcg[split] - chance.ndcg[split]
            found = [bootstrap_interval(more[:, at], seed=0) for at in range(1, more.shape[1])]
            at = np.array(chance.ratings[1:]) * 1.025 ** (number - 2.5)
            style = {"color": colour, "marker": mark, "ms": 4, "lw": 1.2, "label": rule.value}
            figures.points(axes, at, [span.mean for span in found], found, **style)
        axes.set_xscale("log")
        axes.set_xticks(chance.ratings[1:], [str(rating) for rating in chance.ratings[1:]])
        axes.minorticks_off()
        axes.set_xlabel("ratings asked for")
        axes.set_title(split.value)
        axes.grid(axis="y", color="0.9")
    panels[0].set_ylabel("nDCG@10 more than random")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=8)
    return figure


def _draw_relevance(measured: Mapping[Rule, Measured]) -> Figure:
    figure = figures.figure(8.0, 3.2)
    axes = figure.add_subplot()
    marks = np.array(measured[Rule.RANDOM].ratings[1:])
    for rule, (colour, mark) in _STYLES.items():
        means = (measured[rule].relevance[:, 1:] / marks).mean(axis=0)
        axes.plot(marks, means, color=colour, marker=mark, ms=5, lw=1.2, label=rule.value)
    axes.set_xscale("log")
    axes.set_xticks(marks, [str(mark) for mark in marks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("ratings asked for")
    axes.set_ylabel("their mean, of 100")
    axes.grid(axis="y", color="0.9")
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
