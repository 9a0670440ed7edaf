"""everyday-cc: short CC0 and CC BY sounds with descriptive names, by many authors."""

from __future__ import annotations

from pathlib import Path

from training.data.readers.classes import Labelled, class_manifest, recording_id
from training.data.readers.registry import DataSet, register
from training.data.readers.splits import by_hash, frozen
from training.data.readers.table import Line, read_table
from training.data.records import Manifest

NAME = "everyday-cc"
_COLUMNS = ("filename", "label", "licence", "author")
# Where the collection's table points to a footnote or to nothing; they may be one person.
_UNKNOWN_AUTHORS = frozenset({"[↓](#authors)", "N/A", ""})


def read(data: Path) -> Manifest:
    """Recordings with their names, split by author: a take and its retake stay together.

    Raises:
        FileNotFoundError: the table is not there.
        ManifestError: it is damaged; names the line.
    """
    lines = read_table(data / NAME / "clips.csv", _COLUMNS, "everyday-cc with its clips.csv")
    return class_manifest(NAME, (_labelled(line) for line in lines))


def _labelled(line: Line) -> Labelled:
    known = line["author"] not in _UNKNOWN_AUTHORS
    # "dobroide / qubodup": recorded by the first, edited by the second.
    recordist = line["author"].split(" / ")[0] if known else "unknown"
    source = f"{NAME}/{recordist}"
    inside = f"audio/{line['filename']}"
    return Labelled.of(
        NAME,
        inside,
        line["label"],
        source,
        frozen(recording_id(NAME, inside)) or by_hash(source),
        line["licence"],
        line["author"] if known else "author not stated, AntumMT/mod-sounds",
    )


register(DataSet(NAME, read), __name__)
