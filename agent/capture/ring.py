"""The one place where the sound card's thread meets ours: a preallocated ring of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agent.core.records import FloatArray


class RingBuffer:
    """Frames from one writing thread to one reading thread, without a lock or an allocation.

    The writer never waits: when the reader is too slow, the oldest frames are overwritten, and
    the reader learns from the position of what it gets how many it lost.
    """

    def __init__(self, capacity_frames: int, channels: int) -> None:
        self._frames = np.zeros((capacity_frames, channels), np.float32)
        self._claimed = 0  # what the writer may be overwriting up to
        self.written = 0  # what is whole
        """Frames written so far."""
        self._read = 0

    @property
    def waiting(self) -> int:
        """Frames written and not yet read, lost ones included."""
        return self.written - self._read

    def write(self, frames: FloatArray) -> None:
        """Copy frames in, shape ``(frames, channels)``; only the last ones where they exceed it."""
        capacity = len(self._frames)
        end = self.written + len(frames)
        self._claimed = end
        kept = frames[-capacity:]
        start = (end - len(kept)) % capacity
        head = min(len(kept), capacity - start)
        self._frames[start : start + head] = kept[:head]
        self._frames[: len(kept) - head] = kept[head:]
        self.written = end

    def read(self, most: int) -> tuple[int, FloatArray]:
        """The oldest frames that are still whole, and the position of the first of them.

        Returns:
            Frames since the start before the first, and a copy of at most ``most`` frames.
        """
        capacity = len(self._frames)
        while True:
            start = max(self._read, self.written - capacity)
            count = min(most, self.written - start)
            first = start % capacity
            head = min(count, capacity - first)
            frames = np.concatenate(
                (self._frames[first : first + head], self._frames[: count - head])
            )
            # What the writer overtook while it was copied is torn: taken again, further on.
            if self._claimed - start <= capacity:
                self._read = start + count
                return start, frames
            self._read = self._claimed - capacity
