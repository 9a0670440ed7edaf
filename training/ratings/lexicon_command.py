"""``python -m training lexicon``: what the lexicon holds, and how it fits what a tower hears."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from agent.capture.audiofile import read_audio
from training.data import takes
from training.data.arguments import add_folders
from training.data.arrays import Values
from training.data.audioset import load_classes
from training.data.frontend import LogMel
from training.data.lexicon import RESOURCE, TRAITS, Entry, by_label, read_lexicon
from training.data.readers import effects
from training.data.records import Split
from training.model.kernel import unit
from training.model.towers import DEFAULT, tower_kind

_WINDOW_FRAMES = 200
_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training lexicon``."""
    add_folders(parser, lexicon=str(RESOURCE))
    parser.add_argument(
        "--recordings",
        action="store_true",
        help="compare the ratings with what the audio tower hears in recordings (some minutes)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read it, print what is in it and what is missing."""
    classes = [sound.name for sound in load_classes(arguments.data)]
    entries = read_lexicon(classes, arguments.lexicon)
    for line in summary(entries, classes):
        print(line)
    known = by_label(entries)
    labels = {clip.label for name in effects.SETS for clip in effects.clips(arguments.data, name)}
    missing, strange = sorted(labels - known.keys()), sorted(known.keys() - labels)
    print(f"labels of recordings: {len(labels)}, {len(missing)} without an entry")
    for told, names in (("without an entry", missing), ("of no recording", strange)):
        if names:
            print(f"  {told}: {', '.join(names[:_SHOWN])}")
    if arguments.recordings:
        heard = posteriors(arguments, known)
        for line in fit(entries, heard, len(classes)):
            print(line)
    return 1 if missing or strange else 0


def summary(entries: Sequence[Entry], classes: Sequence[str]) -> Iterator[str]:
    """How much there is, and how evenly."""
    wordings = sum(len(entry.wordings) for entry in entries)
    yield f"{len(entries)} entries, {wordings} wordings, each written by itself"
    for trait in TRAITS:
        count = Counter(entry.traits[trait] for entry in entries)
        yield f"  {trait}: {', '.join(f'{value} {count[value]}' for value in TRAITS[trait])}"
    used = Counter(number for entry in entries for number in entry.ratings)
    rated = sum(used.values()) / max(1, len(entries))
    yield f"{len(used)} of {len(classes)} classes are rated, {rated:.1f} an entry"
    most = ", ".join(f"{classes[number]} {count}" for number, count in used.most_common(_SHOWN))
    yield f"  most often: {most}"


def posteriors(arguments: argparse.Namespace, known: dict[str, Entry]) -> dict[str, Values]:
    """What the tower hears in recordings, by the file and line of the entry of their label.

    Of each recording the first window; the mean of the square roots of its classes' posteriors,
    shape ``(classes,)``.
    """
    tower = tower_kind(DEFAULT).load(arguments.data).eval()
    frontend = LogMel(tower.frontend)
    worded = {effects.class_name(label): entry for label, entry in known.items()}
    found: dict[str, list[Values]] = {}
    for take in takes.read(arguments.data, *Split, sets=effects.SETS):
        path = arguments.data / take.recording.path
        samples = read_audio(path, tower.frontend.sample_rate_hz)
        with torch.no_grad():
            log_mel = frontend(torch.from_numpy(samples)[None])[:, :, :_WINDOW_FRAMES]
            heard = torch.sqrt(torch.sigmoid(tower(log_mel).logits))[0].numpy()
        found.setdefault(worded[take.label].where, []).append(heard.astype(np.float64))
    return {where: np.mean(rows, axis=0) for where, rows in found.items()}


def fit(entries: Sequence[Entry], heard: dict[str, Values], classes: int) -> Iterator[str]:
    """How well ratings tell which recordings an entry is of, among all that have recordings."""
    some = [entry for entry in entries if entry.where in heard]
    rated = np.sqrt(np.stack([entry.relevance(classes) for entry in some]))
    sounds = np.stack([heard[entry.where] for entry in some])
    cosine = unit(rated - rated.mean(axis=0)) @ unit(sounds - sounds.mean(axis=0)).T
    ranks = 1 + (cosine > np.diag(cosine)[:, None]).sum(axis=1)
    among = np.mean([int(sounds[row].argmax()) in entry.ratings for row, entry in enumerate(some)])
    yield (
        f"{len(some)} entries have recordings; by its ratings alone an entry's own rank first in "
        f"{(ranks == 1).mean():.3f}, within ten in {(ranks <= 10).mean():.3f} "  # noqa: PLR2004
        f"(by chance {1 / len(some):.3f} and {10 / len(some):.3f}), mean reciprocal rank "
        f"{(1.0 / ranks).mean():.3f}"
    )
    yield f"the class that the tower hears most is among the rated ones in {among:.3f} of them"
