"""``python -m training manifest``: one manifest of the data sets that are known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from training.audioset import data_folder
from training.data.captions import described, read_captions
from training.data.leaks import leaking, without_leaks
from training.data.manifest import write_manifest
from training.data.readers import esc50, everyday, folders, labels, tau
from training.data.records import Manifest, Split

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

_BY_FOLDER = {one.name: one for one in folders.FOLDER_SETS}
DATA_SETS = (esc50.NAME, everyday.NAME, *_BY_FOLDER)
"""Sets that hold their recordings; the graded relevances need Clotho beside them."""


def read_data_set(data: Path, name: str) -> Manifest:
    """One of :data:`DATA_SETS`, with our captions of its classes.

    Raises:
        FileNotFoundError: it is not in the data folder.
        ManifestError: it is damaged, or a caption describes what it does not have.
    """
    return described(_read(data, name), name, read_captions(DATA_SETS))


def _read(data: Path, name: str) -> Manifest:
    """A set as it was published, with the names of its classes alone."""
    if name == esc50.NAME:
        return esc50.read(data)
    if name == everyday.NAME:
        return everyday.read(data)
    return folders.read(data, _BY_FOLDER[name])


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
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.add_argument("--output", type=Path, default=Path("runs/data"))
    parser.add_argument("--sets", nargs="*", choices=DATA_SETS, default=DATA_SETS, metavar="SET")
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
    for name, one in found.items():
        splits = Counter(recording.split for recording in one.recordings)
        counts = "".join(f"{splits[split]:>7}" for split in Split)
        print(f"{name:<28}{counts}{len(one.captions):>10}{len(one.ratings):>9}")
    for line in answers.summary() if answers is not None else ():
        print(line)
    left_out = leaking(everything)
    if left_out:
        sources = len({recording.source for recording in left_out})
        print(f"left out: {len(left_out)} recordings of {sources} sources that a later split holds")
    print(f"wrote {arguments.output}")
    return 0
