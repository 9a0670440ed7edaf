"""Follows a box from outside: hears all that it publishes, and asks things of it.

Unlike :class:`agent.mqtt.Link` it is nobody at the broker: it has no session there and no last
will. What it sends is either acknowledged by the broker or was not sent: nothing waits in it.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode

from agent.core.errors import BrokerError
from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import passing_client
from agent.mqtt.diagnosis import no_connection
from agent.mqtt.messages import Incoming
from agent.mqtt.version import REFUSED, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from agent.config import MqttSettings

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 15.0
_HANDSHAKE_S = 10.0
_ACKNOWLEDGED_S = 5.0

_log = logging.getLogger(__name__)


class Follower:
    """Keeps one subscription alive on a thread of its own. Safe to use from several threads."""

    def __init__(
        self,
        settings: MqttSettings,
        topic_filter: str,
        heard: Callable[[Incoming], None],
        changed: Callable[[], None],
    ) -> None:
        """Set up; connects to nothing before :meth:`start`.

        Args:
            settings: the broker and the login there.
            topic_filter: what to hear; retained messages come first.
            heard: told of each message, on a thread of its own; must not block.
            changed: told when :attr:`trouble` has changed.
        """
        self._settings = settings
        self._topic_filter = topic_filter
        self._heard = heard
        self._changed = changed
        self._wake = threading.Condition()
        self._stopping = False
        self._lost = False
        self._client: Client | None = None
        self._trouble = "not connected yet"
        self._acknowledged: dict[int, str] = {}
        """What the broker has answered to messages: empty, or why it refused."""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def trouble(self) -> str:
        """Why nothing is heard, and what to do; empty while all is well."""
        with self._wake:
            return self._trouble

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(_HANDSHAKE_S)

    def send(self, topic: str, payload: str) -> None:
        """Publish at QoS 1; blocks until the broker has it.

        Raises:
            BrokerError: it was not sent, was refused, or may or may not have arrived.
        """
        with self._wake:
            client = self._client
            if client is None or self._trouble:
                raise BrokerError(f"nothing was sent: {self._trouble}")
        # Not while holding the condition: paho's callbacks wait for it with a lock that this takes.
        info = client.publish(topic, payload, qos=1)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError("nothing was sent: the connection to the broker is gone")
        with self._wake:
            self._wake.wait_for(
                lambda: info.mid in self._acknowledged or self._lost, _ACKNOWLEDGED_S
            )
            refusal = self._acknowledged.pop(info.mid, None)
        if refusal is None:
            raise BrokerError("the broker did not acknowledge it: it may or may not have arrived")
        if refusal:
            raise BrokerError(f"the broker refuses {topic} ({refusal}); check its access list")

    def _run(self) -> None:
        backoff = Backoff(_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S)
        version = Version(self._settings)
        while not self._stopping:
            try:
                client = self._connect(version)
            except BrokerError as error:
                self._tell(str(error))
            else:
                backoff.reset()
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping or self._lost)
                    self._client = None
                self._close(client)
                self._tell(f"{self._where}: connection lost; see whether the broker runs")
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, backoff.next())

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connect(self, version: Version) -> Client:
        """One attempt, up to the subscription.

        Raises:
            BrokerError: it failed; says why.
        """
        settings = self._settings
        answers: list[str] = []
        """Of the handshake, then of the subscription: empty, or why it was refused."""

        def answered(refusal: str) -> None:
            with self._wake:
                answers.append(refusal)
                self._wake.notify_all()

        def on_connect(
            client: Client,
            _userdata: object,
            _flags: ConnectFlags,
            reason: ReasonCode,
            _properties: Properties | None,
        ) -> None:
            answered(f"{REFUSED}: {reason}" if reason.is_failure else "")
            if not reason.is_failure:
                client.subscribe(self._topic_filter, qos=1)

        client = passing_client(settings, "console", v5=version.v5)
        client.on_connect = on_connect
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: answered(
            f"{REFUSED} the subscription: {reasons[0]}" if reasons[0].is_failure else ""
        )
        client.on_publish = lambda _c, _u, mid, reason, _p: self._note(mid, reason)
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        with self._wake:
            self._lost = False
            self._acknowledged.clear()
        try:
            client.connect(settings.host, settings.port, keepalive=round(settings.keepalive_s))
        except (OSError, ValueError) as error:
            raise no_connection(settings, error) from error
        client.loop_start()
        with self._wake:
            both = 2
            self._wake.wait_for(
                lambda: len(answers) == both or any(answers) or self._lost or self._stopping,
                _HANDSHAKE_S,
            )
            fine = len(answers) == both and not any(answers) and not self._lost
            self._client = client if fine else None
        if not fine:
            self._close(client)
            refusal = next(filter(None, answers), "")
            told = version.failed(refusal)
            why = refusal or "no answer as of an MQTT broker"
            remedy = "check the login of the console (console.username) and the broker's log"
            raise BrokerError(f"{self._where}: {told or f'{why}; {remedy}'}")
        version.accepted()
        self._tell("")
        _log.info("broker_connected", extra={"broker": self._where})
        return client

    def _close(self, client: Client) -> None:
        with suppress(Exception):  # whatever state a broken connection is in
            client.disconnect()
        client.loop_stop()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._wake:
            self._lost = True
            self._wake.notify_all()

    def _note(self, message_id: int, reason: ReasonCode) -> None:
        with self._wake:
            self._acknowledged[message_id] = str(reason) if reason.is_failure else ""
            self._wake.notify_all()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with suppress(UnicodeDecodeError):  # of the topic, which then is none of ours
            self._heard(Incoming(message.topic, bytes(message.payload), message.retain))

    def _tell(self, trouble: str) -> None:
        with self._wake:
            before, self._trouble = self._trouble, trouble
        if before != trouble:
            if trouble and not self._stopping:
                _log.warning("broker_unreachable", extra={"reason": trouble})
            self._changed()
