"""Our captions of recordings that come with a class only: several a class, in both languages.

In the manner of Clotho's, and as people on a factory floor say it: onomatopoeia stand alone, in
sentences, and with the source named.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.data.readers.classes import CLASS_LABEL, class_caption
from training.data.records import Caption, Manifest, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

RESOURCE = Path(__file__).parents[1] / "resources" / "captions.csv"
_COLUMNS = ["class", "language", "kind", "text"]
_LANGUAGES = ("en", "ja")
_KINDS = ("caption", "onomatopoeia")


@dataclass(frozen=True, slots=True)
class Described:
    """One caption of all recordings of a class."""

    name: str
    """Of the class, in English words: ``glass breaking``."""
    language: str
    kind: str
    """``caption`` or ``onomatopoeia``."""
    text: str


def read_captions(path: Path = RESOURCE) -> tuple[Described, ...]:
    """All captions.

    Raises:
        ValueError: a row is wrong; names the line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _COLUMNS:
            found = ",".join(reader.fieldnames or [])
            raise ValueError(f"{path}: columns are {found}; write {','.join(_COLUMNS)}")
        captions = []
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if row["language"] not in _LANGUAGES or row["kind"] not in _KINDS:
                raise ValueError(
                    f"{where}: {row['language']!r}, {row['kind']!r}; "
                    f"write one of {_LANGUAGES} and one of {_KINDS}"
                )
            if not (row["text"] or "").strip():
                raise ValueError(f"{where}: the text is empty; write one or delete the line")
            name = row["class"].replace("_", " ")
            captions.append(Described(name, row["language"], row["kind"], row["text"].strip()))
    return tuple(captions)


def described(manifest: Manifest, data_set: str, captions: Iterable[Described]) -> Manifest:
    """The manifest with a further caption, and pair, for every recording of a described class.

    Args:
        manifest: of a set whose recordings have classes.
        data_set: its name.
        captions: of its classes; those of other classes are not used.
    """
    own: dict[str, list[str]] = {}
    for pair in manifest.pairs:
        own.setdefault(pair.caption, []).append(pair.recording)
    added: list[Caption] = []
    pairs: list[Pair] = []
    for number, one in enumerate(captions):
        recordings = own.get(class_caption(data_set, one.name), [])
        if not recordings:
            continue
        caption = Caption(f"{data_set}/{one.kind}/{number}", one.text, one.language)
        added.append(caption)
        pairs += [Pair(caption.id, recording, True, CLASS_LABEL) for recording in recordings]
    return manifest + Manifest(captions=tuple(added), pairs=tuple(pairs))
