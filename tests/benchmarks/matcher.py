"""100,000 recordings as prototypes: the matcher's time, recall and building, docs/benchmarks.md.

    nice -n -5 env OMP_NUM_THREADS=1 python -m tests.benchmarks.matcher --data FOLDER --cache FOLDER

The prototypes are acoustic views of real recordings (esc50-40, training), mixed with ordinary sound
and moved a little; what is looked for are windows of other recordings (validation). Every
prototype has a mapping of its own, by its cosines with the bundle's ordinary sound. Five
descriptions share the recordings of each class: far more overlap than on any site.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle import loading as bundles
from agent.core.records import Views
from agent.encoder.text import embed_texts
from agent.matcher.matcher import Contrast, Described, Matcher, PrototypeSet
from agent.matcher.recordings import Examples
from agent.watchlist.examples import Kind, Recording, join
from agent.watchlist.examples.measuring import centre_and_spread
from agent.watchlist.examples.weights import COUNTS_FROM, WEIGHT
from tests.benchmarks.few_shot_methods import EmbeddingCache, ordinary_texts
from tests.benchmarks.few_shot_sounds import Condition, Sounds
from training.data import takes
from training.data.records import Split

if TYPE_CHECKING:
    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.matcher.recordings import ExampleMatrix, Rows

_MOVED = 0.02
_ROUNDS = 4_000
_MINE = 0.6
_FIRST = 10
_SAME = 1e-5
_TOLERANCE = 0.01
_CLASSES_OWN = 5


@dataclass(frozen=True)
class Site:
    """A site that has confirmed as many sounds as it can."""

    described: list[Described]
    contrast: Contrast
    recordings: Views
    owner: Rows
    """Description of each recording."""
    windows: Views
    classes: Rows
    """Of each window."""


def site(bundle: Bundle, data: Path, cache: Path, count: int) -> Site:
    """Make the prototypes."""
    known, labels = _heard(bundle, data, cache, Split.TRAIN)
    others, classes = _heard(bundle, data, cache, Split.VALIDATION)
    names = sorted({*labels, *classes})
    ordinary = bundle.background()
    chance = np.random.default_rng(0)
    first = chance.integers(0, len(known), count)
    second = chance.integers(0, len(ordinary), count)
    share = chance.uniform(_MINE, 1.0, count)[:, None]

    def mixed(own: FloatArray, other: FloatArray) -> FloatArray:
        rows = share * own[first] + (1.0 - share) * other[second]
        rows += _MOVED * chance.standard_normal(rows.shape)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float32)

    made = Views(mixed(known.joint, ordinary.joint), mixed(known.acoustic, ordinary.acoustic))
    # Several descriptions of one class: the recordings of a class are dealt out.
    owner = np.array([names.index(labels[row]) for row in first]) * _CLASSES_OWN
    owner += first % _CLASSES_OWN
    order = np.argsort(owner, kind="stable")
    texts = embed_texts(bundle, [*names, *ordinary_texts()], cache)
    none = np.empty((0, texts.shape[1]), np.float32)
    return Site(
        [
            Described(f"{name}_{number}", texts[row][None], none)
            for row, name in enumerate(names)
            for number in range(_CLASSES_OWN)
        ],
        Contrast(texts[len(names) :], ordinary, bundle.foreground()),
        made[order],
        owner[order],
        others,
        np.array([names.index(label) for label in classes]),
    )


def _heard(bundle: Bundle, data: Path, cache: Path, split: Split) -> tuple[Views, list[str]]:
    """Windows of recordings, and the label of each."""
    embeddings, sounds = EmbeddingCache(bundle, cache), Sounds(data)
    found, labels = [], []
    for take in takes.read(data, split, sets=("esc50-40",)):
        views = embeddings.hear(sounds.heard(take, Condition.CLEAN))
        found.append(views)
        labels += [take.label] * len(views)
    embeddings.keep()
    return Views.concatenate(found), labels


def with_examples(made: Site) -> list[Described]:
    """Every recording as a prototype of its description, with full weight."""
    texts = PrototypeSet(made.described, made.contrast.texts)
    std = texts.statistics(made.contrast.cohort, made.contrast.foreground).std
    recordings = made.recordings.acoustic
    parts = [
        centre_and_spread(recordings[at : at + 4_096] @ made.contrast.cohort.acoustic.T, axis=1)
        for at in range(0, len(recordings), 4_096)
    ]
    mean, spread = (np.concatenate(one) for one in zip(*parts, strict=True))
    found = []
    for number, one in enumerate(made.described):
        rows = np.flatnonzero(made.owner == number)
        usual = np.median(spread)
        zero = mean[rows] + COUNTS_FROM * usual
        slope = np.full(len(rows), WEIGHT * std[number] / usual, np.float32)
        examples = Examples(recordings[rows], slope, -slope * zero, slope * (1.0 - zero))
        found.append(Described(one.error_id, one.texts, one.unlike, examples))
    return found


def recall(heard: ExampleMatrix, matcher: Matcher, windows: Views) -> float:
    """Share of the ten examples worth most of each window that are found, or equals of them."""
    value = heard.values(windows.acoustic @ heard.embeddings.T) / heard.most
    tenth = np.sort(value, axis=1)[:, -_FIRST][:, None]
    given = np.take_along_axis(value, matcher.nearest_examples(windows), axis=1)
    return float(np.minimum((given >= tenth - _SAME).sum(axis=1), _FIRST).mean() / _FIRST)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--cache", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--join", action="store_true", help="also weigh and check them all")
    arguments = parser.parse_args()
    bundle = bundles.load(arguments.bundle)
    made = site(bundle, arguments.data, arguments.cache, arguments.count)
    print_line = sys.stdout.write
    if arguments.join:
        began_s = time.perf_counter()
        ids = [made.described[number].error_id for number in made.owner]
        known = [
            Recording(name, str(n), Kind.EXAMPLE, made.recordings[n : n + 1], sure=False)
            for n, name in enumerate(ids)
        ]
        joined = join(made.described, made.contrast, known, np.full(len(made.described), 4.3))
        print_line(
            f"weighed and checked in {time.perf_counter() - began_s:.0f} s, "
            f"{len(joined.set_aside)} set aside\n"
        )
    prototypes = PrototypeSet(with_examples(made), made.contrast.texts)
    statistics = prototypes.statistics(made.contrast.cohort, made.contrast.foreground)
    began_s = time.perf_counter()
    matcher = Matcher(prototypes, statistics)
    print_line(
        f"{len(prototypes)} prototypes of {len(made.described)} descriptions, "
        f"built in {time.perf_counter() - began_s:.0f} s\n"
    )
    times_us = []
    for number in range(_ROUNDS):
        at = number % len(made.windows)
        window = made.windows[at : at + 1]
        began_s = time.perf_counter()
        matcher.compare(window)
        times_us.append(1e6 * (time.perf_counter() - began_s))
    p50, p99 = np.percentile(times_us, [50, 99])
    print_line(f"a window: p50 {p50:.0f} us, p99 {p99:.0f} us\n")
    step = max(1, len(made.windows) // 500)
    some, classes = made.windows[::step], made.classes[::step]
    print_line(f"recall@10 of examples: {recall(prototypes.examples, matcher, some):.4f}\n")
    exact, found = (
        (one.compare(some)[1] - statistics.mean) / statistics.std for one in (prototypes, matcher)
    )
    best = exact.argmax(axis=1)[:, None]
    off = np.take_along_axis(exact - found, best, axis=1)
    print_line(f"windows whose best score is found: {(off < _TOLERANCE).mean():.4f}\n")
    threshold = bundle.manifest.tuning.threshold
    own = classes[:, None] == np.arange(len(made.described))[None] // _CLASSES_OWN
    for name, alarms in (
        ("of the sound's own class", (exact >= threshold) & own),
        ("of other classes", (exact >= threshold) & ~own),
    ):
        print_line(
            f"scores that alarm, {name}: {alarms.sum()}, "
            f"found {(found[alarms] >= threshold).mean():.4f}\n"
        )


if __name__ == "__main__":
    main()
