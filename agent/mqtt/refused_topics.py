"""Topics that the broker refuses: held back, tried again, and told.

A broker says no in one of two ways. It answers with a reason (MQTT 5, and any subscription), or
it hangs up: then the message that was first without an answer is blamed, once that has happened
three times and none on its topic was taken meanwhile. A held topic is tried again with a single
message, at longer and longer intervals and after each reconnection; the first that is taken lets
the rest follow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.mqtt.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.clock import Clock

_FIRST_HOLD_S = 15.0
_LONGEST_HOLD_S = 600.0
_STRIKES = 3
_TOLD = 3

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Hold:
    why: str
    retry_at_s: float
    """Monotonic time."""
    hangs_up: bool = False
    """Whether trying it costs the connection."""
    probing: bool = False
    """Whether one message is on its way to find out."""
    backoff: Backoff = field(default_factory=lambda: Backoff(_FIRST_HOLD_S, _LONGEST_HOLD_S))


class RefusedTopics:
    """What the broker refuses, over all connections to it. Used by the link's thread alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holds: dict[str, _Hold] = {}
        self._strikes: dict[str, int] = {}
        self._looked_at_s = 0.0

    def __contains__(self, topic: str) -> bool:
        return topic in self._holds

    def held(self, topic: str) -> bool:
        """Whether nothing may be sent on a topic now."""
        hold = self._holds.get(topic)
        return hold is not None and (hold.probing or self._clock.monotonic() < hold.retry_at_s)

    def blocked(self) -> list[str]:
        """The topics of which that is so."""
        return [topic for topic in self._holds if self.held(topic)]

    def trouble(self, missed: Mapping[str, str]) -> str:
        """What the broker refuses, for a person; empty if nothing.

        Args:
            missed: by topic filter of a subscription, what is missed without it.
        """
        told = [
            f"the broker refuses the subscription to {topic} ({hold.why}), so {missed[topic]}"
            if topic in missed
            else f"the broker refuses {topic} ({hold.why})"
            for topic, hold in self._holds.items()
        ]
        if not told:
            return ""
        more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        return f"{', '.join(told[:_TOLD])}{more}; check its access list; alerts wait meanwhile"

    def look(self) -> None:
        """What is due now gets its chance."""
        self._looked_at_s = self._clock.monotonic()

    def wake_after_s(self) -> float | None:
        """Seconds until another topic is due."""
        due = [
            hold.retry_at_s
            for hold in self._holds.values()
            # Who was due already had nothing to send: waking for it again would never end.
            if not hold.probing and hold.retry_at_s > self._looked_at_s
        ]
        return max(0.0, min(due) - self._clock.monotonic()) if due else None

    def sent(self, topic: str) -> None:
        """A message is on its way: of a refused topic only one at a time is."""
        if (hold := self._holds.get(topic)) is not None:
            hold.probing = True

    def taken(self, topic: str) -> None:
        """The broker took a message."""
        self._strikes.pop(topic, None)
        if self._holds.pop(topic, None) is not None:
            _log.info("broker_takes_topic_again", extra={"topic": topic})

    def refused(self, topic: str, why: str, *, hangs_up: bool = False) -> None:
        """The broker refused a message, or would."""
        now_s = self._clock.monotonic()
        hold = self._holds.get(topic)
        if hold is None:
            hold = self._holds[topic] = _Hold(why, now_s, hangs_up)
            hold.retry_at_s += hold.backoff.next()
            _log.warning("broker_refuses_topic", extra={"topic": topic, "reason": why})
        elif hold.probing or now_s >= hold.retry_at_s:
            # Otherwise a message of the same burst, of which the first told everything.
            hold.probing, hold.hangs_up, hold.why = False, hangs_up, why
            hold.retry_at_s = now_s + hold.backoff.next()

    def hung_up(self, topic: str) -> None:
        """The connection ended soon, with a message on this topic first without an answer."""
        self._strikes[topic] = self._strikes.get(topic, 0) + 1
        if self._strikes[topic] >= _STRIKES or topic in self._holds:
            self.refused(topic, "it hangs up on it", hangs_up=True)

    def reconnected(self) -> None:
        """Nothing is on its way any more, and what was refused may be allowed now."""
        now_s = self._clock.monotonic()
        for hold in self._holds.values():
            hold.probing = False
            if not hold.hangs_up:
                hold.retry_at_s = min(hold.retry_at_s, now_s)
