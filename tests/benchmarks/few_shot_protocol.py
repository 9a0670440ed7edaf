"""What is heard once and has to be known again: trials of examples and queries, drawn by a seed.

From the test clips of ``resources/split.csv``, or from all others. *The same source*: series of at
least six clips of effects-cc and industrial-cc, and machines by time. *Other sources*: what bears
one label and was recorded elsewhere. A method is a callable; it is given a :class:`Trial` and
returns scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, product
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tests.benchmarks.few_shot_figures import FEWEST_OTHERS, figures, mean
from tests.benchmarks.few_shot_sounds import Condition, Sound, Sounds
from training.data import takes
from training.data.readers import effects
from training.data.records import Split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.benchmarks.few_shot_figures import Figures, Indices, Scores
    from training.data.takes import Take

EXAMPLES = (1, 3, 5)
SEEDS = range(20)
CLASSES = 45
"""Drawn at a time, or all where there are fewer."""
QUERIES = 5
"""Of a class, at most."""
SERIES = max(EXAMPLES) + 1
"""Clips of a series, at least: five examples and a query."""
_BY_TIME = ("vroom-lathe", "brushless-motors")
_OTHERS = ("effects-cc", "industrial-cc", "esc50-40", "everyday-cc", "cc0-impacts")
"""Sets that other sounds come from; of machines, seconds are too alike to count as sounds."""
_NUMBER = re.compile(r"[0-9]+$")


class Part(StrEnum):
    """Which clips trials are made of."""

    TEST = "test"
    DEVELOPMENT = "development"
    """Train and validation: what methods are chosen on."""


class Sources(StrEnum):
    """Where examples and queries come from."""

    SAME = "same source"
    OTHER = "other sources"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a figure is about."""

    sources: Sources
    condition: Condition
    examples: int
    """Of each class; one of :data:`EXAMPLES`."""


SETTINGS = tuple(Setting(*one) for one in product(Sources, Condition, EXAMPLES))
"""The whole protocol."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Examples of some classes, and what has to be told apart by them."""

    setting: Setting
    seed: int
    classes: tuple[str, ...]
    """Ids: label and source, or label."""
    labels: tuple[str, ...]
    """What each class is called, in English."""
    examples: tuple[tuple[Sound, ...], ...]
    """Of each class, as many of each, without noise."""
    queries: tuple[Sound, ...]
    truth: Indices
    """Class of each query, shape ``(queries,)``."""
    others: tuple[Sound, ...]
    """Sounds of no class, in the condition, at least 500."""


Method: TypeAlias = "Callable[[Trial], Scores]"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The clips of a trial before they are read."""

    classes: tuple[str, ...]
    examples: tuple[tuple[Take, ...], ...]
    """Of each class :data:`EXAMPLES`' most, in order: fewer examples are the first of them."""
    queries: tuple[tuple[Take, ...], ...]
    others: tuple[Take, ...]


def read_clips(data: Path, part: Part = Part.TEST) -> tuple[Take, ...]:
    """All clips of a part of the split that trials are made of.

    Raises:
        FileNotFoundError: a set is not in the data folder.
        ManifestError: one is damaged.
    """
    splits = [split for split in Split if (split is Split.TEST) is (part is Part.TEST)]
    return takes.read(data, *splits, sets=(*_OTHERS, *_BY_TIME))


def same_source(clips: tuple[Take, ...]) -> dict[str, tuple[Take, ...]]:
    """Series by their ids, in the order of time: a label of a group, or of a machine."""
    found: dict[str, list[Take]] = {}
    for clip in clips:
        if clip.data_set in _BY_TIME:
            found.setdefault(f"{clip.data_set}/{clip.label}", []).append(clip)
        elif clip.data_set in effects.SETS:
            found.setdefault(f"{clip.family}/{clip.label}", []).append(clip)
    return {
        name: tuple(sorted(some, key=_in_time))
        for name, some in sorted(found.items())
        if len(some) >= SERIES
    }


def other_sources(clips: tuple[Take, ...]) -> dict[str, dict[str, tuple[Take, ...]]]:
    """Clips of labels that several sources bear, by label and source."""
    found: dict[str, dict[str, list[Take]]] = {}
    for clip in clips:
        if clip.data_set not in _BY_TIME:
            found.setdefault(clip.label, {}).setdefault(clip.family, []).append(clip)
    return {
        label: {family: tuple(some) for family, some in sorted(families.items())}
        for label, families in sorted(found.items())
        if len(families) > 1
    }


