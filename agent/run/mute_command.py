"""``cmd/mute``: silence descriptions by MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config.values import nearest
from agent.mqtt.payload import RefusedError, shown

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
            raise RefusedError(
                f"duration_s is {duration_s:g}, over commands.mute_longest_s; "
                f"write at most {self._longest_s:g}"
            )
        late_s = self._clock.now() - sent_at
        if self._clock.synced() and abs(late_s) > STALE_S:
            raise RefusedError(
                f"ts is {abs(late_s):.0f} s {'ago' if late_s > 0 else 'ahead'}; send it again, "
                "with the time of now"
            )
        if error_id is not None and error_id not in (known := self._known()):
            near = nearest(error_id, known)
            proposal = f"did you mean {near}?" if near else "write an id of the descriptions"
            raise RefusedError(f"error_id {shown(error_id)} is no description; {proposal}")
        self._mutes.mute(error_id, duration_s, operator or None)
