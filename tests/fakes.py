"""Stand-ins for what a unit test cannot wait for: only time, never a part under test."""

from __future__ import annotations


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1_767_323_045.678, synced: bool = True) -> None:
        self._now = now
        self._monotonic = 1_000.0
        self._synced = synced

    def now(self) -> float:
        """UTC time, seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self._monotonic

    def synced(self) -> bool:
        """Whether UTC was set from a reference."""
        return self._synced

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set UTC forwards or back, as a time daemon does."""
        self._now += seconds
