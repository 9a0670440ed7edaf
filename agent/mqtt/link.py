"""The link to the MQTT broker: birth, last will, retained states, outbox, and what comes in.

One paho client lives for one connection. What has to arrive waits in the outbox (SQLite) and in
the table of retained states, not in paho's memory, so a client can be thrown away at any time
and the next connection sends, in order, whatever the broker has not acknowledged. A message may
therefore arrive twice, as QoS 1 allows; within its topic it never overtakes another, and it is
never lost. What comes in is acknowledged once it was taken care of.

Nothing here blocks the audio path: callers leave their message and go on.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError, StoreError
from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import Connection
from agent.mqtt.messages import MAX_PAYLOAD_BYTES, OFFLINE, ONLINE, LinkStatus, sendable
from agent.mqtt.refused_topics import RefusedTopics
from agent.mqtt.sender import Sender
from agent.mqtt.subscriptions import Subscriptions
from agent.mqtt.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.config import MqttSettings
    from agent.core.clock import Clock
    from agent.mqtt.sender import Handler, Outbox, Parcel, Settled

_HANDSHAKE_S = 10.0
_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
# A connection that ends sooner counts as another failed attempt: two boxes of one name push each
# other out, and some brokers hang up on a message that they refuse.
_STEADY_S = 30.0
_GOODBYE_S = 3.0
_STORE_PAUSE_S = 5.0
# Files that may wait to be sent.
_PARCELS = 4

_log = logging.getLogger(__name__)


class Link:
    """Keeps one box connected to its broker, for ever, on a thread of its own."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        status_topic: str,
        outbox: Outbox,
        clock: Clock,
        *,
        handshake_s: float = _HANDSHAKE_S,
    ) -> None:
        self._handshake_s = handshake_s
        self._settings = settings
        self._client_id = client_id
        self._status_topic = status_topic
        self._outbox = outbox
        self._clock = clock
        self._subscriptions = Subscriptions()
        self._refused_topics = RefusedTopics(clock)
        self._changed = threading.Condition()
        self._stopping = False
        self._states: dict[str, str] = {status_topic: ONLINE}
        self._unsent_states: set[str] = set()
        self._outbox_changed = True
        self._connection: Connection | None = None
        self._parcels: deque[Parcel] = deque()
        self._status = LinkStatus()
        self._version = Version(settings)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def status(self) -> LinkStatus:
        """How the link is doing now."""
        with self._changed:
            return self._status

    def serve(
        self, topic_filter: str, handler: Handler, without: str = "no command arrives"
    ) -> None:
        """Hand what comes in to a handler, one at a time, as :meth:`Subscriptions.add` says."""
        self._subscriptions.add(topic_filter, handler, without)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Send what can be sent, say ``offline`` and disconnect."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def notify(self) -> None:
        """Tell that the outbox holds something new."""
        with self._changed:
            self._outbox_changed = True
            self._changed.notify_all()

    def state(self, topic: str, payload: str) -> None:
        """Publish a retained state; only the latest of a topic is kept for a broken link."""
        payload = sendable(payload)
        with self._changed:
            if self._states.get(topic) == payload or self._oversized(topic, payload):
                return
            self._states[topic] = payload
            self._unsent_states.add(topic)
            self._changed.notify_all()

    def repeat(self, topic: str) -> None:
        """Publish the state of a topic once more, as it is now; nothing where it has none."""
        with self._changed:
            if topic in self._states:
                self._unsent_states.add(topic)
                self._changed.notify_all()

    def live(self, topic: str, payload: str) -> None:
        """Publish a passing value at QoS 0; discarded, and counted, where it cannot be sent."""
        payload = sendable(payload)
        with self._changed:
            if self._oversized(topic, payload):
                return
            connection = self._connection
        if connection is not None and connection.live(topic, payload):
            return
        with self._changed:
            self._status = replace(self._status, live_discarded=self._status.live_discarded + 1)

    def parcel(self, topic: str, pieces: Iterator[str]) -> bool:
        """Send payloads one after another, behind everything else, each once and not retained.

        They are forgotten when the connection ends: whoever asked for them asks again.

        Returns:
            ``False`` where so many wait already that nothing is sent.
        """
        with self._changed:
            if len(self._parcels) >= _PARCELS:
                return False
            self._parcels.append((topic, pieces))
            self._changed.notify_all()
        return True

    def _oversized(self, topic: str, payload: str) -> bool:
        """Whether a payload is larger than ours may be; counts it if so."""
        if len(payload.encode()) <= MAX_PAYLOAD_BYTES:
            return False
        self._status = replace(self._status, oversized=self._status.oversized + 1)
        _log.warning("message_oversized", extra={"topic": topic, "characters": len(payload)})
        return True

    def _run(self) -> None:
        backoff = Backoff(_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S)
        while not self._stopping:
            try:
                connection = self._connect()
                began_s = self._clock.monotonic()
                try:
                    self._serve(connection, began_s)
                finally:
                    connection.close()
                    if self._clock.monotonic() - began_s >= _STEADY_S:
                        backoff.reset()
            except BrokerError as error:
                self._report(connected=False, reason=str(error))
            except Exception as error:  # without this thread no alert would ever leave the box
                _log.exception("link_failed")
                self._report(connected=False, reason=f"internal error: {error!r}; see the log")
            with self._changed:
                self._connection = None
                self._changed.wait_for(lambda: self._stopping, backoff.next())

    def _connect(self) -> Connection:
        """One attempt: TCP, TLS and the MQTT handshake.

        Raises:
            BrokerError: no connection came about; says why.
        """
        where = f"{self._settings.host}:{self._settings.port}"
        connection = Connection(
            self._settings,
            self._client_id,
            self._status_topic,
            self._changed,
            self._clock,
            v5=self._version.v5,
        )
        connection.open()
        if connection.wait_accepted(lambda: self._stopping, self._handshake_s):
            self._version.accepted()
            with self._changed:
                self._connection = connection
                self._unsent_states = set(self._states)
                self._outbox_changed = True
                self._status = replace(self._status, connections=self._status.connections + 1)
            self._report(connected=True, reason="")
            _log.info("broker_connected", extra={"broker": where, "protocol": str(self._version)})
            return connection
        connection.close()
        told = self._version.failed(connection.refusal)
        why = connection.refusal or "the broker does not answer as an MQTT broker"
        remedy = "check mqtt.username, mqtt.password_file and the broker's log"
        raise BrokerError(f"{where}: {told or f'{why}; {remedy}'}")

    def _serve(self, connection: Connection, began_s: float) -> None:
        """Publish and take what comes in until the connection ends or the box stops."""
        self._refused_topics.reconnected()
        sender = Sender(connection, self._refused_topics, self._subscriptions.filters)
        sender.subscribe()
        while self._wait_for_work(connection, sender):
            with self._changed:
                # The birth comes first.
                topics = sorted(
                    self._unsent_states, key=lambda one: (one != self._status_topic, one)
                )
                states = {topic: self._states[topic] for topic in topics}
                self._unsent_states.clear()
                self._outbox_changed = False
            try:
                refused = self._count(sender.settle(self._outbox))
                refused |= sender.states(states)
                sender.retry_subscriptions()
                sender.take_incoming(self._subscriptions.handle)
                sender.drain(self._outbox)
                sender.parcels(self._parcels)
            except StoreError as error:
                _log.error("outbox_unreadable", extra={"reason": str(error)})
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _STORE_PAUSE_S)
                    self._outbox_changed = True
                    self._unsent_states.update(states)
                continue
            with self._changed:
                self._unsent_states.update(refused & self._states.keys())
                dropped, connection.incoming_dropped = connection.incoming_dropped, 0
                self._status = replace(
                    self._status,
                    reason=self._refused_topics.trouble(self._subscriptions.missed),
                    incoming_dropped=self._status.incoming_dropped + dropped,
                )
                self._changed.notify_all()
        with self._changed:
            self._connection = None
            self._parcels.clear()
        if connection.lost:
            self._report(connected=False, reason=self._why_lost(connection, sender, began_s))
        else:
            self._say_goodbye(connection, sender)
            self._report(connected=False, reason="stopped")

    def _why_lost(self, connection: Connection, sender: Sender, began_s: float) -> str:
        """The reason for the end of a connection, with what may be behind an early one."""
        reason = connection.refusal or "connection lost"
        if self._clock.monotonic() - began_s >= _STEADY_S:
            return reason
        with suppress(StoreError):  # what it holds of the answered is then sent again
            self._count(sender.settle(self._outbox))
        if (topic := sender.first_unanswered) is not None:
            self._refused_topics.hung_up(topic)
        return (
            f"{reason} soon after it began; if it happens again, see whether another client is "
            f"called {self._client_id} (give each box its own node), and the broker's log"
        )

    def _wait_for_work(self, connection: Connection, sender: Sender) -> bool:
        """Sleep until there is something to do; ``False`` when the connection is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    connection.lost
                    or self._stopping
                    or self._outbox_changed
                    or connection.outcomes
                    or connection.incoming
                    or (self._parcels and not sender.in_flight)
                    or any(not self._refused_topics.held(topic) for topic in self._unsent_states)
                ),
                self._refused_topics.wake_after_s(),
            )
            return not (connection.lost or self._stopping)

    def _count(self, settled: Settled) -> set[str]:
        """Take note of what the broker has answered; the topics that it refused."""
        with self._changed:
            self._status = replace(
                self._status,
                delivered=self._status.delivered + settled.delivered,
                refused=self._status.refused + len(settled.refused),
            )
            self._changed.notify_all()
        return set(settled.refused)

    def _say_goodbye(self, connection: Connection, sender: Sender) -> None:
        """Send what still waits, within a few seconds, and the clean ``offline`` after it."""
        with self._changed:
            states = {topic: self._states[topic] for topic in sorted(self._unsent_states)}
        try:
            self._count(sender.settle(self._outbox))
            self._count(sender.finish(self._outbox, states, _GOODBYE_S))
        except StoreError as error:
            _log.error("outbox_unreadable", extra={"reason": str(error)})
        sender.states({self._status_topic: OFFLINE})
        connection.wait_for_outcomes(sender.in_flight, _GOODBYE_S)

    def _report(self, *, connected: bool, reason: str) -> None:
        with self._changed:
            before = self._status
            self._status = replace(
                before, connected=connected, reason=reason, protocol=str(self._version)
            )
            self._changed.notify_all()
        if before.reason != reason and not connected and not self._stopping:
            event = "broker_lost" if before.connected else "broker_unreachable"
            _log.warning(event, extra={"reason": reason})
