"""``python -m training rate``: ratings for recordings that nobody has rated."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from training.audioset import data_folder
from training.data.cache import LogMelCache
from training.data.contents import CONTENTS, read_contents, write_contents
from training.data.manifest import load_manifest, write_manifest
from training.data.records import Manifest, Rating, RatingKind, Split
from training.data.texts import embed_texts
from training.ontology import Ontology, load_class_nodes
from training.rated_lists import ITEMS, Asked, Pool, chance, simulated, some
from training.rater_check import side_by_side
from training.rater_fit import PEOPLE, fit, fit_semantic, log_likelihood, read_pairs
from training.raters import RESOURCE, draw_raters, load_model
from training.ratings import rated_lists
from training.relevance import Judge, meanings
from training.teacher import Teacher, choose, estimated, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.records import FloatArray
    from training.data.cache import Unreadable
    from training.data.contents import Contents
    from training.data.records import Caption, Recording

_RATERS = 8
_HIGH = 50.0
_MOST = 1_000_000
_KINDS = (RatingKind.SIMULATED, RatingKind.ESTIMATED)
_PARTS = {Split.TRAIN: "development", Split.VALIDATION: "validation", Split.TEST: "evaluation"}


@dataclass(frozen=True, slots=True)
class Rated:
    """Ratings of one kind, and what could not be rated."""

    ratings: list[Rating]
    left_out: Mapping[str, int]
    """Counts by what they are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training rate``."""
    parser.add_argument("--manifest", type=Path, default=Path("runs/mixed"))
    parser.add_argument("--output", type=Path, default=Path("runs/rated"))
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    told = "may be given twice (simulated)"
    names = [kind.value for kind in _KINDS]
    parser.add_argument("--kind", action="append", choices=names, help=told)
    told = "at most so many lists a split and kind; all if left out"
    parser.add_argument("--lists", type=_count, metavar="N", help=told)
    parser.add_argument("--items", type=_count, default=ITEMS, metavar="N", help="of a list (12)")
    parser.add_argument("--raters", type=_count, default=_RATERS, metavar="N", help="simulated (8)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N")
    told = "the teacher of estimated ratings"
    parser.add_argument("--model", type=Path, default=Path("runs/bootstrap/model.pt"), help=told)
    parser.add_argument("--fit", action="store_true", help="fit the simulated raters to people")
    told = "where --fit writes"
    parser.add_argument("--fitted", type=Path, default=RESOURCE, metavar="FILE", help=told)


def run(arguments: argparse.Namespace) -> int:
    """Rate, write the manifest, print what is in it; or fit."""
    if arguments.fit:
        return _fit(arguments)
    if arguments.output.resolve() == arguments.manifest.resolve():
        raise ValueError(
            f"--output {arguments.output}: is the manifest itself; name another folder"
        )
    manifest = load_manifest(arguments.manifest)
    kinds = tuple(dict.fromkeys(arguments.kind or [RatingKind.SIMULATED.value]))
    contents: tuple[Contents, ...] = ()
    # A model needs none.
    if RatingKind.SIMULATED in kinds or (arguments.manifest / CONTENTS).is_file():
        contents = read_contents(arguments.manifest, manifest)
    made: list[Rating] = []
    for kind in kinds:
        if kind == RatingKind.SIMULATED:
            rated = rate_simulated(manifest, contents, arguments)
        else:
            rated = rate_estimated(manifest, arguments)
        made += rated.ratings
        for what, count in rated.left_out.items():
            print(f"left out: {count} {what}")
    known = {one.rater for one in manifest.ratings}
    if again := sorted({one.rater for one in made} & known):
        raise ValueError(
            f"{arguments.manifest}: has ratings by {', '.join(again)} already; "
            "name a manifest without them"
        )
    everything = manifest + Manifest(ratings=tuple(made))
    write_manifest(everything, arguments.output)
    if contents:
        write_contents(contents, arguments.output, everything)
    _print(manifest, made)
    print(f"wrote {arguments.output}")
    return 0


def rate_simulated(
    manifest: Manifest, contents: Sequence[Contents], arguments: argparse.Namespace
) -> Rated:
    """Lists of every split, rated by simulated raters."""
    model = load_model(arguments.fitted)
    judge = Judge(load_class_nodes(Ontology.load(arguments.data)), model.semantic)
    known = {
        one.recording: one for one in contents if all(judge.knows(p.caption) for p in one.parts)
    }
    named = meanings(manifest, {one.recording: one for one in contents})
    clear = {one: meaning for one, meaning in named.items() if judge.understands(meaning)}
    written = {one.id: one.recording for one in manifest.captions}
    raters = draw_raters(model, arguments.raters, np.random.default_rng([arguments.seed, 0]))
    ratings: list[Rating] = []
    for split in Split:
        pool = Pool(split, manifest.recordings, known)
        asked = [Asked(one, meaning, written[one]) for one, meaning in clear.items()]
        wanted = [one for one in asked if pool.can_answer(one)]
        for one in some(wanted, arguments.lists, arguments.seed, split):
            rated = simulated(
                pool, one, judge, model, raters, items=arguments.items, seed=arguments.seed
            )
            ratings += rated
    return Rated(
        ratings,
        {
            "recordings whose contents are not known or have no nodes in class_nodes.csv": len(
                manifest.recordings
            )
            - len(known),
            "captions that name no class with nodes": len(manifest.captions) - len(clear),
        },
    )


def rate_estimated(manifest: Manifest, arguments: argparse.Namespace) -> Rated:
    """Lists of every split, rated by a model."""
    teacher = Teacher.load(arguments.model)
    cache = LogMelCache(arguments.cache / "log-mel", arguments.data)
    positives = manifest.positives()
    splits = {one.id: one.split for one in manifest.recordings}
    wanted: dict[Split, list[Caption]] = {}
    fitting = {(caption, splits[recording]) for caption, recording in positives}
    for split in Split:
        asked = [Asked(one.id, ()) for one in manifest.captions if (one.id, split) in fitting]
        drawn = {one.caption for one in some(asked, arguments.lists, arguments.seed, split)}
        wanted[split] = [one for one in manifest.captions if one.id in drawn]
    texts = dict.fromkeys(one.text for captions in wanted.values() for one in captions)
    rows = dict(zip(texts, embed_texts(list(texts), arguments.cache), strict=True)) if texts else {}
    ratings: list[Rating] = []
    unreadable = 0
    for split, captions in wanted.items():
        own = [one for one in manifest.recordings if one.split is split]
        if not captions:
            continue
        embedded = teacher.hear(_listening(cache, own, split))
        for one in embedded.unreadable:
            print(f"left out: {one.recording}: {one.reason}")
        unreadable += len(embedded.unreadable)
        if not embedded.recordings:
            continue
        asked_for = np.stack([rows[one.text] for one in captions])
        standings = standing(teacher.cosines(asked_for, embedded))
        for caption, row in zip(captions, standings, strict=True):
            rng = chance(arguments.seed, split, f"{teacher.rater} {caption.id}")
            chosen = choose(row, arguments.items, rng)
            ratings += estimated(caption.id, embedded.recordings, row, chosen, teacher.rater)
    left_out = {
        "recordings that cannot be read": unreadable,
        "captions that fit no recording": len(manifest.captions) - len({c for c, _ in fitting}),
    }
    return Rated(ratings, left_out)


def _listening(
    cache: LogMelCache, recordings: Sequence[Recording], split: Split
) -> Iterable[tuple[Recording, FloatArray | Unreadable]]:
    console = Console(stderr=True)
    return track(
        cache.load(recordings),
        f"listening to {split}",
        total=len(recordings),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _fit(arguments: argparse.Namespace) -> int:
    """Fit to the development split, check on the others, write the numbers."""
    cache = arguments.cache / "ratings"
    development = read_pairs(arguments.data, cache, Split.TRAIN)
    fitted = fit(development)
    semantic = fit_semantic(Ontology.load(arguments.data), cache)
    print(f"development: mean log-likelihood {fitted.log_likelihood:.3f}")
    shares = zip(PEOPLE, fitted.people, strict=True)
    print(f"ratings by so many people: {', '.join(f'{n}: {share:.2f}' for n, share in shares)}")
    for split in Split:
        pairs = read_pairs(arguments.data, cache, split)
        print(f"\n{_PARTS[split]}: mean log-likelihood {log_likelihood(fitted, pairs):.3f}")
        print(f"{'':<46}{'people':>9}{'simulated':>11}")
        for line in side_by_side(fitted, pairs, arguments.seed):
            print(f"{line.name:<46}{line.people:>9.3f}{line.simulated:>11.3f}")
    model = fitted.with_semantic(semantic)
    model.save(arguments.fitted)
    print(f"\n{model}\nwrote {arguments.fitted}")
    return 0


def _print(manifest: Manifest, made: Sequence[Rating]) -> None:
    """How many lists and ratings were added, and what they look like."""
    split_of = {one.id: one.split for one in manifest.recordings}
    print(
        f"{'kind':<11}{'split':<12}{'lists':>7}{'ratings':>9}{'mean':>7}{'zeros':>7}{'from 50':>9}"
    )
    for kind in _KINDS:
        for split in Split:
            own = [r for r in made if r.kind is kind and split_of[r.recording] is split]
            if not own:
                continue
            values = np.array([one.rating for one in own])
            lists = rated_lists(own)
            high = np.mean([sum(value >= _HIGH for value in one.ratings) for one in lists])
            print(
                f"{kind:<11}{split:<12}{len(lists):>7}{len(own):>9}{values.mean():>7.1f}"
                f"{(values == 0.0).mean():>7.3f}{high:>9.1f}"
            )
    raters = Counter(one.rater for one in made)
    print(f"raters: {', '.join(f'{name} {count}' for name, count in sorted(raters.items()))}")


def _seed(text: str) -> int:
    """A whole number, 0 or more.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"is {text!r}; write a whole number, 0 to {_MOST}")
    return int(text)


def _count(text: str) -> int:
    """A whole number, 1 or more.

    Raises:
        ArgumentTypeError: it is none.
    """
    if _seed(text) == 0:
        raise argparse.ArgumentTypeError(f"is {text!r}; write a whole number, 1 to {_MOST}")
    return int(text)
