"""Splits by hash and by time."""

from __future__ import annotations

from collections import Counter

import pytest

from training.data.readers.splits import by_hash, by_time
from training.data.records import Split


def test_hash_gives_each_split_its_share() -> None:
    """Six tenths, three twentieths and a quarter of many sources."""
    counts = Counter(by_hash(f"source {i}") for i in range(10_000))
    assert counts[Split.TRAIN] == pytest.approx(6_000, abs=150)
    assert counts[Split.VALIDATION] == pytest.approx(1_500, abs=110)
    assert counts[Split.TEST] == pytest.approx(2_500, abs=130)


def test_hash_is_for_ever() -> None:
    """Another machine and another year split alike; Python's own hash would not."""
    names = ("press", "lathe", "旋盤", "fan")
    assert [by_hash(name) for name in names] == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.TEST]


def test_time_runs_from_train_to_test() -> None:
    """Never back; the last of several is for the test."""
    order = [Split.TRAIN, Split.VALIDATION, Split.TEST]
    for count in range(2, 100):
        ranks = [order.index(split) for split in by_time(count)]
        assert ranks == sorted(ranks)
        assert (ranks[0], ranks[-1]) == (0, 2)
    assert Counter(by_time(100)) == {Split.TRAIN: 60, Split.VALIDATION: 15, Split.TEST: 25}


def test_single_clip_is_for_training() -> None:
    """One take alone tests nothing but itself; none is nothing."""
    assert by_time(1) == (Split.TRAIN,)
    assert by_time(0) == ()
