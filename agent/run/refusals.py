"""What several commands refuse for the same reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError

if TYPE_CHECKING:
    from agent.core.clock import Clock

STALE_S = 300.0
"""A command that lay at the broker while the box was away is not what somebody wants now."""


def refuse_stale(sent_at: float, clock: Clock) -> None:
    """Keep out what is not of now, on a box whose clock is set.

    Raises:
        RefusedError: it was sent long ago, or its sender's clock is ahead.
    """
    late_s = clock.now() - sent_at
    if clock.synced() and abs(late_s) > STALE_S:
        code = "time_past" if late_s > 0 else "time_ahead"
        raise RefusedError(Reason.of(code, seconds=round(abs(late_s))))
