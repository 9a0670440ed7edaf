"""The link, against a real Mosquitto: birth, last will, order, restarts, refusals."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from agent.config import MqttSettings, Protocol
from agent.store import Store
from tests.agent.mqtt.connected import link, record, wait_for_reason
from tests.mosquitto import PATIENCE_S, Mosquitto, free_port, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.broker


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own."""
    one = Store.open(tmp_path / "state")
    yield one
    one.close()


@pytest.mark.parametrize("protocol", list(Protocol))
def test_birth_states_alerts_and_clean_goodbye(
    tmp_path: Path, store: Store, protocol: Protocol
) -> None:
    """Online, the retained state and the alerts arrive in order; a clean stop says offline."""
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        for i in range(50):
            record(store, str(i))
        with link(broker.port, store, MqttSettings(protocol=protocol)) as box:
            box.state("k/s/n/health", "fine")
            heard.wait(lambda: len(heard.on("alert")) == 50)
            heard.wait(lambda: heard.on("health") == ["fine"])
            assert heard.on("status") == ["online"]
        heard.wait(lambda: heard.on("status") == ["online", "offline"])
        assert heard.on("alert") == [str(i) for i in range(50)]
        assert store.depth() == 0
    assert box.status.delivered == 50
    assert box.status.protocol == ("3.1.1" if protocol is Protocol.V311 else "5")


def test_a_late_subscriber_finds_the_retained_states(tmp_path: Path, store: Store) -> None:
    """Status and states are there for a dashboard that starts afterwards."""
    with mosquitto(tmp_path) as broker, link(broker.port, store) as box:
        with listener(broker.port) as early:
            box.state("k/s/n/health", "old")
            box.state("k/s/n/health", "new")
            early.wait(lambda: early.on("health")[-1:] == ["new"])
        with listener(broker.port) as late:
            late.wait(lambda: late.on("health") == ["new"] and late.on("status") == ["online"])
            assert all(message.retain for message in late.messages)


def test_a_broker_that_comes_late_and_dies_loses_nothing(tmp_path: Path, store: Store) -> None:
    """No broker at the start, then one that is killed: all arrives, in order, once settled."""
    broker = Mosquitto(tmp_path, settings="allow_anonymous true\npersistence false\n")
    record(store, "0")
    with link(broker.port, store) as box:
        broker.start()
        with listener(broker.port) as heard:
            heard.wait(lambda: heard.on("alert") == ["0"])
        broker.kill()
        for i in range(1, 30):
            record(store, str(i))
        box.notify()
        broker.start()
        with listener(broker.port) as heard:
            heard.wait(lambda: heard.on("alert")[-1:] == ["29"])
            rest = heard.on("alert")
        # What was sent before the listener subscribed again is not heard, so only the order tells.
        assert rest == [str(i) for i in range(30 - len(rest), 30)]
    broker.kill()
    assert store.depth() == 0
    assert box.status.connections == 2


def test_a_killed_box_is_reported_by_its_last_will(tmp_path: Path) -> None:
    """The broker says offline for a box that vanished."""
    import subprocess
    import sys

    program = (
        "import sys, pathlib, time\n"
        "from agent.core.clock import SystemClock\n"
        "from agent.config import MqttSettings\n"
        "from agent.mqtt import Link\n"
        "from agent.store import Store\n"
        "link = Link(MqttSettings(host='127.0.0.1', port=int(sys.argv[1])), 'box',\n"
        "            'k/s/n/status', Store.in_memory(), SystemClock())\n"
        "link.start()\n"
        "time.sleep(3600)\n"
    )
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        box = subprocess.Popen([sys.executable, "-c", program, str(broker.port)])
        heard.wait(lambda: heard.on("status") == ["online"])
        box.kill()
        box.wait()
        heard.wait(lambda: heard.on("status") == ["online", "offline"])


def test_a_wrong_password_is_a_clear_state(tmp_path: Path, store: Store) -> None:
    """The reason names what to check; no password is in it."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    with mosquitto(tmp_path, settings="allow_anonymous false\n") as broker:
        settings = MqttSettings(username="box", password_file=secret, protocol=Protocol.V5)
        with link(broker.port, store, settings) as box:
            reason = wait_for_reason(box, "refused")
    assert "mqtt.password_file" in reason
    assert "hunter2" not in reason


def test_a_refused_topic_is_told_and_kept(tmp_path: Path, store: Store) -> None:
    """An access list that forbids the topic shows in the status; the message waits."""
    (tmp_path / "acl").write_text("topic write k/s/n/status\ntopic read #\n")
    settings = f"allow_anonymous true\nacl_file {tmp_path / 'acl'}\n"
    record(store, "forbidden")
    with mosquitto(tmp_path, settings) as broker, link(broker.port, store) as box:
        assert "access list" in wait_for_reason(box, "refuses")
    assert [one.payload for one in store.waiting()] == ["forbidden"]
    assert box.status.refused > 0


def test_no_broker_is_told_and_stops_at_once(store: Store) -> None:
    """The reason names host and port, and stopping does not wait for the backoff."""
    port = free_port()
    with link(port, store) as box:
        assert f"127.0.0.1:{port}" in wait_for_reason(box, "start the broker")
        box.live("k/s/n/source/mic1/level", "-30.0")
        box.stop(PATIENCE_S)
        assert not any(thread.name == "mqtt" for thread in threading.enumerate())
    assert box.status.live_discarded == 1
