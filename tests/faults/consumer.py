"""Somebody who must not miss an alert: stays subscribed whatever happens to the broker."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

_RETRY_S = 0.02
_SESSION_S = 86_400


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came."""

    payload: str
    at_s: float
    """Monotonic time."""


class Consumer:
    """Keeps every alert, the latest health and when the box's status changed.

    Its session outlives its connections, and it is back before the box is: what the broker
    acknowledges to the box has then been written to this client's socket, or waits for it.
    """

    def __init__(self, port: int, box: str) -> None:
        self.alerts: list[Arrival] = []
        self.statuses: list[Arrival] = []
        self.health: dict[str, Any] = {}
        self._port = port
        self._box = box
        self._stop = threading.Event()
        self._subscribed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_subscribed(self, timeout_s: float) -> None:
        """Block until the broker has it as a subscriber (again)."""
        assert self._subscribed.wait(timeout_s), "the consumer does not reach the broker"

    def broker_is_gone(self) -> None:
        """Tell it before the broker is started again, so that it is waited for."""
        self._subscribed.clear()

    def close(self) -> None:
        """Leave."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            client = Client(
                CallbackAPIVersion.VERSION2,
                client_id="consumer",
                protocol=MQTTProtocolVersion.MQTTv5,
                reconnect_on_failure=False,
            )
            client.on_connect = lambda client, *_: client.subscribe(f"{self._box}/#", qos=1)
            client.on_subscribe = lambda *_: self._subscribed.set()
            client.on_message = self._on_message
            lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            lasting.SessionExpiryInterval = _SESSION_S
            try:
                client.connect("127.0.0.1", self._port, clean_start=False, properties=lasting)
                while not self._stop.is_set() and client.loop(0.2) == 0:
                    pass
                if self._stop.is_set():
                    client.disconnect()
            except OSError:
                pass
            finally:
                if (broken := client.socket()) is not None:
                    broken.close()
            time.sleep(_RETRY_S)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        arrival = Arrival(message.payload.decode(), time.monotonic())
        if message.topic == f"{self._box}/alert":
            self.alerts.append(arrival)
        elif message.topic == f"{self._box}/status":
            self.statuses.append(arrival)
        elif message.topic == f"{self._box}/health":
            self.health = json.loads(arrival.payload)
