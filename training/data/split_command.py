"""``python -m training split``: the frozen split of all known recordings."""

from __future__ import annotations

import argparse
import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from training.data import files
from training.data.alike import alike
from training.data.arguments import add_folders
from training.data.readers import effects
from training.data.readers.effects import Clip
from training.data.readers.registry import data_sets
from training.data.readers.splits import FROZEN, NO_SPLIT, SAME_SOUNDS, same_sounds
from training.data.records import Recording, Split
from training.data.splitting import SERIES, Assigned, assign

MACHINES = ("vroom-lathe", "brushless-motors", "mimii-fan")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training split``."""
    add_folders(parser, output=str(FROZEN))
    parser.add_argument(
        "--compare",
        action="store_true",
        help="look again for recordings that hold the same sound (some minutes), and write "
        f"{SAME_SOUNDS.name} beside the split",
    )


def run(arguments: argparse.Namespace) -> int:
    """Split, write, print what is where."""
    fixed, clips = known(arguments.data)
    same: Iterable[tuple[str, str]] = same_sounds()
    if arguments.compare:
        found = compared(arguments.data, fixed, clips)
        path = arguments.output.with_name(SAME_SOUNDS.name)
        files.write_text(path, _table(("first", "second", "correlation"), found))
        print(f"{len(found)} pairs of recordings hold the same sound: {path}")
        same = [(first, second) for first, second, _ in found]
    same = [*same, *same_published(fixed, clips)]
    assigned = assign({one.id: one.split for one in fixed}, clips, same)
    rows = [(one, split or NO_SPLIT) for one, split in sorted(assigned.splits.items())]
    files.write_text(arguments.output, _table(("recording", "split"), rows))
    for line in summary(assigned, clips):
        print(line)
    print(f"wrote {arguments.output}")
    return 0


def known(data: Path) -> tuple[tuple[Recording, ...], tuple[Clip, ...]]:
    """Recordings of the sets with a split of their own, and clips of those without.

    Raises:
        FileNotFoundError: a set is not in the data folder.
        ManifestError: one is damaged.
    """
    fixed = [
        recording
        for name, one in data_sets().items()
        if name not in effects.SETS
        for recording in one.read(data).recordings
    ]
    clips = [clip for name in effects.SETS for clip in effects.clips(data, name)]
    return tuple(fixed), tuple(clips)


def compared(
    data: Path, fixed: Sequence[Recording], clips: Sequence[Clip]
) -> list[tuple[str, str, str]]:
    """Ids of two recordings that hold the same sound, and how much they correlate.

    Raises:
        AudioFileError: a recording cannot be read.
    """
    paths = {one.id: one.path for one in fixed}
    paths |= {clip.id: f"{clip.data_set}/{clip.inside}" for clip in clips}
    ids = sorted(paths)
    # Seconds of one machine, cut in the order of time, are alike without being the same sound.
    sets = [one.partition("/")[0] for one in ids]
    series = [name if name in MACHINES else one for one, name in zip(ids, sets, strict=True)]
    found = alike([data / paths[one] for one in ids], series)
    return [(ids[one.first], ids[one.second], f"{one.correlation:.2f}") for one in found]


def same_published(
    fixed: Sequence[Recording], clips: Sequence[Clip]
) -> tuple[tuple[str, str], ...]:
    """Ids of two recordings that their sets say are made of one sound of Freesound."""
    sources = {one.source: one.id for one in fixed}
    numbers = {clip.id: f"freesound/{clip.freesound}" for clip in clips}
    return tuple((sources[name], one) for one, name in numbers.items() if name in sources)


def summary(assigned: Assigned, clips: Sequence[Clip]) -> list[str]:
    """What is where, by set; and of groups and labels."""
    lines = [f"{'data set':<28}{'train':>7}{'valid.':>7}{'test':>7}"]
    sets = dict.fromkeys(one.partition("/")[0] for one in assigned.splits)
    for name in sets:
        own = (split for one, split in assigned.splits.items() if one.startswith(f"{name}/"))
        lines.append(f"{name:<28}{_counts(Counter(split for split in own if split))}")
    joined = " and ".join(effects.SETS)
    lines.append(f"{joined}:")
    for what in ("group", "label", "clip"):
        held = _held(what, clips, assigned.splits)
        lines.append(f"{f'  {what}s':<28}{_counts(held)}")
    groups = _places("group", clips, assigned.splits)
    sizes = Counter(clip.group for clip in clips)
    series = {name for name, count in sizes.items() if count >= SERIES}
    held = Counter(split for name in series for split in groups[name])
    lines.append(f"{f'  groups of {SERIES} clips or more':<28}{_counts(held)}")
    labels = _places("label", clips, assigned.splits)
    alone = [name for name, places in labels.items() if places == {Split.TEST}]
    lines.append(
        f"  labels in the test alone: {len(alone)}, of which {len(assigned.unheard)} are of "
        "several groups"
    )
    lines += [f"same sound: {', '.join(some)}" for some in assigned.merged]
    lines += [f"gives way: {one}" for one, split in assigned.splits.items() if split is None]
    return lines


def _places(
    what: str, clips: Iterable[Clip], splits: Mapping[str, Split | None]
) -> dict[str, set[Split]]:
    places: dict[str, set[Split]] = {}
    for clip in clips:
        name = clip.id if what == "clip" else str(getattr(clip, what))
        if (split := splits[clip.id]) is not None:
            places.setdefault(name, set()).add(split)
    return places


def _held(what: str, clips: Iterable[Clip], splits: Mapping[str, Split | None]) -> Counter[Split]:
    return Counter(split for places in _places(what, clips, splits).values() for split in places)


def _counts(counts: Mapping[Split, int]) -> str:
    return "".join(f"{counts.get(split, 0):>7}" for split in Split)


def _table(columns: Sequence[str], rows: Collection[Sequence[str]]) -> str:
    """As CSV."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([columns, *rows])
    return written.getvalue()
