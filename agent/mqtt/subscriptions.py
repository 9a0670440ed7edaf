"""What the link listens to: topic filters, and who takes what comes in on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.mqtt.messages import Incoming, Reply
    from agent.mqtt.sender import Handler

_BELOW = "/#"


@dataclass(frozen=True, slots=True)
class _Subscription:
    topic_filter: str
    handler: Handler
    without: str
    """What is missed where the broker refuses it, for a person."""

    def takes(self, topic: str) -> bool:
        """Whether a message on a topic belongs to it."""
        if self.topic_filter.endswith(_BELOW):
            return topic.startswith(self.topic_filter.removesuffix("#"))
        return topic == self.topic_filter


class Subscriptions:
    """All of them; complete before the link starts."""

    def __init__(self) -> None:
        self._all: list[_Subscription] = []

    def add(self, topic_filter: str, handler: Handler, without: str) -> None:
        """Hand what comes in on some topics to a handler.

        Args:
            topic_filter: one topic, or all below one (``a/b/#``).
            handler: takes care of each message.
            without: what is missed where the broker refuses it, for a person.
        """
        self._all.append(_Subscription(topic_filter, handler, without))

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(one.topic_filter for one in self._all)

    @property
    def missed(self) -> Mapping[str, str]:
        """By filter, what is missed where the broker refuses it."""
        return {one.topic_filter: one.without for one in self._all}

    def handle(self, incoming: Incoming) -> Sequence[Reply]:
        """Hand a message to the first that it belongs to; what to answer.

        A session from when there were others may still deliver: that is taken, and nothing done.
        """
        for one in self._all:
            if one.takes(incoming.topic):
                return one.handler(incoming)
        return ()
