"""``python -m training rate``: ratings for recordings that nobody has rated."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.arguments import add_folders, whole
from training.data.cache import LogMelCache
from training.data.contents import CONTENTS, Contents, read_contents, write_contents
from training.data.manifest import load_manifest, write_manifest
from training.data.ontology import Ontology, load_class_nodes
from training.data.progress import shown
from training.data.records import Caption, Manifest, Rating, RatingKind, Split
from training.model.text_tower import embed_texts
from training.ratings.lists import rated_lists
from training.ratings.rater_fit import (
    PEOPLE,
    fit,
    fit_semantic,
    log_likelihood,
    read_pairs,
    side_by_side,
)
from training.ratings.raters import RESOURCE, draw_raters, load_model
from training.ratings.relevance import Judge, meanings
from training.ratings.simulated_lists import ITEMS, Asked, Pool, chance, simulated, some
from training.ratings.teacher import Teacher, choose, estimated, standing

_RATERS = 8
_HIGH = 50.0
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
    add_folders(parser, manifest="runs/mixed", output="runs/rated", cache="runs/cache")
    told = "may be given twice (simulated)"
    names = [kind.value for kind in _KINDS]
    parser.add_argument("--kind", action="append", choices=names, help=told)
    told = "at most so many lists a split and kind; all if left out"
    parser.add_argument("--lists", type=whole(1), metavar="N", help=told)
    parser.add_argument("--items", type=whole(1), default=ITEMS, metavar="N", help="of a list (12)")
    parser.add_argument(
        "--raters", type=whole(1), default=_RATERS, metavar="N", help="simulated (8)"
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N")
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
    known = {rating.rater for rating in manifest.ratings}
    if again := sorted({rating.rater for rating in made} & known):
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
        content.recording: content
        for content in contents
        if all(judge.knows(p.caption) for p in content.parts)
    }
    named = meanings(manifest, {content.recording: content for content in contents})
    clear = {caption: meaning for caption, meaning in named.items() if judge.understands(meaning)}
    written = {caption.id: caption.recording for caption in manifest.captions}
    raters = draw_raters(model, arguments.raters, np.random.default_rng([arguments.seed, 0]))
    ratings: list[Rating] = []
    for split in Split:
        pool = Pool(split, manifest.recordings, known)
        asked = [Asked(caption, meaning, written[caption]) for caption, meaning in clear.items()]
        wanted = [question for question in asked if pool.can_answer(question)]
        for question in some(wanted, arguments.lists, arguments.seed, split):
            rated = simulated(
                pool, question, judge, model, raters, items=arguments.items, seed=arguments.seed
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
    splits = {clip.id: clip.split for clip in manifest.recordings}
    wanted: dict[Split, list[Caption]] = {}
    fitting = {(caption, splits[recording]) for caption, recording in positives}
    for split in Split:
        asked = [
            Asked(caption.id, ()) for caption in manifest.captions if (caption.id, split) in fitting
        ]
        drawn = {
            question.caption for question in some(asked, arguments.lists, arguments.seed, split)
        }
        wanted[split] = [caption for caption in manifest.captions if caption.id in drawn]
    texts = dict.fromkeys(caption.text for captions in wanted.values() for caption in captions)
    rows = dict(zip(texts, embed_texts(list(texts), arguments.cache), strict=True)) if texts else {}
    ratings: list[Rating] = []
    unreadable = 0
    for split, captions in wanted.items():
        own = [clip for clip in manifest.recordings if clip.split is split]
        if not captions:
            continue
        embedded = teacher.hear(shown(cache.load(own), f"listening to {split}", len(own)))
        for lost in embedded.unreadable:
            print(f"left out: {lost.recording}: {lost.reason}")
        unreadable += len(embedded.unreadable)
        if not embedded.recordings:
            continue
        asked_for = np.stack([rows[caption.text] for caption in captions])
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
    split_of = {clip.id: clip.split for clip in manifest.recordings}
    print(
        f"{'kind':<11}{'split':<12}{'lists':>7}{'ratings':>9}{'mean':>7}{'zeros':>7}{'from 50':>9}"
    )
    for kind in _KINDS:
        for split in Split:
            own = [r for r in made if r.kind is kind and split_of[r.recording] is split]
            if not own:
                continue
            values = np.array([rating.rating for rating in own])
            lists = rated_lists(own)
            high = np.mean([sum(value >= _HIGH for value in rated.ratings) for rated in lists])
            print(
                f"{kind:<11}{split:<12}{len(lists):>7}{len(own):>9}{values.mean():>7.1f}"
                f"{(values == 0.0).mean():>7.3f}{high:>9.1f}"
            )
    raters = Counter(rating.rater for rating in made)
    print(f"raters: {', '.join(f'{name} {count}' for name, count in sorted(raters.items()))}")
