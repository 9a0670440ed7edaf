"""A link that is connected to a broker on this machine, and what it says."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.config import MqttSettings
from agent.core.clock import SystemClock
from agent.mqtt import Link
from tests.agent.store.records import ALERT
from tests.mosquitto import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.store import Store

STATUS = "k/s/n/status"


@contextmanager
def link(port: int, store: Store, settings: MqttSettings | None = None) -> Iterator[Link]:
    """A started link to a broker on this machine."""
    settings = replace(settings or MqttSettings(), host="127.0.0.1", port=port)
    one = Link(settings, "box", STATUS, store, SystemClock())
    one.start()
    try:
        yield one
    finally:
        one.stop(PATIENCE_S)


def record(store: Store, payload: str) -> None:
    """Put one message into the outbox."""
    store.record(ALERT, [("k/s/n/alert", payload)])


def wait_for_reason(box: Link, part: str) -> str:
    """The link's reason once it holds a certain part."""
    with box._changed:
        told = box._changed.wait_for(lambda: part in box._status.reason, PATIENCE_S)
        assert told, box._status
        return box._status.reason
