"""A real Mosquitto on a free port of this machine, and a client that keeps what it hears."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 300.0
"""Every wait is for an event: the limit only has to be longer than a busy machine takes."""


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Mosquitto:
    """A broker process that can be killed and started again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: str = "allow_anonymous true\n"
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        binary = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if binary is None:
            pytest.skip("mosquitto is not installed: script/bootstrap test installs it")
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nuser root\n{self.settings}")
        self.process = subprocess.Popen(
            [binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                if self.process.poll() is not None:
                    pytest.fail(f"mosquitto ended with {self.process.returncode}")
                if time.monotonic() > deadline:
                    pytest.fail("mosquitto does not listen")
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Listener:
    """Subscribes to everything and lets a test wait for what it expects."""

    def __init__(self, port: int, client_id: str = "listener") -> None:
        self.messages: list[MQTTMessage] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def on(self, topic_end: str) -> list[str]:
        """Payloads heard on topics that end so, in order."""
        with self._changed:
            return [m.payload.decode() for m in self.messages if m.topic.endswith(topic_end)]

    def wait(self, condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Block until a condition on what was heard holds; fail the test otherwise."""
        with self._changed:
            heard = self._changed.wait_for(condition, timeout_s)
            assert heard, [(m.topic, m.payload[:200]) for m in self.messages[-20:]]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def mosquitto(folder: Path, settings: str = "allow_anonymous true\n") -> Iterator[Mosquitto]:
    """A running broker."""
    broker = Mosquitto(folder, settings=settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@contextmanager
def listener(port: int) -> Iterator[Listener]:
    """A client that hears everything."""
    client = Listener(port)
    try:
        yield client
    finally:
        client.close()
