"""Hears what a box publishes: for the live view of the demo and for the benchmark."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.core.errors import BrokerError

if TYPE_CHECKING:
    from types import TracebackType

    from paho.mqtt.client import MQTTMessage

_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it arrived."""

    topic: str
    payload: str
    at: float
    """UTC of the arrival, seconds since the epoch."""


class Subscriber:
    """Subscribes to a topic filter and hands out what arrives, in order."""

    def __init__(self, host: str, port: int, topic_filter: str) -> None:
        """Connect and subscribe.

        Raises:
            BrokerError: the broker does not answer.
        """
        self._heard: queue.Queue[Heard] = queue.Queue()
        self._ready: queue.Queue[bool] = queue.Queue()
        # Every MQTT broker speaks 3.1.1.
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.on_connect = lambda client, *_: client.subscribe(topic_filter, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.put(item=True)
        self._client.on_message = self._on_message
        try:
            self._client.connect(host, port)
            self._client.loop_start()
            self._ready.get(timeout=_PATIENCE_S)
        except (OSError, queue.Empty) as error:
            raise BrokerError(
                f"{host}:{port}: no answer ({error}); start a broker there"
            ) from error

    def __enter__(self) -> Self:
        """Use it for as long as the context lasts."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def next(self, timeout_s: float) -> Heard | None:
        """The next message, or ``None`` when none came in time."""
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        payload = message.payload.decode("utf-8", "replace")
        self._heard.put(Heard(message.topic, payload, time.time()))
