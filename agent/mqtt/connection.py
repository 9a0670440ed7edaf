"""One connection to the broker: a paho client, and the notes that its callbacks leave."""

from __future__ import annotations

import secrets
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.enums import LogLevel, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.core.clock import SystemClock
from agent.mqtt.client import make_client
from agent.mqtt.diagnosis import no_connection
from agent.mqtt.messages import MAX_PACKET_BYTES, Incoming
from agent.mqtt.version import REFUSED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
    from paho.mqtt.reasoncodes import ReasonCode

    from agent.config import MqttSettings
    from agent.core.clock import Clock
    from agent.mqtt.messages import Reply

_SOCKET_FAILED = " on socket: "
_RECEIVE_MAXIMUM = 20
# A broker of MQTT 3.1.1 need not keep to the maximum above.
_INCOMING = 100
_LIVE = 200
_SUBSCRIPTION = SubscribeOptions(
    qos=1,
    noLocal=True,
    # A retained command is to be seen as such even by who is subscribed when it is sent.
    retainAsPublished=True,
    retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND,
)


class Connection:
    """One paho client, from its connect to its end.

    paho's callbacks come on its own thread and only leave notes here, under the condition that
    the link waits on: to publish while holding that condition would deadlock with them.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        status_topic: str | None,
        changed: threading.Condition,
        clock: Clock,
        *,
        v5: bool,
        heard: Callable[[Incoming], None] | None = None,
    ) -> None:
        """Make a client as :func:`make_client` does; connects to nothing yet.

        Messages are handed to ``heard`` on paho's thread, or wait for :meth:`take_incoming`.

        Raises:
            BrokerError: the password or a certificate cannot be read.
        """
        self.accepted: bool | None = None
        self.refusal = ""
        self.lost = False
        self.ended = ""
        """How the connection ended, in the words of paho."""
        self.incoming: deque[tuple[Incoming, int, int]] = deque()
        self.incoming_dropped = 0
        self.largest_packet_bytes: int | None = None
        """What the broker says that it takes."""
        self.outcomes: list[tuple[int, str]] = []
        """Message ids that the broker has answered and, where it refused one, why."""
        self._socket_error = ""
        self._settings = settings
        self._v5 = v5
        self._changed = changed
        self._clock = clock
        self._accepted_at_s = clock.monotonic()
        self._live: deque[MQTTMessageInfo] = deque()
        self._guest = status_topic is None
        self._heard = heard
        client = make_client(settings, client_id, status_topic, v5=v5)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _c, _u, mid, reason, _p: self._note(mid, reason)
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._note(mid, reasons[0])
        client.on_message = self._on_message
        client.on_log = self._on_log
        client.on_broken = self._on_broken
        self._client = client

    def open(self) -> None:
        """Connect (TCP and TLS) and begin the MQTT handshake; its result is left as a note.

        Raises:
            BrokerError: there is no connection.
        """
        settings, properties = self._settings, None
        if self._v5 and not self._guest:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = round(settings.session_expiry_s)
            properties.ReceiveMaximum = _RECEIVE_MAXIMUM
            properties.MaximumPacketSize = MAX_PACKET_BYTES
        try:
            self._client.connect(
                settings.host,
                settings.port,
                keepalive=round(settings.keepalive_s),
                clean_start=MQTT_CLEAN_START_FIRST_ONLY if properties is None else False,
                properties=properties,
            )
        except (OSError, ValueError) as error:
            raise no_connection(settings, error) from error
        self._client.loop_start()

    def wait_accepted(self, stopping: Callable[[], bool], timeout_s: float) -> bool:
        """Block until the broker has accepted, refused or hung up, or for a while."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.accepted is not None or self.lost or stopping(), timeout_s
            )
            return bool(self.accepted)

    def close(self) -> None:
        """End the connection and paho's thread."""
        with suppress(Exception):  # whatever state a broken connection is in
            self._client.disconnect()
        self._client.loop_stop()
        self._client.release()

    def publish(
        self, topic: str, payload: str, *, retain: bool, expires_s: int | None = None
    ) -> int | None:
        """Send at QoS 1; the message id, or ``None`` when the connection is gone.

        Args:
            topic: where to.
            payload: text.
            retain: whether the broker keeps it.
            expires_s: for how long it may wait at the broker, which only MQTT 5 knows.
        """
        properties = None
        if self._v5 and expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expires_s
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        return info.mid if info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def reply(self, reply: Reply) -> int | None:
        """Send an answer at QoS 1; the message id, or ``None`` when the connection is gone."""
        properties = None
        if self._v5 and reply.correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = reply.correlation
        info = self._client.publish(reply.topic, reply.payload, qos=1, properties=properties)
        return info.mid if info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def live(self, topic: str, payload: str) -> bool:
        """Send at QoS 0; ``False`` when the connection is gone or does not keep up."""
        while self._live and self._live[0].is_published():
            self._live.popleft()
        if len(self._live) >= _LIVE:
            return False
        info = self._client.publish(topic, payload, qos=0)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._live.append(info)
        return True

    def subscribe(self, topic_filter: str) -> int | None:
        """Ask for messages; the message id, or ``None`` when the connection is gone."""
        if self._v5 and not self._guest:
            rc, message_id = self._client.subscribe(topic_filter, options=_SUBSCRIPTION)
        else:
            rc, message_id = self._client.subscribe(topic_filter, qos=1)
        return message_id if rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def acknowledge(self, message_id: int, qos: int) -> None:
        """Tell the broker that a message was taken care of; until then it is delivered again."""
        self._client.ack(message_id, qos)

    def take_incoming(self) -> Iterator[tuple[Incoming, int, int]]:
        """What came in, each with its message id and QoS for :meth:`acknowledge`."""
        while self.incoming:
            with self._changed:
                one = self.incoming.popleft()
            yield one

    def take_outcomes(self) -> list[tuple[int, str]]:
        """What the broker has answered since the last call."""
        with self._changed:
            outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def wait_for_outcomes(self, count: int, timeout_s: float) -> None:
        """Block until the broker has given so many answers, or for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self.lost or len(self.outcomes) >= count, timeout_s)

    def outcome(
        self, message_id: int | None, stopping: Callable[[], bool], timeout_s: float
    ) -> str | None:
        """Block until the broker has answered one message, or for a while.

        Returns:
            Why it refused, empty where it took it; ``None`` where it did not answer.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self.lost or stopping() or message_id in dict(self.outcomes), timeout_s
            )
            answers = [refusal for one, refusal in self.outcomes if one == message_id]
            self.outcomes = [one for one in self.outcomes if one[0] != message_id]
        return answers[-1] if answers else None

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            self._accepted_at_s = self._clock.monotonic()
            self.accepted = not reason.is_failure
            self.refusal = f"{REFUSED}: {reason}" if reason.is_failure else ""
            self.largest_packet_bytes = getattr(properties, "MaximumPacketSize", None)
            self._changed.notify_all()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self.lost = True
            self.ended = str(reason)
            if reason.is_failure and not self.refusal:
                self.refusal = f"connection lost: {self._socket_error or reason}"
            self._changed.notify_all()

    def _on_log(self, _client: Client, _userdata: object, level: int, line: str) -> None:
        """The only place where paho tells why a socket failed, as for want of a certificate."""
        if level == LogLevel.MQTT_LOG_ERR and _SOCKET_FAILED in line:
            self._socket_error = line.partition(_SOCKET_FAILED)[2]

    def _on_broken(self, why: str) -> None:
        with self._changed:
            self.lost = True
            self.refusal = why
            self._changed.notify_all()

    def _note(self, message_id: int, reason: ReasonCode) -> None:
        with self._changed:
            self.outcomes.append((message_id, str(reason) if reason.is_failure else ""))
            self._changed.notify_all()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        properties = message.properties
        try:
            incoming = Incoming(
                topic=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                response_topic=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
                expires_in_s=getattr(properties, "MessageExpiryInterval", None),
                after_connect_s=self._clock.monotonic() - self._accepted_at_s,
            )
        except UnicodeDecodeError:  # of the topic
            with self._changed:
                self.incoming_dropped += 1
            return
        if self._heard is not None:
            self._heard(incoming)
            return
        with self._changed:
            if len(self.incoming) >= _INCOMING:
                # Without acknowledgement: what came at QoS 1 comes again with the next connection.
                self.incoming_dropped += 1
                return
            self.incoming.append((incoming, message.mid, message.qos))
            self._changed.notify_all()


def guest(
    settings: MqttSettings,
    who: str,
    changed: threading.Condition,
    *,
    v5: bool,
    heard: Callable[[Incoming], None] = lambda _: None,
) -> Connection:
    """A connection of nobody at the broker: no last will, no session that is taken up again.

    Its name there begins with ``who``. Messages are told to ``heard``, retained ones first.

    Raises:
        BrokerError: the password or a certificate cannot be read.
    """
    name = f"{who}-{secrets.token_hex(8)}"
    return Connection(settings, name, None, changed, SystemClock(), v5=v5, heard=heard)
