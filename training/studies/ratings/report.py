"""The report in Markdown, and the same findings for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.data.files import write_json
from training.data.markdown import document, table
from training.studies.ratings import words
from training.studies.ratings.findings import (
    Finding,
    GroupRatings,
    HumanFindings,
    Lists,
    Mean,
    ModelFindings,
    Regression,
)
from training.studies.ratings.published import OTHER, UNRELATED
from training.studies.ratings.words import signed

FIGURES = "figures"
CLEAR = 0.05
_BUDGETS = (1, 3, 5, 8, 10, 15)


@dataclass(frozen=True, slots=True)
class Run:
    """How the findings were made."""

    model: str
    clotho: bool
    own_captions: int
    seed: int

    def command(self) -> str:
        """What to type to make them again."""
        parts = ["python -m training analyse", f"--model {self.model}"]
        parts += ["--clotho FOLDER"] if self.clotho else []
        parts += [f"--own-captions {self.own_captions}"] if self.own_captions > 1 else []
        parts += [f"--seed {self.seed}"] if self.seed else []
        return " ".join([*parts, "--docs docs/experiments"])


def write(
    human: HumanFindings,
    model: ModelFindings,
    left_out: Sequence[str],
    run: Run,
    drawn: Sequence[str],
) -> str:
    """The whole report."""

    def picture(name: str) -> list[str]:
        file = f"ratings-{name}.png"
        return [f"![{words.PICTURES[name]}]({FIGURES}/{file})"] if file in drawn else []

    lists = human.lists
    blocks = [words.TITLE, words.INTRODUCTION.format(command=run.command())]
    blocks += ["## What the ratings are", *_about_lists(lists)]
    blocks += [*_groups(lists.groups), *picture("values")]
    blocks += ["## Zeros", *_about_zeros(lists)]
    blocks += ["## Nearness by text", words.NEARNESS.format(count=run.own_captions)]
    blocks += [*_groups(lists.nearness), *picture("nearness")]
    blocks += ["## Fewer candidates", *_budget(lists), *picture("budget")]
    blocks += ["## Captions and ratings", words.CAPTIONS, *_findings(human.captions)]
    blocks += [*picture("captions"), words.CAPTION_EFFECTS, *_effects(human.caption_effects)]
    blocks += ["## Recordings and ratings", words.ITEMS, *_findings(human.items)]
    blocks += [*picture("items"), words.ITEM_EFFECTS, *_effects(human.item_effects)]
    about = words.MODEL.format(recordings=f"{model.recordings:,}", sources=f"{model.sources:,}")
    blocks += ["## The model on recordings", about]
    blocks += ["### Loudness and spectrum", words.SOUND, *_findings(model.sound)]
    blocks += [*picture("sound"), "### Wording of captions", words.WORDING]
    blocks += _findings(model.captions)
    blocks += _means(model.kinds, ("caption, language", "captions", "classes"))
    blocks += ["### Language", *_languages(model), *picture("languages")]
    blocks += ["### Source", words.SOURCES]
    blocks += _means(model.sets, ("set, language", "recordings", "sources"))
    blocks += [*picture("sets"), *_authors(model), "## How it was counted", words.METHOD]
    blocks += ["## What was left out", *_left_out(left_out)]
    return document(blocks)


def write_findings(human: HumanFindings, model: ModelFindings, path: Path) -> None:
    """Write the same findings for programs; numbers that do not exist are ``null``."""
    content = {"human": _plain(asdict(human)), "model": _plain(asdict(model))}
    write_json(path, content, indent=1)


def _about_lists(lists: Lists) -> list[str]:
    zeros = lists.zeros_each
    return [
        words.LISTS.format(
            lists=lists.lists,
            pairs=f"{lists.pairs:,}",
            near=_percent(lists.ordered_near),
            far=_percent(lists.ordered_far),
            ordered=_percent(lists.ordered),
            zero=_percent(lists.tied_at_zero),
            elsewhere=_percent(lists.tied_elsewhere),
            median=zeros[len(zeros) // 2],
            least=zeros[len(zeros) // 10],
            most=zeros[len(zeros) * 9 // 10],
            top=_percent(lists.own_on_top),
            above=_percent(lists.above_own),
        )
    ]


def _about_zeros(lists: Lists) -> list[str]:
    by_name = {group.name: group for group in lists.groups}
    if not {UNRELATED, OTHER} <= by_name.keys():
        return ["The lists hold no unrelated recordings to compare zeros with."]
    unrelated, other = by_name[UNRELATED], by_name[OTHER]
    return [
        words.ZEROS.format(
            unrelated=_percent(unrelated.zero),
            hardly=_percent(unrelated.hardly),
            other=_percent(other.zero),
            other_hardly=_percent(other.hardly),
            other_fit=_percent(other.middle + other.high),
            fit=_percent(unrelated.middle + unrelated.high),
        )
    ]


def _groups(groups: Iterable[GroupRatings]) -> list[str]:
    rows = [
        (
            group.name,
            str(group.rows),
            *(_percent(share) for share in (group.zero, group.low, group.middle, group.high)),
            "–" if group.mean_above_zero is None else f"{group.mean_above_zero:.1f}",
        )
        for group in groups
    ]
    heads = ("", "ratings", "0", "1-19", "20-49", "50-100", "mean above 0")
    return [table(heads, rows)]


def _budget(lists: Lists) -> list[str]:
    rows = [
        (
            str(budget.candidates),
            *(
                _percent(share)
                for share in (
                    budget.nearest,
                    budget.random,
                    budget.ordered_nearest,
                    budget.ordered_random,
                )
            ),
        )
        for budget in lists.budgets
        if budget.candidates in _BUDGETS
    ]
    heads = ("candidates", "found, nearest", "found, random", "in order, nearest", "…, random")
    enough = math.ceil((1.96 * lists.tau_sd / 0.05) ** 2)
    precision = words.PRECISION.format(sd=f"{lists.tau_sd:.2f}", enough=enough)
    return [words.BUDGET, table(heads, rows), precision]


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["Nothing could be tested; see *What was left out*."]
    outcomes = list(dict.fromkeys(finding.outcome for finding in findings))
    cells = {(finding.property, finding.outcome): finding for finding in findings}
    rows = [
        (name, *(_cell(cells.get((name, outcome))) for outcome in outcomes))
        for name in dict.fromkeys(finding.property for finding in findings)
    ]
    clear = sum(finding.p_holm < CLEAR for finding in findings)
    summary = f"Told from 0 after Holm's correction: {clear} of {len(findings)} (in bold)."
    return [table(("", *outcomes), rows), summary]


def _cell(finding: Finding | None) -> str:
    if finding is None:
        return "–"
    found = finding.association
    value = signed(found.value)
    value = f"**{value}**" if finding.p_holm < CLEAR else value
    return f"{value} [{signed(found.low)}, {signed(found.high)}]"


def _effects(regressions: Sequence[Regression]) -> list[str]:
    if not regressions:
        return ["No regression could be made; see *What was left out*."]
    names = list(dict.fromkeys(e.name for model in regressions for e in model.effects))
    cells = {(e.name, model.outcome): e for model in regressions for e in model.effects}
    rows = []
    for name in names:
        row = [name]
        for fitted in regressions:
            effect = cells.get((name, fitted.outcome))
            row.append(
                "–"
                if effect is None
                else f"{effect.value:+.1f} [{effect.low:+.1f}, {effect.high:+.1f}]"
            )
        rows.append(tuple(row))
    rows.append(("rows, lists", *(f"{model.rows}, {model.clusters}" for model in regressions)))
    return [table(("", *(model.outcome for model in regressions)), rows)]


def _languages(model: ModelFindings) -> list[str]:
    if not model.languages:
        return ["No recording has captions in two languages."]
    heads = ("margin", "recordings", "sources")
    return [words.LANGUAGES, *_means(model.languages, heads)]


def _means(means: Sequence[Mean], heads: Sequence[str]) -> list[str]:
    if not means:
        return ["Nothing to compare: no class has captions of several kinds."]
    rows = [
        (
            mean.name,
            str(mean.rows),
            str(mean.clusters),
            f"{mean.mean:+.3f}",
            "–"
            if mean.interval is None
            else f"[{mean.interval.low:+.3f}, {mean.interval.high:+.3f}]",
        )
        for mean in means
    ]
    return [table((*heads, "mean margin", "95 %"), rows)]


def _authors(model: ModelFindings) -> list[str]:
    if not model.authors:
        return ["Authors: no set has enough recordings of several authors within its classes."]
    rows = [
        (name, str(authors), f"{e.value:+.3f}", f"[{e.low:+.3f}, {e.high:+.3f}]", f"{e.p:.3f}")
        for name, authors, e in model.authors
    ]
    heads = ("set, language", "authors", "share between", "by chance", "p")
    return [words.AUTHORS, table(heads, rows)]


def _left_out(left_out: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in left_out) or "Nothing."]


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
