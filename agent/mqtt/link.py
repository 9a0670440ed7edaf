"""The link to the MQTT broker: birth, last will, retained states, and the outbox drained in order.

One paho client lives for one connection. What has to arrive waits in the outbox (SQLite) and in
the table of retained states, not in paho's memory, so a client can be thrown away at any time
and the next connection sends, in order, whatever the broker has not acknowledged. A message may
therefore arrive twice, as QoS 1 allows; it never overtakes another and is never lost.

Nothing here blocks the audio path: callers leave their message and go on.
"""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.errors import BrokerError, StoreError
from agent.mqtt.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.clock import Clock
    from agent.config import MqttSettings
    from agent.records import OutboxMessage

ONLINE = "online"
OFFLINE = "offline"

_HANDSHAKE_S = 10.0
_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
_IN_FLIGHT = 20
# A refused message is tried again, in case somebody mends the broker's access list.
_REFUSED_PAUSE_S = 30.0
_GOODBYE_S = 3.0
_STORE_PAUSE_S = 5.0
_UNSUPPORTED_PROTOCOL = ("Unsupported protocol version", "Protocol error")

_log = logging.getLogger(__name__)


class Outbox(Protocol):
    """Where messages wait for the broker's acknowledgement."""

    def waiting(self, after: int = 0, limit: int = 100) -> Sequence[OutboxMessage]:
        """The oldest messages after a sequence number, in order."""

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link is doing, for health."""

    connected: bool = False
    reason: str = "not connected yet"
    """Why there is no connection, or what the broker refuses; empty when all is well."""
    protocol: str = ""
    connections: int = 0
    delivered: int = 0
    refused: int = 0
    live_discarded: int = 0
    """Live values (QoS 0) that met no connection."""


class Link:
    """Keeps one box connected to its broker, for ever, on a thread of its own."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        status_topic: str,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._status_topic = status_topic
        self._outbox = outbox
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._states: dict[str, str] = {}
        self._unsent_states: set[str] = set()
        self._outbox_changed = True
        self._rewind = False
        self._connection: Connection | None = None
        self._status = LinkStatus()
        self._protocol = (
            MQTTProtocolVersion.MQTTv311
            if settings.protocol == "3.1.1"
            else MQTTProtocolVersion.MQTTv5
        )
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def status(self) -> LinkStatus:
        """How the link is doing now."""
        with self._changed:
            return self._status

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

    def use_outbox(self, outbox: Outbox) -> None:
        """Drain another outbox from now on (the state folder came back)."""
        with self._changed:
            self._outbox = outbox
            self._rewind = True
            self._outbox_changed = True
            self._changed.notify_all()

    def notify(self) -> None:
        """Tell that the outbox holds something new."""
        with self._changed:
            self._outbox_changed = True
            self._changed.notify_all()

    def state(self, topic: str, payload: str) -> None:
        """Publish a retained state; only the latest of a topic is kept for a broken link."""
        with self._changed:
            if self._states.get(topic) == payload:
                return
            self._states[topic] = payload
            self._unsent_states.add(topic)
            self._changed.notify_all()

    def live(self, topic: str, payload: str) -> None:
        """Publish a passing value at QoS 0; discarded, and counted, without a connection."""
        with self._changed:
            connection = self._connection
            if connection is None:
                self._status = replace(self._status, live_discarded=self._status.live_discarded + 1)
                return
        connection.client.publish(topic, payload, qos=0)

    def _run(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while not self._stopping:
            try:
                connection = self._connect()
            except BrokerError as error:
                self._report(connected=False, reason=str(error))
                # Jitter keeps a factory's boxes from knocking all at once after a power cut.
                pause_s = backoff_s * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, pause_s)
                continue
            backoff_s = _FIRST_BACKOFF_S
            try:
                self._serve(connection)
            finally:
                connection.close()

    def _connect(self) -> Connection:
        """One attempt: TCP, TLS and the MQTT handshake.

        Raises:
            BrokerError: no connection came about; says why.
        """
        settings = self._settings
        where = f"{settings.host}:{settings.port}"
        connection = Connection(self._new_client(), self._changed)
        expiry = None
        if self._protocol is MQTTProtocolVersion.MQTTv5:
            expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            expiry.SessionExpiryInterval = round(settings.session_expiry_s)
        try:
            connection.client.connect(
                settings.host,
                settings.port,
                keepalive=round(settings.keepalive_s),
                clean_start=MQTT_CLEAN_START_FIRST_ONLY if expiry is None else False,
                properties=expiry,
            )
        except (OSError, ValueError) as error:
            message = f"{where}: {error}; start the broker there, or set mqtt.host and mqtt.port"
            raise BrokerError(message) from error
        connection.client.loop_start()
        with self._changed:
            self._changed.wait_for(
                lambda: connection.accepted is not None or connection.lost or self._stopping,
                _HANDSHAKE_S,
            )
            accepted, refusal = connection.accepted, connection.refusal
            if accepted:
                self._connection = connection
                self._unsent_states = set(self._states)
                self._outbox_changed = True
                self._status = replace(self._status, connections=self._status.connections + 1)
        if accepted:
            self._report(connected=True, reason="")
            _log.info("broker_connected", extra={"broker": where, "protocol": self._version})
            return connection
        connection.close()
        self._consider_other_protocol(refusal)
        message = (
            f"{where}: the broker {refusal or 'did not answer as an MQTT broker'}; "
            "check mqtt.username, mqtt.password_file and the broker's log"
        )
        raise BrokerError(message)

    def _consider_other_protocol(self, refusal: str) -> None:
        """Brokers of MQTT 3.1.1 refuse v5, or hang up on it without a word."""
        speaks_other = not refusal or any(hint in refusal for hint in _UNSUPPORTED_PROTOCOL)
        if self._settings.protocol == "auto" and speaks_other:
            self._protocol = (
                MQTTProtocolVersion.MQTTv311
                if self._protocol is MQTTProtocolVersion.MQTTv5
                else MQTTProtocolVersion.MQTTv5
            )

    @property
    def _version(self) -> str:
        return "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def _new_client(self) -> Client:
        settings = self._settings
        persistent = self._protocol is not MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=False if persistent else None,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.will_set(self._status_topic, OFFLINE, qos=1, retain=True)
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password())
        if settings.tls is not None:
            tls = settings.tls
            try:
                client.tls_set(
                    ca_certs=str(tls.ca_file) if tls.ca_file else None,
                    certfile=str(tls.cert_file) if tls.cert_file else None,
                    keyfile=str(tls.key_file) if tls.key_file else None,
                )
            except (OSError, ValueError) as error:
                message = f"mqtt.tls: {error}; name readable PEM files"
                raise BrokerError(message) from error
            client.tls_insecure_set(tls.insecure)
        return client

    def _serve(self, connection: Connection) -> None:
        """Publish until the connection ends or the box stops."""
        connection.publish_state(self._status_topic, ONLINE)
        while self._wait_for_work(connection):
            with self._changed:
                states = {topic: self._states[topic] for topic in sorted(self._unsent_states)}
                self._unsent_states.clear()
                self._outbox_changed = False
                outbox, rewind, self._rewind = self._outbox, self._rewind, False
            for topic, payload in states.items():
                connection.publish_state(topic, payload)
            try:
                self._drain(connection, outbox, rewind)
            except StoreError as error:
                _log.error("outbox_unreadable", extra={"reason": str(error)})
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _STORE_PAUSE_S)
                    self._outbox_changed = True
        with self._changed:
            self._connection = None
        if connection.lost:
            reason = connection.refusal or "connection lost"
            _log.warning("broker_lost", extra={"reason": reason})
            self._report(connected=False, reason=reason)
        else:
            self._say_goodbye(connection)
            self._report(connected=False, reason="stopped")

    def _wait_for_work(self, connection: Connection) -> bool:
        """Sleep until there is something to do; ``False`` when the connection is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    connection.lost
                    or self._stopping
                    or self._unsent_states
                    or self._outbox_changed
                    or connection.acknowledged
                ),
                _REFUSED_PAUSE_S if connection.retry_at_s is not None else None,
            )
            return not (connection.lost or self._stopping)

    def _drain(self, connection: Connection, outbox: Outbox, rewind: bool) -> None:
        """Settle what was acknowledged and send what waits, a few at a time and in order.

        Raises:
            StoreError: the outbox cannot be read or written.
        """
        refused = self._settle(connection, outbox)
        now_s = self._clock.monotonic()
        if refused:
            connection.pause(now_s + _REFUSED_PAUSE_S)
        if connection.retry_at_s is not None and now_s < connection.retry_at_s:
            return
        if rewind or connection.retry_at_s is not None:
            connection.rewind()
        while (room := _IN_FLIGHT - connection.in_flight) > 0:
            messages = outbox.waiting(after=connection.sent, limit=room)
            if not all(connection.publish(message) for message in messages) or not messages:
                return

    def _settle(self, connection: Connection, outbox: Outbox) -> bool:
        """Forget what the broker has taken and note what it refused; whether it refused any."""
        delivered, refused = connection.settle()
        if delivered:
            outbox.delivered(delivered)
        if refused:
            _log.warning("broker_refused_message", extra={"reason": refused[0]})
        if delivered or refused:
            trouble = "; ".join(
                f"the broker refuses: {why}; check its access list" for why in refused[:1]
            )
            with self._changed:
                self._status = replace(
                    self._status,
                    delivered=self._status.delivered + len(delivered),
                    refused=self._status.refused + len(refused),
                    reason=trouble,
                )
                self._changed.notify_all()
        return bool(refused)

    def _say_goodbye(self, connection: Connection) -> None:
        """Send what still waits, within a few seconds, and the clean ``offline``."""
        try:
            self._drain(connection, self._outbox, rewind=False)
            with self._changed:
                self._changed.wait_for(
                    lambda: connection.lost or len(connection.acknowledged) >= connection.in_flight,
                    _GOODBYE_S,
                )
            self._settle(connection, self._outbox)
        except StoreError as error:
            _log.error("outbox_unreadable", extra={"reason": str(error)})
        connection.publish_state(self._status_topic, OFFLINE).wait_for_publish(_GOODBYE_S)

    def _report(self, *, connected: bool, reason: str) -> None:
        with self._changed:
            changed = self._status.reason != reason or self._status.connected != connected
            self._status = replace(
                self._status, connected=connected, reason=reason, protocol=self._version
            )
            self._changed.notify_all()
        if changed and not connected and not self._stopping:
            _log.warning("broker_unreachable", extra={"reason": reason})
