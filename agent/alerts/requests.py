"""What requests to keep something of people's have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.answers import Through
from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError, shown

if TYPE_CHECKING:
    from agent.core.answers import Answer
    from agent.core.clock import Clock
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.mqtt.payload import Fields

# A sender whose clock is further ahead would have said so before the sound's own end.
_AHEAD_S = 300.0


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request that was carried out."""

    duplicate: bool = False
    """Whether this very request was carried out before; nothing happened now."""
    alert_id: str | None = None
    """Of the alert that was made by it."""


def said_by(fields: Fields) -> tuple[str, float, Through]:
    """Who says something, when by their clock (UTC, seconds since the epoch), and what brings it.

    The last fields of a request: nothing else may stand in it.

    Raises:
        RefusedError: a field of the request is wrong.
    """
    operator = fields.needed("operator")
    given_at = fields.moment("ts")
    through = fields.choice("through", [choice.value for choice in Through], Through.MQTT)
    fields.finish()
    return operator, given_at, Through(through)


def refuse_ahead(given_at: float, clock: Clock) -> None:
    """Keep out what was said in the future, on a box whose clock is set.

    Raises:
        RefusedError: the sender's clock is far ahead.
    """
    ahead_s = given_at - clock.now()
    if clock.synced() and ahead_s > _AHEAD_S:
        raise RefusedError(Reason.of("clock_ahead", seconds=round(ahead_s)))


def refuse_late(code: str, since_s: float, most_s: float) -> None:
    """Keep out what comes too late to take something back.

    Args:
        code: of the reason.
        since_s: seconds since what is to be taken back came in.
        most_s: so many are not too late.

    Raises:
        RefusedError: they are more.
    """
    if since_s > most_s:
        raise RefusedError(Reason.of(code, seconds=round(since_s), most=most_s))


def repeated(request_id: str, kept: Answer | OperatorThreshold | None, *, same: bool) -> bool:
    """Whether a request was carried out before: nothing is to happen then.

    Args:
        request_id: of the request.
        kept: what was kept or taken back by that id, by whatever kind of command.
        same: whether that is what is asked for.

    Raises:
        RefusedError: the id stands for something else already.
    """
    if kept is not None and not same:
        raise request_used(request_id)
    return kept is not None


def request_used(request_id: str) -> RefusedError:
    """For a ``request_id`` that stands for something else already."""
    return RefusedError(Reason.of("request_used", request_id=shown(request_id)))
