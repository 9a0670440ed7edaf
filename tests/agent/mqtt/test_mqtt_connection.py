"""A connection that is over leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

from agent.config import MqttSettings
from agent.core.clock import SystemClock
from agent.mqtt.connection import Connection
from tests.mosquitto import PATIENCE_S, mosquitto

pytestmark = pytest.mark.broker


def test_closed_connection_gives_its_descriptors_back(tmp_path: Path) -> None:
    """At once: a box that meets a broker in trouble must not wait for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        with mosquitto(tmp_path) as broker:
            settings = MqttSettings(host="127.0.0.1", port=broker.port)
            _connect(settings)
            before = _descriptors()
            for _ in range(5):
                _connect(settings)
            assert _descriptors() == before
    finally:
        gc.enable()


def _connect(settings: MqttSettings) -> None:
    changed, clock = threading.Condition(), SystemClock()
    connection = Connection(settings, "box", "k/s/n/status", changed, clock, v5=True)
    connection.open()
    assert connection.wait_accepted(lambda: False, PATIENCE_S)
    connection.close()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
