"""Data sets that are folders of sound files: what is heard is in the files' names.

Clips of one recording, and takes of one thing, are numbered in the order of time and split in
that order; each stretch is a source of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.core.errors import Problem
from training.data.manifest import ManifestError
from training.data.readers.classes import Labelled, class_manifest, recording_id
from training.data.readers.registry import DataSet, register
from training.data.readers.splits import by_time, frozen
from training.data.records import Manifest, Split


@dataclass(frozen=True, slots=True)
class FolderSet:
    """A data set, its terms, and how its files' names are read."""

    name: str
    licence: str
    attribution: str
    file_name: re.Pattern[str]
    """Of a path inside the folder; groups ``series`` and ``number``, the latter may be empty."""
    class_name: Callable[[str], str]
    """What is heard, from the series."""
    only: Split | None = None
    """The split that all of it belongs to; by time if ``None``."""


def _impact(series: str) -> str:
    if series in {"metal", "hit-metal"}:
        return "metal hit"
    return " ".join(re.split(r"[-_]", series.removeprefix("sfx100v2_")))


def _motor(series: str) -> str:
    return f"brushless motor {'without' if 'no_prop' in series else 'with'} propeller"


def _lathe(series: str) -> str:
    return f"metal lathe {'too fast' if series == 'too_fast' else 'at the right speed'}"


def _fan(series: str) -> str:
    return f"{'broken ' if series == 'abnormal' else ''}industrial fan"


IMPACTS = FolderSet(
    name="cc0-impacts",
    licence="CC0",
    attribution="CC0 packs, as copied by v0-poseidon",
    file_name=re.compile(r"(?P<series>[a-z0-9_-]*[a-z])[_-]?(?P<number>[0-9]*)"),
    class_name=_impact,
)
MOTORS = FolderSet(
    name="brushless-motors",
    licence="MIT",
    attribution="grigoriev-vladimir/drone-audio-dataset",
    file_name=re.compile(r"clips__(?:no-)?prop__m1__(?P<series>motor_\w+pct)_(?P<number>[0-9]+)"),
    class_name=_motor,
)
LATHE = FolderSet(
    name="vroom-lathe",
    licence="MIT",
    attribution="SingingData/Vroom",
    file_name=re.compile(r"(?P<series>just_right|too_fast)/MachineShop_\w+-(?P<number>[0-9]+)"),
    class_name=_lathe,
)
FAN = FolderSet(
    name="mimii-fan",
    licence="CC BY-SA 4.0",
    attribution="MIMII, Purohit et al., DCASE 2019",
    file_name=re.compile(r"(?P<series>normal|abnormal)/(?P<number>[0-9]+)"),
    class_name=_fan,
    only=Split.TEST,
)
FOLDER_SETS = (IMPACTS, MOTORS, LATHE, FAN)


@dataclass(frozen=True, slots=True, order=True)
class _Clip:
    series: str
    number: int
    path: str
    """Inside the folder."""


def read(data: Path, folder_set: FolderSet) -> Manifest:
    """Recordings with what their names say, split by time.

    Raises:
        FileNotFoundError: the folder is missing or holds no FLAC file.
        ManifestError: files whose names cannot be read.
    """
    series: dict[str, list[_Clip]] = {}
    for clip in sorted(_clips(data / folder_set.name, folder_set)):
        series.setdefault(clip.series, []).append(clip)
    return class_manifest(
        folder_set.name,
        (
            _labelled(clip, folder_set, split)
            for clips in series.values()
            for clip, split in zip(clips, by_time(len(clips)), strict=True)
        ),
    )


def _clips(folder: Path, folder_set: FolderSet) -> list[_Clip]:
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.flac"))
    if not paths:
        raise FileNotFoundError(f"{folder}: holds no FLAC file; put {folder_set.name} there")
    problems, clips = [], []
    for path in paths:
        match = folder_set.file_name.fullmatch(path.removesuffix(".flac"))
        if match is None:
            remedy = f"name it as {folder_set.name} does, or take it away"
            problems.append(Problem(f"{folder}/{path}", "has an unknown kind of name", remedy))
        else:
            clips.append(_Clip(match["series"], int(match["number"] or 0), path))
    if problems:
        raise ManifestError(problems)
    return clips


def _labelled(clip: _Clip, folder_set: FolderSet, by_time_split: Split) -> Labelled:
    split = folder_set.only or frozen(recording_id(folder_set.name, clip.path)) or by_time_split
    return Labelled.of(
        folder_set.name,
        clip.path,
        folder_set.class_name(clip.series),
        f"{folder_set.name}/{clip.series}/{split}",
        split,
        folder_set.licence,
        folder_set.attribution,
    )


for _one in FOLDER_SETS:
    register(DataSet(_one.name, partial(read, folder_set=_one), _one.class_name), __name__)
