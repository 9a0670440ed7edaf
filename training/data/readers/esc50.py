"""ESC-50 (Piczak, ACM Multimedia 2015) as published, and our selection of its free clips.

Published: ``meta/esc50.csv`` and ``audio/``. Our selection: ``clips.csv`` with licence and author
of each clip, and ``audio/``.
"""

from __future__ import annotations

from pathlib import Path

from training.data.readers.classes import Labelled, class_manifest
from training.data.readers.table import Line, read_table
from training.data.records import Manifest, Recording, Split

NAME = "esc50-40"
# The folds keep clips of one Freesound recording together.
FOLDS = {
    "1": Split.TRAIN,
    "2": Split.TRAIN,
    "3": Split.VALIDATION,
    "4": Split.TRAIN,
    "5": Split.TEST,
}
_PUBLISHED_COLUMNS = ("filename", "fold", "category", "esc10", "src_file")
_SELECTED_COLUMNS = ("filename", "fold", "category", "licence", "author", "source_url")
_COLLECTION_LICENCE = "CC BY-NC 3.0"
_COLLECTION = "ESC-50, Karol J. Piczak, clips of Freesound"


def read(data: Path, folder: str = NAME, *, only_esc10: bool = False) -> Manifest:
    """Recordings with their class, split by fold.

    Args:
        data: the data folder.
        folder: of the set, inside ``data``.
        only_esc10: the ten classes of ESC-10 alone; needs the published table.

    Raises:
        FileNotFoundError: neither table is there.
        ManifestError: a table is damaged; names the line.
    """
    root = data / folder
    published = root / "meta" / "esc50.csv"
    if only_esc10 or published.is_file():
        origin = "ESC-50 as published on GitHub (karolpiczak/ESC-50)"
        lines = read_table(published, _PUBLISHED_COLUMNS, origin)
        chosen = [line for line in lines if not only_esc10 or line["esc10"] == "True"]
        return class_manifest(folder, (_published(line, folder) for line in chosen))
    origin = "the selection of ESC-50 with its clips.csv"
    lines = read_table(root / "clips.csv", _SELECTED_COLUMNS, origin)
    return class_manifest(folder, (_selected(line, folder) for line in lines))


def _published(line: Line, folder: str) -> Labelled:
    return _labelled(line, folder, line["src_file"], _COLLECTION_LICENCE, _COLLECTION)


def _selected(line: Line, folder: str) -> Labelled:
    # 1-100038-A-14.flac: fold, Freesound's id, take, class.
    source = line["filename"].split("-")
    if len(source) != 4:  # noqa: PLR2004 - as above
        raise line.wrong("filename", "write it as ESC-50 does: fold-id-take-class")
    attribution = f"{line['author']}, {line['source_url']}"
    return _labelled(line, folder, source[1], line["licence"], attribution)


def _labelled(line: Line, folder: str, source: str, licence: str, attribution: str) -> Labelled:
    if line["fold"] not in FOLDS:
        raise line.wrong("fold", "write 1 to 5")
    name = line["filename"]
    recording = Recording(
        id=f"{folder}/{name.rpartition('.')[0]}",
        path=f"{folder}/audio/{name}",
        source=f"freesound/{source}",
        split=FOLDS[line["fold"]],
        licence=licence,
        attribution=attribution,
    )
    return Labelled(recording, line["category"].replace("_", " "))
