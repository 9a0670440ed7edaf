"""When each sample was captured, told from when sound arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.clock import Clock

# Sound arrives late now and then, never early: the earliest arrivals tell the time. A sound
# card's crystal is off by up to 200 parts per million, and the estimate follows it upwards a
# little faster. Downwards it goes at once while the stream settles, and later so slowly that
# input which comes faster than real time keeps its own even time.
_RISE = 0.0005
_FALL = 0.01
_SETTLING_S = 2.0

# Reading two clocks in turn is not exact; only a real step of UTC is taken over.
_STEP_S = 0.05


class Timeline:
    """Maps seconds of sound since a start to the monotonic clock."""

    def __init__(self, position_s: float, monotonic_s: float) -> None:
        self._start_s = monotonic_s - position_s
        self._position_s = position_s
        self._settled_at_s = position_s + _SETTLING_S

    def observe(self, position_s: float, monotonic_s: float) -> None:
        """Take note that the sample at a position was captured at a time or a little before."""
        passed_s = max(0.0, position_s - self._position_s)
        self._position_s = max(position_s, self._position_s)
        start_s = monotonic_s - position_s
        if start_s < self._start_s and position_s < self._settled_at_s:
            self._start_s = start_s
        elif start_s < self._start_s:
            self._start_s = max(start_s, self._start_s - _FALL * passed_s)
        else:
            self._start_s = min(start_s, self._start_s + _RISE * passed_s)

    def late_s(self, position_s: float, monotonic_s: float) -> float:
        """Seconds by which a sample comes later than the ones before let expect."""
        return monotonic_s - position_s - self._start_s

    def monotonic_s(self, position_s: float) -> float:
        """When the sample at a position was captured, on the monotonic clock."""
        return self._start_s + position_s


class WallClock:
    """UTC of instants on the monotonic clock; follows steps of UTC, ignores jitter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = clock.now() - clock.monotonic()

    def utc(self, monotonic_s: float) -> float:
        """UTC, seconds since the epoch, as the clock stands now."""
        before_s = self._clock.monotonic()
        offset_s = self._clock.now() - before_s
        # A thread that was held up between the two readings has not read one instant.
        held_up_s = self._clock.monotonic() - before_s
        if abs(offset_s - self._offset_s) > _STEP_S + held_up_s:
            self._offset_s = offset_s
        return self._offset_s + monotonic_s
