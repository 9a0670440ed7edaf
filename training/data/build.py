"""``python -m training manifest``: one manifest of the data sets that are known."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from training.data.arguments import add_folders
from training.data.captions import described, read_captions
from training.data.manifest import write_manifest
from training.data.readers import labels, tau
from training.data.readers.registry import data_sets
from training.data.records import Manifest, Split
from training.data.subsets import leaking, without_leaks

DATA_SETS = tuple(name for name, one in data_sets().items() if one.by_default)
"""Sets that a manifest holds unasked; the graded relevances need Clotho beside them."""
KNOWN = tuple(data_sets())
"""All sets that hold their recordings."""


def read_data_set(data: Path, name: str) -> Manifest:
    """One of :data:`KNOWN`, with our captions of its classes.

    Raises:
        FileNotFoundError: it is not in the data folder.
        ManifestError: it is damaged, or a caption describes what it does not have.
    """
    return described(data_sets()[name].read(data), name, read_captions(DATA_SETS))


def read_data_sets(
    data: Path, names: Iterable[str] = DATA_SETS, clotho: Path | None = None
) -> dict[str, Manifest]:
    """Each data set by its name; with the graded relevances where ``clotho`` is given.

    Raises:
        FileNotFoundError: a set is not in the data folder, or recordings not in Clotho's.
        ManifestError: a set is damaged.
    """
    found = {name: read_data_set(data, name) for name in names}
    if clotho is not None:
        tau.require_audio(data, clotho)
        found[tau.NAME] = tau.read(data, clotho)
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training manifest``."""
    add_folders(parser, output="runs/data")
    parser.add_argument("--sets", nargs="*", choices=KNOWN, default=DATA_SETS, metavar="SET")
    parser.add_argument(
        "--clotho",
        type=Path,
        help="folder of Clotho's recordings: adds the 10,200 ratings by people",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="exported labels, see docs/labels.md: adds what people answered to alerts",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the sets, write one manifest, print what is in it."""
    found = read_data_sets(arguments.data, arguments.sets, arguments.clotho)
    answers = labels.read(arguments.labels) if arguments.labels else None
    if answers is not None:
        found[labels.NAME] = answers.manifest
    everything = sum(found.values(), Manifest())
    # Several sets are made of the same collection of sounds.
    manifest = without_leaks(everything)
    write_manifest(manifest, arguments.output)
    print(f"{'data set':<28}{'train':>7}{'valid.':>7}{'test':>7}{'captions':>10}{'ratings':>9}")
    for name, made in found.items():
        splits = Counter(recording.split for recording in made.recordings)
        counts = "".join(f"{splits[split]:>7}" for split in Split)
        print(f"{name:<28}{counts}{len(made.captions):>10}{len(made.ratings):>9}")
    for name in found:
        for line in data_sets()[name].left_out(arguments.data) if name in data_sets() else ():
            print(f"left out of {name}: {line}")
    for line in answers.summary() if answers is not None else ():
        print(line)
    left_out = leaking(everything)
    if left_out:
        sources = len({recording.source for recording in left_out})
        print(f"left out: {len(left_out)} recordings of {sources} sources that a later split holds")
    print(f"wrote {arguments.output}")
    return 0
