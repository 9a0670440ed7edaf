"""The ring between the sound card's thread and ours."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.capture.ring import RingBuffer


def counted(start: int, count: int) -> np.ndarray:
    """Frames of two channels that tell their own position."""
    numbers = np.arange(start, start + count, dtype=np.float32)
    return np.stack((numbers, -numbers), axis=1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 25)), max_size=60))
def test_every_frame_comes_at_its_position(steps: list[tuple[bool, int]]) -> None:
    """Whatever the order of writes and reads, frames come once, in order, the oldest lost first."""
    ring = RingBuffer(16, 2)
    written = expected = 0
    for is_write, count in steps:
        if is_write:
            ring.write(counted(written, count))
            written += count
            continue
        position, frames = ring.read(count)
        assert position == max(expected, written - 16)
        assert len(frames) == min(count, written - position)
        np.testing.assert_array_equal(frames, counted(position, len(frames)))
        expected = position + len(frames)
    assert ring.written == written
    assert ring.waiting == written - expected


def test_frames_stay_whole_while_a_thread_writes() -> None:
    """A reader that is overtaken gets other frames, never torn ones."""
    ring = RingBuffer(4_096, 2)
    total = 400_000
    frames = counted(0, total)

    def write() -> None:
        for start in range(0, total, 1_000):
            ring.write(frames[start : start + 1_000])

    writer = threading.Thread(target=write)
    writer.start()
    position = 0
    while position < total:
        start, read = ring.read(4_096)
        assert start >= position
        np.testing.assert_array_equal(read, frames[start : start + len(read)])
        position = start + len(read)
    writer.join()
