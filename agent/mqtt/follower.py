"""Follows a box from outside: hears all that it publishes, and asks things of it.

Unlike :class:`agent.mqtt.Link` it is nobody at the broker: it has no session there and no last
will. What it sends is either acknowledged by the broker or was not sent: nothing waits in it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError
from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import guest
from agent.mqtt.version import REFUSED, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config import MqttSettings
    from agent.mqtt.connection import Connection
    from agent.mqtt.messages import Incoming

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
        self._connection: Connection | None = None
        self._trouble = "not connected yet"
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

    def send(self, topic: str, payload: str, *, expires_s: int | None = None) -> None:
        """Publish at QoS 1; blocks until the broker has it.

        Args:
            topic: where to.
            payload: text.
            expires_s: for how long it may wait at the broker, which only MQTT 5 knows.

        Raises:
            BrokerError: it was not sent, was refused, or may or may not have arrived.
        """
        with self._wake:
            connection = self._connection
            if connection is None or self._trouble:
                raise BrokerError(f"nothing was sent: {self._trouble}")
        # Not while holding the condition: paho's callbacks wait for it with a lock that this takes.
        message_id = connection.publish(topic, payload, retain=False, expires_s=expires_s)
        if message_id is None:
            raise BrokerError("nothing was sent: the connection to the broker is gone")
        refusal = connection.outcome(message_id, lambda: False, _ACKNOWLEDGED_S)
        if refusal is None:
            raise BrokerError("the broker did not acknowledge it: it may or may not have arrived")
        if refusal:
            raise BrokerError(f"the broker refuses {topic} ({refusal}); check its access list")

    def _run(self) -> None:
        backoff = Backoff(_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S)
        version = Version(self._settings)
        while not self._stopping:
            try:
                connection = self._connect(version)
            except BrokerError as error:
                self._tell(str(error))
            else:
                backoff.reset()
                self._serve(connection)
                self._tell(f"{self._where}: connection lost; see whether the broker runs")
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, backoff.next())

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connect(self, version: Version) -> Connection:
        """One attempt, up to the subscription.

        Raises:
            BrokerError: it failed; says why.
        """
        connection = guest(self._settings, "console", self._wake, v5=version.v5, heard=self._heard)
        connection.open()
        refusal: str | None = None
        if connection.wait_accepted(lambda: self._stopping, _HANDSHAKE_S):
            subscription = connection.subscribe(self._topic_filter)
            refusal = connection.outcome(subscription, lambda: self._stopping, _HANDSHAKE_S)
            if refusal:
                refusal = f"{REFUSED} the subscription: {refusal}"
        elif connection.accepted is False:
            refusal = connection.refusal
        if refusal != "" or connection.lost:
            connection.close()
            told = version.failed(refusal or "")
            why = refusal or "no answer as of an MQTT broker"
            remedy = "check the login of the console (console.username) and the broker's log"
            raise BrokerError(f"{self._where}: {told or f'{why}; {remedy}'}")
        with self._wake:
            self._connection = connection
        version.accepted()
        self._tell("")
        _log.info("broker_connected", extra={"broker": self._where})
        return connection

    def _serve(self, connection: Connection) -> None:
        """Wait for the end of a connection."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or connection.lost)
            self._connection = None
        connection.close()

    def _tell(self, trouble: str) -> None:
        with self._wake:
            before, self._trouble = self._trouble, trouble
        if before != trouble:
            if trouble and not self._stopping:
                _log.warning("broker_unreachable", extra={"reason": trouble})
            self._changed()
