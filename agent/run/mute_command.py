"""``cmd/mute``: silence descriptions by MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.core.clock import Clock
    from agent.detector.mutes import Mutes
    from agent.mqtt.payload import Fields

MUTE_CAP_S = 86_400.0
"""No site lets a mute last longer."""
STALE_S = 300.0
"""A command that lay at the broker while the box was away is not what somebody wants now."""


class MuteCommand:
    """``cmd/mute``: silence a description, or all, for a while."""

    def __init__(
        self,
        mutes: Mutes,
        known: Callable[[], Collection[str]],
        clock: Clock,
        longest_s: float,
    ) -> None:
        self._mutes = mutes
        self._known = known
        self._clock = clock
        self._longest_s = longest_s

    def __call__(self, fields: Fields) -> None:
        """Mute from now on.

        Raises:
            RefusedError: a field is wrong, the description is unknown, or the command is old.
        """
        error_id = fields.text("error_id")
        duration_s = fields.number("duration_s", 0.0, MUTE_CAP_S)
        sent_at = fields.moment("ts")
        operator = fields.text("operator", default="")
        fields.finish()
        if duration_s > self._longest_s:
            raise RefusedError(Reason.of("mute_too_long", seconds=duration_s, most=self._longest_s))
        late_s = self._clock.now() - sent_at
        if self._clock.synced() and abs(late_s) > STALE_S:
            code = "time_past" if late_s > 0 else "time_ahead"
            raise RefusedError(Reason.of(code, seconds=round(abs(late_s))))
        if error_id is not None:
            refuse_unknown(error_id, self._known())
        self._mutes.mute(error_id, duration_s, operator or None)
