"""The split of groups: nothing divided, nothing by chance, and the file that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data.manifest import ManifestError
from training.data.readers import splits
from training.data.readers.effects import Clip
from training.data.readers.splits import FROZEN, frozen, read_frozen
from training.data.records import Split
from training.data.split_command import known
from training.data.splitting import SERIES, assign

if TYPE_CHECKING:
    from pathlib import Path


def clip(group: str, number: int = 0, label: str = "", source_set: str = "s") -> Clip:
    """A row of a table."""
    name, label = f"{group}-{number}.ogg", label or group
    return Clip("t:1", "effects-cc", name, label, group, source_set, "CC0", "a", "b", 1.0)


def some_clips() -> list[Clip]:
    """200 groups of two clips, 40 series, in two source sets."""
    sets = ("s", "t")
    small = [clip(f"g{n}", take, "", sets[n % 2]) for n in range(200) for take in range(2)]
    large = [clip(f"h{n}", take, "", sets[n % 2]) for n in range(40) for take in range(SERIES)]
    return small + large


def of_groups(clips: list[Clip], found: dict[str, Split | None]) -> dict[str, set[Split | None]]:
    """Splits of each group's clips."""
    places: dict[str, set[Split | None]] = {}
    for one in clips:
        places.setdefault(one.group, set()).add(found[one.id])
    return places


def test_groups_are_not_divided_and_have_their_shares() -> None:
    """Two fifths of the groups to the test, of series a little more."""
    clips = some_clips()
    places = of_groups(clips, dict(assign({}, clips, []).splits))
    assert all(len(own) == 1 for own in places.values())
    counts = {
        start: [
            sum(own == {split} for name, own in places.items() if name[0] == start)
            for split in Split
        ]
        for start in "gh"
    }
    assert counts["g"] == [90, 30, 80]
    assert counts["h"] == [14, 6, 20]


def test_order_of_the_rows_decides_nothing() -> None:
    """Only names do."""
    clips = some_clips()
    assert assign({}, clips, []).splits == assign({}, clips[::-1], []).splits


def test_some_labels_of_several_groups_are_unheard() -> None:
    """With all their groups in the test."""
    clips = [clip(f"g{n}", label=f"label {n % 30}") for n in range(90)]
    found = assign({}, clips, [])
    assert 8 <= len(found.unheard) <= 22
    unheard = [one for one in clips if one.label in found.unheard]
    assert {found.splits[one.id] for one in unheard} == {Split.TEST}
    assert set(found.splits.values()) == set(Split)


def test_groups_of_one_sound_go_together() -> None:
    """Two of them, and one with a recording that has its split already."""
    clips = some_clips()
    first = assign({}, clips, [])
    train = next(one for one in clips if first.splits[one.id] is Split.TRAIN)
    test = next(one for one in clips if first.splits[one.id] is Split.TEST)
    joined = assign({}, clips, [(train.id, test.id)])
    assert (
        len({joined.splits[one.id] for one in clips if one.group in {train.group, test.group}}) == 1
    )
    assert joined.merged == (tuple(sorted((f"group {train.group}", f"group {test.group}"))),)
    fixed = assign({"x/1": Split.VALIDATION}, clips, [(test.id, "x/1")])
    assert {fixed.splits[one.id] for one in clips if one.group == test.group} == {Split.VALIDATION}
    assert fixed.splits["x/1"] is Split.VALIDATION


def test_every_recording_is_in_the_file_and_nothing_else(data_dir: Path) -> None:
    """It is what the command makes of the tables."""
    fixed, clips = known(data_dir)
    assert set(read_frozen(FROZEN)) == {one.id for one in (*fixed, *clips)}
    kept = read_frozen(FROZEN)
    assert all(kept[one.id] in {one.split, None} for one in fixed)
    assert all(frozen(one.id) is not None for one in clips)


def test_earlier_of_two_splits_that_are_given_gives_way() -> None:
    """What is measured on stays whole, and a group goes with it."""
    clips = [clip("g")]
    fixed = {"x/1": Split.TEST, "y/1": Split.TRAIN, "y/2": Split.TRAIN}
    found = assign(fixed, clips, [("y/1", "x/1"), (clips[0].id, "y/1")])
    assert found.splits == {
        "x/1": Split.TEST,
        "y/1": None,
        "y/2": Split.TRAIN,
        clips[0].id: Split.TEST,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("recording,split\na,tset\n", r"split\.csv:2 split: is 'tset'; write one of train, v"),
        ("recording,split\na,test\na,train\n", r"split\.csv:3 recording: is 'a'; delete one"),
        ("recording\na\n", "split must be among them"),
    ],
)
def test_damaged_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    """Line, column, what was found and what to write."""
    (tmp_path / "split.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ManifestError, match=message):
        splits.read_frozen(tmp_path / "split.csv")
