"""Sets of folders: what names say, and splits in the order of time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from training.data.manifest import ManifestError
from training.data.readers import folders
from training.data.records import Manifest, Split
from training.data.subsets import leaking

if TYPE_CHECKING:
    from pathlib import Path


def of_class(manifest: Manifest, name: str) -> list[tuple[Split, str]]:
    """Splits and paths of a class's recordings."""
    (caption,) = [caption.id for caption in manifest.captions if caption.text == name]
    members = {pair.recording for pair in manifest.pairs if pair.caption == caption}
    return [(r.split, r.path) for r in manifest.recordings if r.id in members]


@pytest.mark.parametrize(
    ("folder_set", "counts"),
    [
        (folders.IMPACTS, {"metal hit": 15, "slam": 7, "swish": 13, "hit": 8, "gong": 2}),
        (
            folders.MOTORS,
            {"brushless motor with propeller": 46, "brushless motor without propeller": 70},
        ),
        (
            folders.LATHE,
            {"metal lathe at the right speed": 368, "metal lathe too fast": 314},
        ),
        (folders.FAN, {"industrial fan": 20, "broken industrial fan": 20}),
    ],
)
def test_sets_are_read_whole(
    data_dir: Path, folder_set: folders.FolderSet, counts: dict[str, int]
) -> None:
    """Every file is a recording once, with a class, terms, and no source in two splits."""
    manifest = folders.read(data_dir, folder_set)
    files = list((data_dir / folder_set.name).rglob("*.flac"))
    assert sorted(data_dir / recording.path for recording in manifest.recordings) == sorted(files)
    assert {name: len(of_class(manifest, name)) for name in counts} == counts
    assert {recording.licence for recording in manifest.recordings} == {folder_set.licence}
    assert all(recording.attribution for recording in manifest.recordings)
    assert not leaking(manifest)


def test_lathe_is_split_in_the_order_of_time(data_dir: Path) -> None:
    """The test's seconds come after all of the training's, for each way of working."""
    manifest = folders.read(data_dir, folders.LATHE)
    for name in ("metal lathe at the right speed", "metal lathe too fast"):
        seconds: dict[Split, list[int]] = {split: [] for split in Split}
        for split, path in of_class(manifest, name):
            seconds[split].append(int(path.rpartition("-")[2].removesuffix(".flac")))
        assert max(seconds[Split.TRAIN]) < min(seconds[Split.VALIDATION])
        assert max(seconds[Split.VALIDATION]) < min(seconds[Split.TEST])


def test_motors_are_split_within_each_speed(data_dir: Path) -> None:
    """Every speed is trained on and tested on, with and without a propeller."""
    recordings = folders.read(data_dir, folders.MOTORS).recordings
    speeds = {recording.source.split("/")[1] for recording in recordings}
    assert len(speeds) == 12
    for split in (Split.TRAIN, Split.TEST):
        assert {r.source.split("/")[1] for r in recordings if r.split is split} == speeds


def test_impacts_are_split_within_each_series(data_dir: Path) -> None:
    """The later takes are for the test; what was taken once is for training."""
    manifest = folders.read(data_dir, folders.IMPACTS)
    assert Counter(split for split, _ in of_class(manifest, "swish"))[Split.TEST] == 3
    assert (Split.TEST, "cc0-impacts/swish-13.flac") in of_class(manifest, "swish")
    assert (Split.TRAIN, "cc0-impacts/swish-2.flac") in of_class(manifest, "swish")
    assert of_class(manifest, "explosion") == [(Split.TRAIN, "cc0-impacts/explosion.flac")]


def test_fan_is_for_evaluation_only(data_dir: Path) -> None:
    """Its licence lets no shipped model be trained on it."""
    recordings = folders.read(data_dir, folders.FAN).recordings
    assert {recording.split for recording in recordings} == {Split.TEST}


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """What to put where."""
    with pytest.raises(FileNotFoundError, match="vroom-lathe: holds no FLAC file; put vroom-lathe"):
        folders.read(tmp_path, folders.LATHE)


def test_unknown_names_are_all_named(tmp_path: Path) -> None:
    """A file that says nothing of what is heard is not guessed at."""
    (tmp_path / "vroom-lathe" / "slow").mkdir(parents=True)
    for name in ("a.flac", "b.flac"):
        (tmp_path / "vroom-lathe" / "slow" / name).touch()
    with pytest.raises(ManifestError, match=r"slow/a\.flac: has an unknown kind of name") as caught:
        folders.read(tmp_path, folders.LATHE)
    assert len(caught.value.problems) == 2
