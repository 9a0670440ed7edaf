"""How often something may happen: token buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen."""

    burst: int
    """Events allowed at once after a pause."""
    per_minute: float
    """Events a minute that are allowed in the long run."""


class Bucket:
    """A token bucket."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._filled_at_s = clock.monotonic()

    def take(self) -> float:
        """0 if there was a token for now, else the seconds until there is one."""
        now_s = self._clock.monotonic()
        gained = (now_s - self._filled_at_s) * self._rate.per_minute / 60.0
        self._tokens = min(self._tokens + gained, float(self._rate.burst))
        self._filled_at_s = now_s
        if self._tokens < 1.0:
            return (1.0 - self._tokens) * 60.0 / self._rate.per_minute
        self._tokens -= 1.0
        return 0.0
