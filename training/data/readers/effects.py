"""effects-cc and industrial-cc: sound effects and sounds of industry under free licences.

Labels come from file names and folders; nobody listened. A group (clips of one series, of one
sound of Freesound, or alike by waveform) may run across both sets and is never divided.

Left out, and told by ``python -m training manifest``; a clip counts at its first reason:

- its label says what happens in a game, not what is heard (:data:`NOT_HEARD`): 34 of effects-cc;
- a clip before it in its group holds the same sound under the same label
  (``resources/alike.csv``, as ``python -m training split --compare`` found it): 88 of effects-cc
  and 9 of industrial-cc. A copy would be trained on twice, and be an example of itself.

Left are 2,325 of 2,447 and 333 of 342 clips.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.core.errors import Problem
from training.data.manifest import ManifestError
from training.data.readers.classes import Labelled, class_manifest, recording_id
from training.data.readers.registry import DataSet, register
from training.data.readers.splits import frozen, same_sounds
from training.data.readers.table import read_table
from training.data.records import Manifest

SETS = ("effects-cc", "industrial-cc")
COLUMNS = ("filename", "label", "group", "source_set", "licence", "author", "source", "seconds")
NOT_HEARD = frozenset(
    {
        *("earthquake end", "package pick up", "grabbing a vine", "spreading fertilizer"),
        *("removing an item frame", "hitting an item frame", "removing a small object"),
        *("placing a small object", "hitting a small object", "placing a soft fuzzy object"),
        *("removing algae", "hitting algae", "placing algae", "footstep on algae"),
        *("mine arming", "mine handling", "mine reload", "organic hit", "launcher handling"),
    }
)
"""Labels that name an action or a thing of a game."""
_FREESOUND = re.compile(r"freesound\.org/(?:s|people/[^/]+/sounds)/([0-9]+)")


def class_name(label: str) -> str:
    """A label as the name of a class, which may hold no slash."""
    return label.replace(" / ", " or ")


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a table."""

    where: str
    """File and line."""
    data_set: str
    filename: str
    label: str
    """What is heard, in plain English."""
    group: str
    source_set: str
    licence: str
    author: str
    source: str
    """Where it was published."""
    seconds: float

    @property
    def inside(self) -> str:
        """Path inside the set's folder."""
        return f"audio/{self.filename}"

    @property
    def id(self) -> str:
        """Of the recording."""
        return recording_id(self.data_set, self.inside)

    @property
    def freesound(self) -> str | None:
        """Number of the sound of Freesound that it was made of, where the table tells it."""
        found = _FREESOUND.search(self.source)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Kept:
    """The clips that are used, and how many are not."""

    clips: tuple[Clip, ...]
    left_out: Mapping[str, int]
    """By reason."""


def clips(data: Path, data_set: str) -> tuple[Clip, ...]:
    """All rows of a set's table.

    Raises:
        FileNotFoundError: the table is not there.
        ManifestError: it is damaged; names the line.
    """
    found = []
    for line in read_table(data / data_set / "clips.csv", COLUMNS, f"{data_set} with its table"):
        for column in ("filename", "label", "group", "source_set"):
            if not line[column].strip():
                raise line.wrong(column, "write what it is")
        try:
            seconds = float(line["seconds"])
        except ValueError:
            raise line.wrong("seconds", "write how long it lasts, as 1.25") from None
        texts = {column: line[column] for column in COLUMNS if column != "seconds"}
        found.append(Clip(where=line.where, data_set=data_set, seconds=seconds, **texts))
    return tuple(found)


def kept(every: tuple[Clip, ...]) -> Kept:
    """Without what helps nobody to learn what a label sounds like."""
    same: dict[str, set[str]] = {}
    for one, other in same_sounds():
        same.setdefault(one, set()).add(other)
        same.setdefault(other, set()).add(one)
    held: dict[tuple[str, str], set[str]] = {}
    reasons = Counter[str]()
    used = []
    for clip in every:
        before = held.setdefault((clip.group, clip.label), set())
        if clip.label in NOT_HEARD:
            reasons["a label that is not heard"] += 1
        elif before & same.get(clip.id, set()):
            reasons["a copy of another clip"] += 1
        else:
            used.append(clip)
            before.add(clip.id)
    return Kept(tuple(used), reasons)


def read(data: Path, data_set: str) -> Manifest:
    """Recordings with their labels; a group is a source.

    Raises:
        FileNotFoundError: the table is not there.
        ManifestError: it is damaged, or names a clip that has no split; names the line.
    """
    every = clips(data, data_set)
    sources = _sources(every)
    return class_manifest(
        data_set, (_labelled(clip, sources[clip.group]) for clip in kept(every).clips)
    )


def left_out(data: Path, data_set: str) -> tuple[str, ...]:
    """What :func:`read` leaves out, a line a reason."""
    reasons = kept(clips(data, data_set)).left_out
    return tuple(f"{count} recordings with {reason}" for reason, count in sorted(reasons.items()))


def _sources(every: tuple[Clip, ...]) -> dict[str, str]:
    """A name for each group: that of its one sound of Freesound, as other sets name it."""
    numbers: dict[str, set[str | None]] = {}
    for clip in every:
        numbers.setdefault(clip.group, set()).add(clip.freesound)
    return {
        group: f"freesound/{next(iter(some))}" if len(some) == 1 and None not in some else group
        for group, some in numbers.items()
    }


def _labelled(clip: Clip, source: str) -> Labelled:
    split = frozen(clip.id)
    if split is None:
        found = f"is {clip.filename!r}, which has no split"
        remedy = "give it one with `python -m training split`, or delete the row"
        raise ManifestError([Problem(f"{clip.where} filename", found, remedy)])
    terms = (clip.licence, f"{clip.author}, {clip.source}")
    name = class_name(clip.label)
    return Labelled.of(clip.data_set, clip.inside, name, source, split, *terms)


for _name in SETS:
    register(
        DataSet(
            _name,
            partial(read, data_set=_name),
            left_out=partial(left_out, data_set=_name),
            by_default=False,
        ),
        __name__,
    )
