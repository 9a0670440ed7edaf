"""ESC-50 (Piczak, ACM Multimedia 2015) as published, and our selection of its free clips.

Published: ``meta/esc50.csv`` and ``audio/``. Our selection: ``clips.csv`` with licence and author
of each clip, and ``audio/``.
"""

from __future__ import annotations

from pathlib import Path

from training.data.readers.classes import Labelled, class_manifest, recording_id
from training.data.readers.registry import DataSet, register
from training.data.readers.splits import frozen
from training.data.readers.table import Line, read_table
from training.data.records import Manifest, Split

NAME = "esc50-40"
# The folds keep clips of one Freesound recording together.
FOLDS = {
    "1": Split.TRAIN,
    "2": Split.TRAIN,
    "3": Split.VALIDATION,
    "4": Split.TRAIN,
    "5": Split.TEST,
}
_PUBLISHED_COLUMNS = ("filename", "fold", "category", "src_file")
_SELECTED_COLUMNS = ("filename", "fold", "category", "licence", "author", "source_url")
_COLLECTION_LICENCE = "CC BY-NC 3.0"
_COLLECTION = "ESC-50, Karol J. Piczak, clips of Freesound"


def read(data: Path, folder: str = NAME) -> Manifest:
    """Recordings with their class, split by fold.

    Args:
        data: the data folder.
        folder: of the set, inside ``data``.

    Raises:
        FileNotFoundError: neither table is there.
        ManifestError: a table is damaged; names the line.
    """
    root = data / folder
    published = root / "meta" / "esc50.csv"
    if published.is_file():
        origin = "ESC-50 as published on GitHub (karolpiczak/ESC-50)"
        lines = read_table(published, _PUBLISHED_COLUMNS, origin)
        return class_manifest(folder, (_published(line, folder) for line in lines))
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
    inside = f"audio/{line['filename']}"
    return Labelled.of(
        folder,
        inside,
        line["category"].replace("_", " "),
        f"freesound/{source}",
        frozen(recording_id(folder, inside)) or FOLDS[line["fold"]],
        licence,
        attribution,
    )


register(DataSet(NAME, read), __name__)
