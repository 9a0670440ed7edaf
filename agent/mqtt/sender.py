"""What is sent on one connection, and what of it the broker has answered.

A topic that the broker refuses is held back (:mod:`agent.mqtt.refused_topics`) while all others
go on. What waits in the outbox for a held topic stays there: an alert is late then, but never
lost, and health says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from agent.core.records import OutboxMessage
    from agent.mqtt.connection import Connection
    from agent.mqtt.messages import Incoming, Reply
    from agent.mqtt.refused_topics import RefusedTopics

Handler: TypeAlias = "Callable[[Incoming], Sequence[Reply]]"
"""Takes care of a message that came in and says what to answer."""

Parcel: TypeAlias = "tuple[str, Iterator[str]]"
"""A topic, and the payloads that are to come on it one after another."""

_IN_FLIGHT = 20
_PIECES_IN_FLIGHT = 2
# Fixed header, topic length, message id and properties.
_PACKET_OVERHEAD_BYTES = 64

_log = logging.getLogger(__name__)


class Outbox(Protocol):
    """Where messages wait for the broker's acknowledgement."""

    def waiting(self, limit: int = 100, without: Collection[str] = ()) -> Sequence[OutboxMessage]:
        """The oldest messages, in order, of all topics but some."""

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the broker has answered."""

    delivered: int
    refused: tuple[str, ...]
    """The topics, one for each message."""


@dataclass(frozen=True, slots=True)
class _Sent:
    topic: str
    sequence: int | None = None
    """In the outbox."""
    holds: bool = True
    """Whether a refusal holds the topic back."""


class Sender:
    """The traffic of one connection. Used by the link's thread alone."""

    def __init__(
        self, connection: Connection, refused: RefusedTopics, topic_filters: Sequence[str]
    ) -> None:
        self._connection = connection
        self._refused = refused
        self._topic_filters = topic_filters
        self._sent: dict[int, _Sent] = {}
        self._sequences: set[int] = set()
        """In the outbox, and on their way."""

    @property
    def in_flight(self) -> int:
        """Messages that the broker has yet to answer."""
        return len(self._sent)

    @property
    def first_unanswered(self) -> str | None:
        """The topic of the oldest message that the broker has yet to answer."""
        return next((sent.topic for sent in self._sent.values() if sent.holds), None)

    def subscribe(self) -> None:
        """Ask for what comes in."""
        for wanted in self._topic_filters:
            if not self._refused.held(wanted):
                self._note(self._connection.subscribe(wanted), _Sent(wanted))

    def retry_subscriptions(self) -> None:
        """Ask again for what comes in, where the broker refused it and it is time."""
        for wanted in self._topic_filters:
            if wanted in self._refused and not self._refused.held(wanted):
                self._note(self._connection.subscribe(wanted), _Sent(wanted))

    def states(self, states: Mapping[str, str]) -> set[str]:
        """Send retained states; the topics that could not be sent now."""
        unsent: set[str] = set()
        for topic, payload in states.items():
            if self._refused.held(topic) or self._too_large(topic, payload):
                unsent.add(topic)
            else:
                self._note(self._connection.publish(topic, payload, retain=True), _Sent(topic))
        return unsent

    def take_incoming(self, handler: Handler) -> None:
        """Hand on what came in, answer, and only then acknowledge: a crash loses no message."""
        for incoming, message_id, qos in self._connection.take_incoming():
            try:
                replies = handler(incoming)
            except Exception:  # a message must never take the link down
                _log.exception("message_failed", extra={"topic": incoming.topic})
                replies = ()
            for reply in replies:
                self._note(self._connection.reply(reply), _Sent(reply.topic, holds=reply.lasting))
            self._connection.acknowledge(message_id, qos)

    def drain(self, outbox: Outbox) -> None:
        """Send what waits, a few at a time and in the order of each topic.

        Raises:
            StoreError: the outbox cannot be read.
        """
        while self.in_flight < _IN_FLIGHT:
            messages = outbox.waiting(
                limit=_IN_FLIGHT + len(self._sequences),
                without=self._refused.blocked(),
            )
            fresh = [one for one in messages if one.sequence not in self._sequences]
            if not fresh:
                return
            for message in fresh:
                if self.in_flight >= _IN_FLIGHT:
                    return
                if not self._refused.held(message.topic) and not self._send(message):
                    return

    def parcels(self, parcels: deque[Parcel]) -> None:
        """Send what somebody asked for, a piece or two at a time and behind everything else."""
        while parcels and self.in_flight < _PIECES_IN_FLIGHT:
            topic, pieces = parcels[0]
            piece = next(pieces, None)
            if piece is None or self._refused.held(topic) or self._too_large(topic, piece):
                parcels.popleft()
                continue
            message_id = self._connection.publish(topic, piece, retain=False)
            if message_id is None:
                return
            self._note(message_id, _Sent(topic))

    def settle(self, outbox: Outbox) -> Settled:
        """Forget what the broker has taken, and hold back the topics that it refused.

        Raises:
            StoreError: the outbox cannot be written.
        """
        self._refused.look()
        taken: list[int] = []
        refused: list[str] = []
        for message_id, refusal in self._connection.take_outcomes():
            sent = self._sent.pop(message_id, None)
            if sent is None:
                continue
            if sent.sequence is not None:
                self._sequences.discard(sent.sequence)
            if refusal:
                refused.append(sent.topic)
                if sent.holds:
                    self._refused.refused(sent.topic, refusal)
                continue
            self._refused.taken(sent.topic)
            if sent.sequence is not None:
                taken.append(sent.sequence)
        if taken:
            outbox.delivered(taken)
        return Settled(len(taken), tuple(refused))

    def finish(self, outbox: Outbox, states: Mapping[str, str], timeout_s: float) -> Settled:
        """Send what still waits, and wait for the broker's answers for a while.

        Raises:
            StoreError: the outbox cannot be read or written.
        """
        self.states(states)
        self.drain(outbox)
        self._connection.wait_for_outcomes(self.in_flight, timeout_s)
        return self.settle(outbox)

    def _send(self, message: OutboxMessage) -> bool:
        """Send one message of the outbox; ``False`` when the connection is gone."""
        if self._too_large(message.topic, message.payload):
            return True
        message_id = self._connection.publish(message.topic, message.payload, retain=False)
        if message_id is None:
            return False
        self._note(message_id, _Sent(message.topic, message.sequence))
        self._sequences.add(message.sequence)
        return True

    def _note(self, message_id: int | None, sent: _Sent) -> None:
        if message_id is None:
            return
        self._sent[message_id] = sent
        self._refused.sent(sent.topic)

    def _too_large(self, topic: str, payload: str) -> bool:
        """Whether the broker would hang up on a message; if so the topic is held back."""
        largest = self._connection.largest_packet_bytes
        size = len(payload.encode()) + len(topic.encode()) + _PACKET_OVERHEAD_BYTES
        if largest is None or size <= largest:
            return False
        self._refused.refused(topic, f"it takes packets of {largest} bytes at most")
        return True
