"""How recordings are split: for ever the same, and nothing leaks.

What is known is in ``resources/split.csv``, which ``python -m training split`` writes; what is
not, by a rule of its reader.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from training.data.readers.table import read_table
from training.data.records import Split

FROZEN = Path(__file__).parents[2] / "resources" / "split.csv"
"""For each known recording."""
SAME_SOUNDS = Path(__file__).parents[2] / "resources" / "alike.csv"
"""Pairs of known recordings that hold the same sound."""

NO_SPLIT = "none"
"""In the file, for a recording whose sound another one of a later split holds."""
_TRAIN = 0.60
_TRAIN_AND_VALIDATION = 0.75
_HASH_BYTES = 8


def frozen(recording: str) -> Split | None:
    """The split of a recording, by its id; ``None`` where it is not known, or has none."""
    return _frozen().get(recording)


@cache
def _frozen() -> dict[str, Split | None]:
    return read_frozen(FROZEN)


def read_frozen(path: Path) -> dict[str, Split | None]:
    """Splits by recording; ``None`` for one that gives way to the same sound in a later split.

    Raises:
        FileNotFoundError: there is no such file.
        ManifestError: a split is none, or a recording stands twice; names the line.
    """
    found: dict[str, Split | None] = {}
    for line in read_table(path, ("recording", "split"), "what `python -m training split` writes"):
        if line["split"] not in {*Split, NO_SPLIT}:
            raise line.wrong("split", f"write one of {', '.join(Split)}, {NO_SPLIT}")
        if line["recording"] in found:
            raise line.wrong("recording", "delete one of the two rows")
        found[line["recording"]] = None if line["split"] == NO_SPLIT else Split(line["split"])
    return found


@cache
def same_sounds() -> tuple[tuple[str, str], ...]:
    """Ids of two recordings that hold the same sound, in the order of the file."""
    columns = ("first", "second", "correlation")
    lines = read_table(SAME_SOUNDS, columns, "what `python -m training split --compare` writes")
    return tuple((line["first"], line["second"]) for line in lines)


def chance(name: str) -> float:
    """A number of a name, from 0 to below 1, for ever the same."""
    digest = hashlib.sha256(name.encode("utf-8")).digest()[:_HASH_BYTES]
    return int.from_bytes(digest, "big") / 256.0**_HASH_BYTES


def by_hash(source: str) -> Split:
    """The split of a source, from its name alone: what is added later moves nothing."""
    return _at(chance(source))


def by_time(count: int) -> tuple[Split, ...]:
    """Splits of clips of one recording in the order of time: the last are for the test.

    Neighbours in time sound alike for no reason that a description names; drawn at random they
    would be trained on and tested on.
    """
    return tuple(_at((index + 0.5) / count) for index in range(count))


def _at(share: float) -> Split:
    if share < _TRAIN:
        return Split.TRAIN
    return Split.VALIDATION if share < _TRAIN_AND_VALIDATION else Split.TEST