def draw(
    clips: tuple[Take, ...], sources: Sources, seed: int, classes_at_most: int = CLASSES
) -> Drawn:
    """The clips of one trial.

    Of the same source, examples and queries are any clips of a series, of a machine examples of
    the first half of the time and queries of the second. Of other sources, as many as are needed
    for five examples give these, one of each in turn, and the rest queries, but at least one
    source; a label whose sources give fewer examples is tried with what there is.

    Raises:
        ValueError: there are no classes, or too few other sounds.
    """
    rng = np.random.default_rng([seed, list(Sources).index(sources)])
    series = same_source(clips) if sources is Sources.SAME else {}
    labels = other_sources(clips) if sources is Sources.OTHER else {}
    names = sorted(series or labels)
    if not names:
        raise ValueError(f"{sources}: no class has clips enough in the test split; name more sets")
    chosen = sorted(rng.permutation(len(names))[:classes_at_most].tolist())
    classes = tuple(names[number] for number in chosen)
    pairs = [
        _split_series(series[name], rng) if series else _split_label(labels[name], rng)
        for name in classes
    ]
    used = {clip.family for name in classes for clip in series.get(name, ())}
    known = {clip.label for examples, queries in pairs for clip in (*examples, *queries)}
    others = tuple(
        clip
        for clip in clips
        if clip.data_set in _OTHERS and clip.family not in used and clip.label not in known
    )
    if len(others) < FEWEST_OTHERS:
        raise ValueError(f"others: are {len(others)}; the test split needs {FEWEST_OTHERS}")
    examples, queries = zip(*pairs, strict=True)
    return Drawn(classes, examples, queries, others)


def _split_series(
    some: tuple[Take, ...], rng: np.random.Generator
) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    most = max(EXAMPLES)
    if some[0].data_set in _BY_TIME:
        half = len(some) // 2
        first, last = rng.permutation(half)[:most], half + rng.permutation(len(some) - half)
        return _of(some, first), _of(some, last[:QUERIES])
    order = rng.permutation(len(some))
    return _of(some, order[:most]), _of(some, order[most : most + QUERIES])


def _split_label(
    families: dict[str, tuple[Take, ...]], rng: np.random.Generator
) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    mixed = [_of(families[name], rng.permutation(len(families[name]))) for name in families]
    mixed = [mixed[number] for number in rng.permutation(len(mixed))]
    giving = 1
    while giving < len(mixed) - 1 and sum(map(len, mixed[:giving])) < max(EXAMPLES):
        giving += 1
    return _in_turn(mixed[:giving])[: max(EXAMPLES)], _in_turn(mixed[giving:])[:QUERIES]


def _in_turn(lists: list[tuple[Take, ...]]) -> tuple[Take, ...]:
    longest = max(map(len, lists))
    return tuple(one[at] for at in range(longest) for one in lists if at < len(one))


def _of(some: tuple[Take, ...], order: Indices) -> tuple[Take, ...]:
    return tuple(some[number] for number in order.tolist())


def _in_time(clip: Take) -> tuple[int, str]:
    number = _NUMBER.search(clip.id)
    return (int(number[0]) if number else 0, clip.id)


def trials(
    clips: tuple[Take, ...], sounds: Sounds, setting: Setting, seeds: Iterable[int] = SEEDS
) -> Iterator[Trial]:
    """Trials of a setting, a seed each.

    Classes with fewer examples are left out of a trial, with their queries.
    """
    for seed in seeds:
        drawn = _with(draw(clips, setting.sources, seed), setting.examples)
        truth = [number for number, some in enumerate(drawn.queries) for _ in some]

        def heard(some: Iterable[Take], condition: Condition) -> tuple[Sound, ...]:
            return tuple(sounds.heard(clip, condition) for clip in some)

        yield Trial(
            setting,
            seed,
            drawn.classes,
            tuple(some[0].label for some in drawn.examples),
            tuple(heard(some, Condition.CLEAN) for some in drawn.examples),
            heard(chain.from_iterable(drawn.queries), setting.condition),
            np.array(truth, np.intp),
            heard(drawn.others, setting.condition),
        )


def _with(drawn: Drawn, count: int) -> Drawn:
    able = [number for number, some in enumerate(drawn.examples) if len(some) >= count]
    return replace(
        drawn,
        classes=tuple(drawn.classes[number] for number in able),
        examples=tuple(drawn.examples[number][:count] for number in able),
        queries=tuple(drawn.queries[number] for number in able),
    )


def measured(
    method: Method,
    clips: tuple[Take, ...],
    sounds: Sounds,
    setting: Setting,
    seeds: Iterable[int] = SEEDS,
) -> Figures:
    """Mean figures of a method over all seeds."""
    drawn = trials(clips, sounds, setting, seeds)
    return mean([figures(method(trial), trial.truth) for trial in drawn])
