"""Takes: which recordings are of one and the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data import takes
from training.data.records import Split

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def known(data_dir: Path) -> dict[Split, tuple[takes.Take, ...]]:
    """All of each split."""
    return {split: takes.read(data_dir, split) for split in Split}


def test_each_recording_is_in_one_split(known: dict[Split, tuple[takes.Take, ...]]) -> None:
    """And is what its split says."""
    ids = [take.id for some in known.values() for take in some]
    assert len(ids) == len(set(ids)) > 4_000
    for split, some in known.items():
        assert {take.recording.split for take in some} == {split}
        assert {take.data_set for take in some} == set(takes.SETS)


def test_no_series_of_effects_is_divided(known: dict[Split, tuple[takes.Take, ...]]) -> None:
    """What a map learns from is not what it is judged on."""
    families = {
        split: {(take.data_set, take.family) for take in some if take.data_set == "effects-cc"}
        for split, some in known.items()
    }
    train, validation, test = (families[split] for split in Split)
    assert not train & validation
    assert not (train | validation) & test


def test_a_thing_is_a_label_of_a_source(known: dict[Split, tuple[takes.Take, ...]]) -> None:
    """Many have several takes; a label of two sources is two things."""
    things: dict[tuple[str, str, str], int] = {}
    for take in known[Split.TRAIN]:
        things[take.thing] = things.get(take.thing, 0) + 1
    assert sum(count > 1 for count in things.values()) > 200
    labels = [(data_set, label) for data_set, label, _ in things]
    assert len(set(labels)) < len(labels)
