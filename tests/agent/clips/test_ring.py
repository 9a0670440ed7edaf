"""What is remembered of a source, and where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clips import ClipRing
from agent.core.records import Block

RATE = 100


def block(index: int, values: np.ndarray, at: float | None = None) -> Block:
    """A block of a source that began at 1000 s."""
    captured_at = 1_000.0 + index / RATE if at is None else at
    return Block("mic1", index, captured_at, np.asarray(values, np.float32))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 70)), min_size=1, max_size=30))
def test_a_cut_is_what_was_heard_and_silence_where_it_was_lost(
    pieces: list[tuple[int, int]],
) -> None:
    """For blocks of any length with gaps of any length before them."""
    ring = ClipRing(RATE, 1.0)
    whole = np.zeros(0, np.float32)
    index = 0
    for lost, count in pieces:
        index += lost if len(whole) else 0
        values = (np.arange(index, index + count) % 50 + 1) / 64.0
        ring.push(block(index, values))
        whole = np.concatenate([whole, np.zeros(index - len(whole), np.float32), values])
        index += count
    begin, samples = ring.cut(0, index)
    assert begin == max(0, index - RATE)
    np.testing.assert_allclose(samples, whole[begin:], atol=1e-4)


def test_a_gap_longer_than_the_ring_empties_it() -> None:
    """What lies before it is too old anyway."""
    ring = ClipRing(RATE, 1.0)
    ring.push(block(0, np.full(50, 0.5)))
    ring.push(block(5_000, np.full(10, 0.25)))
    begin, samples = ring.cut(0, 6_000)
    assert begin == 5_000
    np.testing.assert_allclose(samples, 0.25, atol=1e-4)


def test_a_source_that_begins_anew_empties_it() -> None:
    """An index that goes back is another stream."""
    ring = ClipRing(RATE, 1.0)
    ring.push(block(500, np.full(50, 0.5)))
    ring.push(block(0, np.full(10, 0.25)))
    assert ring.cut(0, 1_000)[1] == pytest.approx(np.full(10, 0.25), abs=1e-4)


def test_times_are_indices_also_after_the_clock_was_set() -> None:
    """A time is looked up by the clock as it stood when the sample came."""
    ring = ClipRing(RATE, 10.0)
    ring.push(block(0, np.zeros(100)))
    ring.push(block(100, np.zeros(100)))
    ring.push(block(200, np.zeros(100), at=5_000.0))
    assert ring.index_of(1_000.5) == 50
    assert ring.index_of(5_000.25) == 225
    assert ring.index_of(999.0) is None
    assert ring.index_of(6_000.0) is None
    assert ring.time_of(150) == pytest.approx(1_001.5)
    assert ring.time_of(250) == pytest.approx(5_000.5)
