"""Hearing what a box publishes, from the start to the end of a broker."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.publish import single

from agent.core.errors import BrokerError
from agent.mqtt.subscriber import Subscriber
from tests.mosquitto import PATIENCE_S, free_port, mosquitto

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.broker


def test_what_is_published_is_heard_in_order(tmp_path: Path) -> None:
    """What was retained first; bytes that are no UTF-8 are shown as such."""
    with mosquitto(tmp_path) as broker:
        single("k/s/n/status", "online", 1, retain=True, port=broker.port)
        with closing(Subscriber("127.0.0.1", broker.port, "k/s/#")) as heard:
            for payload in (b"1", b"2", b"\xff"):
                single("k/s/n/level", payload, 1, port=broker.port)
            single("k/other/level", b"3", 1, port=broker.port)
            found = [heard.next(PATIENCE_S) for _ in range(4)]
            assert heard.next(0.1) is None
    told = [(one.topic, one.payload) for one in found if one is not None]
    levels = [("k/s/n/level", payload) for payload in ("1", "2", "\ufffd")]
    assert told == [("k/s/n/status", "online"), *levels]


def test_nobody_there_is_told_at_once() -> None:
    """With the reason, and what to do."""
    port = free_port()
    told = f"127.0.0.1:{port}: no answer ([Errno 111] Connection refused); start a broker there"
    with pytest.raises(BrokerError, match=f"^{re.escape(told)}$"):
        Subscriber("127.0.0.1", port, "#")
