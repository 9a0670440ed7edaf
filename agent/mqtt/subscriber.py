"""Hears what a box publishes: for the live view of the demo and for the benchmark."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config import MqttSettings, Protocol
from agent.core.errors import BrokerError
from agent.mqtt.follower import Follower

if TYPE_CHECKING:
    from agent.mqtt.messages import Incoming

_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Message:
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
        self._heard: queue.Queue[Message] = queue.Queue()
        answered = threading.Event()
        # Every MQTT broker speaks 3.1.1.
        settings = MqttSettings(host=host, port=port, protocol=Protocol.V311)
        self._follower = Follower(settings, topic_filter, self._take, answered.set)
        self._follower.start()
        answered.wait(_PATIENCE_S)
        if trouble := self._follower.trouble:
            self._follower.stop()
            reason = trouble.removeprefix(f"{host}:{port}: ").partition("; ")[0]
            raise BrokerError(f"{host}:{port}: no answer ({reason}); start a broker there")

    def close(self) -> None:
        """Disconnect."""
        self._follower.stop()

    def next(self, timeout_s: float) -> Message | None:
        """The next message, or ``None`` when none came in time."""
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _take(self, message: Incoming) -> None:
        payload = message.payload.decode("utf-8", "replace")
        self._heard.put(Message(message.topic, payload, time.time()))
