"""``cmd/mute``: silence descriptions by MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError, refuse_unknown
from agent.run.refusals import refuse_stale

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.core.clock import Clock
    from agent.detector.mutes import Mutes
    from agent.mqtt.payload import Fields

MUTE_CAP_S = 86_400.0
"""No site lets a mute last longer."""


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
        refuse_stale(sent_at, self._clock)
        if error_id is not None:
            refuse_unknown(error_id, self._known())
        self._mutes.mute(error_id, duration_s, operator or None)
