"""A lexicon of sounds: what texts sound like, told in AudioSet's classes.

A text encoder knows what words mean, not what the things sound like. Each entry is one thing that
can be heard, with several wordings in both languages, and a rating from 0 to 100 for each class
that a listener would take it for. The ratings are written from knowledge of sounds: their kind is
``estimated``, nobody rated recordings. How entries are written is in docs/lexicon.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.config.values import nearest
from agent.core.errors import Problem
from training.data.arrays import Values
from training.data.manifest import ManifestError
from training.data.readers.table import Line, read_table

RESOURCE = Path(__file__).parents[1] / "resources" / "lexicon"
_COLUMNS = (
    *("labels", "en", "ja", "classes"),
    *("length", "pitch", "brightness", "rhythm", "material"),
)
_BETWEEN = "|"
TRAITS: Mapping[str, tuple[str, ...]] = {
    "length": ("short", "medium", "lasting"),
    "pitch": ("tonal", "mixed", "noisy"),
    "brightness": ("dull", "middle", "bright"),
    "rhythm": ("single", "repeated", "irregular", "steady"),
}
"""Acoustic traits and what they may be."""
_FEWEST_WORDINGS = 2
_FEWEST_CLASSES, _MOST_CLASSES = 3, 12
_MOST = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be heard."""

    where: str
    """File and line."""
    labels: tuple[str, ...]
    """Labels of recordings that mean it (``effects-cc``, ``industrial-cc``); often none."""
    en: tuple[str, ...]
    """English wordings, the plainest first."""
    ja: tuple[str, ...]
    """Japanese wordings, the plainest first."""
    ratings: Mapping[int, int]
    """How much it sounds like a class, 1 to 100, by the class's index."""
    traits: Mapping[str, str]
    """Its length, pitch, brightness and rhythm, see :data:`TRAITS`."""
    material: str

    @property
    def wordings(self) -> tuple[str, ...]:
        """In both languages."""
        return self.en + self.ja

    def relevance(self, classes: int) -> Values:
        """The ratings as a row from 0 to 1, shape ``(classes,)``."""
        row = np.zeros(classes)
        row[list(self.ratings)] = np.array(list(self.ratings.values())) / _MOST
        return row


def read_lexicon(classes: Sequence[str], path: Path = RESOURCE) -> tuple[Entry, ...]:
    """All entries, in the order of the files.

    Args:
        classes: names of AudioSet's classes, in the tower's order.
        path: a CSV file, or a folder of them.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        ManifestError: rows are wrong, or two say the same; names each line.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"{path}: holds no CSV file; put the lexicon there")
    numbers = {name: number for number, name in enumerate(classes)}
    entries: list[Entry] = []
    problems: list[Problem] = []
    for file in files:
        for line in read_table(file, _COLUMNS, "a lexicon as docs/lexicon.md says"):
            if wrong := list(_wrong(line, numbers)):
                problems += wrong
            else:
                entries.append(_entry(line, numbers))
    problems += _repeated(entries)
    if problems:
        raise ManifestError(problems)
    return tuple(entries)


def by_label(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entry that each label of a recording means."""
    return {label: entry for entry in entries for label in entry.labels}


def _split(line: Line, column: str) -> list[str]:
    return line[column].split(_BETWEEN) if line[column] else []


def _rated(text: str) -> tuple[str, str]:
    name, _, rating = text.rpartition(":")
    return name, rating


def _entry(line: Line, numbers: Mapping[str, int]) -> Entry:
    rated = dict(map(_rated, _split(line, "classes")))
    return Entry(
        where=line.where,
        labels=tuple(_split(line, "labels")),
        en=tuple(_split(line, "en")),
        ja=tuple(_split(line, "ja")),
        ratings={numbers[name]: int(rating) for name, rating in rated.items()},
        traits={trait: line[trait] for trait in TRAITS},
        material=line["material"],
    )


def _wrong(line: Line, numbers: Mapping[str, int]) -> Iterator[Problem]:
    """What is wrong with a row by itself."""
    for column in ("labels", "en", "ja"):
        if any(text != " ".join(text.split()) or not text for text in _split(line, column)):
            remedy = "write texts between |, without spaces at their ends"
            yield Problem(f"{line.where} {column}", f"is {line[column]!r}", remedy)
    for column in ("en", "ja"):
        if len(_split(line, column)) < _FEWEST_WORDINGS:
            found = f"has {len(_split(line, column))} wordings"
            yield Problem(f"{line.where} {column}", found, "write two or more, with | between")
    for trait, values in TRAITS.items():
        if line[trait] not in values:
            remedy = f"write one of {', '.join(values)}"
            yield Problem(f"{line.where} {trait}", f"is {line[trait]!r}", remedy)
    if not line["material"]:
        yield Problem(f"{line.where} material", "is empty", "write what sounds, or none")
    yield from _wrong_classes(line, numbers)


def _wrong_classes(line: Line, numbers: Mapping[str, int]) -> Iterator[Problem]:
    where = f"{line.where} classes"
    rated = [_rated(text) for text in _split(line, "classes")]
    names = [name for name, _ in rated]
    if not _FEWEST_CLASSES <= len(names) <= _MOST_CLASSES:
        remedy = f"write {_FEWEST_CLASSES} to {_MOST_CLASSES} as Name:rating, with | between"
        yield Problem(where, f"has {len(names)} classes", remedy)
    for name, rating in rated:
        if name not in numbers:
            near = nearest(name, numbers)
            remedy = f"did you mean {near!r}?" if near else "write a name of AudioSet's classes"
            yield Problem(where, f"has {name!r}, which AudioSet does not have", remedy)
        if not (rating.isascii() and rating.isdigit() and 1 <= int(rating) <= _MOST):
            found = f"rates {name!r} {rating!r}"
            yield Problem(where, found, f"write a whole number from 1 to {_MOST}")
    for name in {name for name in names if names.count(name) > 1}:
        yield Problem(where, f"has {name!r} twice", "leave one")


def _repeated(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Labels and wordings that stand in two entries: neither could be told from the other."""
    for column in ("labels", "en", "ja"):
        first: dict[str, Entry] = {}
        for entry in entries:
            texts: tuple[str, ...] = getattr(entry, column)
            for text in texts:
                known = first.setdefault(text.casefold(), entry)
                if known is not entry or texts.count(text) > 1:
                    remedy = "say what tells the two apart, or delete one"
                    found = f"has {text!r}, as {known.where}"
                    yield Problem(f"{entry.where} {column}", found, remedy)
