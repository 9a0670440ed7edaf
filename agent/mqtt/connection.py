"""One connection to the broker: a paho client and what the broker has yet to acknowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode

if TYPE_CHECKING:
    import threading

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from agent.records import OutboxMessage


class Connection:
    """One paho client, from its connect to its end, and what the broker has yet to acknowledge.

    paho's callbacks come on its own thread and only leave notes here, under the condition that
    the link waits on: to publish while holding that condition would deadlock with them.
    """

    def __init__(self, client: Client, changed: threading.Condition) -> None:
        self.client = client
        self.accepted: bool | None = None
        self.refusal = ""
        self.lost = False
        self.acknowledged: list[tuple[int, str]] = []
        """Message id and, where the broker refused it, why."""
        self.sent = 0
        """Sequence of the last outbox message that was sent."""
        self.retry_at_s: float | None = None
        """Monotonic time until which a refusal holds the outbox back."""
        self._changed = changed
        self._unacknowledged: dict[int, int] = {}
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish

    @property
    def in_flight(self) -> int:
        """Outbox messages that the broker has yet to acknowledge."""
        return len(self._unacknowledged)

    def publish(self, message: OutboxMessage) -> bool:
        """Send one outbox message; ``False`` when the connection is gone."""
        info = self.client.publish(message.topic, message.payload, qos=1)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._unacknowledged[info.mid] = message.sequence
        self.sent = message.sequence
        return True

    def publish_state(self, topic: str, payload: str) -> MQTTMessageInfo:
        """Send a retained state."""
        return self.client.publish(topic, payload, qos=1, retain=True)

    def settle(self) -> tuple[list[int], list[str]]:
        """Sequences that the broker has taken, and its reasons for those that it refused."""
        with self._changed:
            acknowledged, self.acknowledged = self.acknowledged, []
        delivered, refused = [], []
        for message_id, refusal in acknowledged:
            sequence = self._unacknowledged.pop(message_id, None)
            if refusal:
                refused.append(refusal)
            elif sequence is not None:
                delivered.append(sequence)
        return delivered, refused

    def pause(self, until_s: float) -> None:
        """Hold the outbox back until a monotonic time: the broker refused a message."""
        self.retry_at_s = until_s

    def rewind(self) -> None:
        """Send again from the oldest message that waits."""
        self.retry_at_s = None
        self.sent = 0
        self._unacknowledged.clear()

    def close(self) -> None:
        """End the connection and paho's thread."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self.accepted = not reason.is_failure
            self.refusal = f"refused: {reason}" if reason.is_failure else ""
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
            if reason.is_failure and not self.refusal:
                self.refusal = f"connection lost: {reason}"
            self._changed.notify_all()

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        message_id: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self.acknowledged.append((message_id, str(reason) if reason.is_failure else ""))
            self._changed.notify_all()
