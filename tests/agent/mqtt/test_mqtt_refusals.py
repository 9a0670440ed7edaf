"""A broker that refuses a topic, a subscription or a size: told, counted, and nothing is lost."""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.config import MqttSettings, Protocol
from agent.mqtt import Incoming, Link, Reply
from agent.store import Store
from tests.agent.mqtt.connected import STATUS, wait_for_reason
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock
from tests.mosquitto import PATIENCE_S, Mosquitto, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.broker

ALERTS, OTHERS = "k/s/n/alert", "k/s/n/other"
_EVERYTHING = "topic readwrite #\n"
# Denied topics come first, whatever their place.
_NO_ALERTS = f"topic deny {ALERTS}\ntopic readwrite #\n"


@pytest.fixture
def store() -> Iterator[Store]:
    """A store of its own."""
    one = Store.in_memory()
    yield one
    one.close()


@contextmanager
def box_at(
    broker: Mosquitto, store: Store, clock: FakeClock, protocol: Protocol = Protocol.V5
) -> Iterator[Link]:
    """A started link that takes commands, on a clock that a test turns."""
    settings = MqttSettings(host="127.0.0.1", port=broker.port, protocol=protocol)
    box = Link(settings, "box", STATUS, store, clock)
    box.serve("k/s/n/cmd/#", lambda one: [Reply("k/s/n/cmd/result", one.payload.decode())])
    box.start()
    try:
        yield box
    finally:
        box.stop(PATIENCE_S)


@contextmanager
def limited(folder: Path, acl: str) -> Iterator[Mosquitto]:
    """A broker with an access list."""
    (folder / "acl").write_text(acl)
    with mosquitto(folder, f"allow_anonymous true\nacl_file {folder / 'acl'}\n") as broker:
        yield broker


def allow(broker: Mosquitto, acl: str) -> None:
    """Change the access list of a running broker."""
    (broker.folder / "acl").write_text(acl)
    assert broker.process is not None
    broker.process.send_signal(signal.SIGHUP)


def record(store: Store, topic: str, *payloads: str) -> None:
    """Put messages into the outbox."""
    store.record(ALERT, [(topic, payload) for payload in payloads])


def wait(box: Link, condition: Callable[[], bool]) -> None:
    """Block until the link's status is as it should be."""
    with box._changed:
        assert box._changed.wait_for(condition, PATIENCE_S), box._status


def turn_until(box: Link, clock: FakeClock, condition: Callable[[], bool]) -> None:
    """Let time pass for the link until the broker has read its list again, when it gets to it."""
    while not condition():
        clock.advance(600)
        box.notify()
        with box._changed:
            box._changed.wait(0.1)


def test_a_refused_topic_waits_while_the_others_go_on(tmp_path: Path, store: Store) -> None:
    """Longer than the outbox's window, so that it would block the rest; then it is let through."""
    clock = FakeClock()
    refused = [str(i) for i in range(50)]
    record(store, ALERTS, *refused)
    record(store, OTHERS, "a", "b")
    with (
        limited(tmp_path, _NO_ALERTS) as broker,
        listener(broker.port) as heard,
        box_at(broker, store, clock) as box,
    ):
        heard.wait(lambda: heard.on("other") == ["a", "b"])
        reason = wait_for_reason(box, "refuses k/s/n/alert")
        assert "Not authorized" in reason
        assert "access list" in reason
        # The broker answers in order: all that it refuses of the first window, then these two.
        wait(box, lambda: box._status.delivered == 2)
        first = box.status.refused
        assert 0 < first <= 20
        assert [one.payload for one in store.waiting() if one.topic == ALERTS] == refused
        # Tried again, with one message alone.
        clock.advance(60)
        box.notify()
        wait(box, lambda: box._status.refused == first + 1)
        record(store, OTHERS, "c")
        box.notify()
        heard.wait(lambda: heard.on("other") == ["a", "b", "c"])
        allow(broker, _EVERYTHING)
        turn_until(box, clock, lambda: heard.on("alert") != [])
        heard.wait(lambda: heard.on("alert") == refused)
        wait(box, lambda: box._status.reason == "")
    assert store.depth() == 0


def test_a_refused_state_is_told_and_comes_when_it_is_allowed(tmp_path: Path, store: Store) -> None:
    """The latest value, without another change."""
    clock = FakeClock()
    with (
        limited(tmp_path, "topic deny k/s/n/health\n" + _EVERYTHING) as broker,
        listener(broker.port) as heard,
        box_at(broker, store, clock) as box,
    ):
        box.state("k/s/n/health", "old")
        wait_for_reason(box, "refuses k/s/n/health")
        box.state("k/s/n/health", "new")
        allow(broker, _EVERYTHING)
        turn_until(box, clock, lambda: heard.on("health") != [])
        assert heard.on("health") == ["new"]


def test_version_3_is_not_told_of_a_refusal(tmp_path: Path, store: Store) -> None:
    """The broker acknowledges and throws away: documented, because nobody can see it here."""
    record(store, ALERTS, "lost")
    with (
        limited(tmp_path, _NO_ALERTS) as broker,
        box_at(broker, store, FakeClock(), Protocol.V311) as box,
    ):
        wait(box, lambda: box._status.delivered == 1)
        assert box.status.refused == 0


@pytest.mark.parametrize("protocol", [Protocol.V5, Protocol.V311])
def test_a_refused_subscription_is_told_and_asked_for_again(
    tmp_path: Path, store: Store, protocol: Protocol
) -> None:
    """In both protocols: alerts go on, and commands arrive once it is allowed."""
    plugin = next(Path("/usr/lib").rglob("mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("mosquitto has no dynamic security plugin here")
    access = {
        "publishClientSend": True,
        "publishClientReceive": True,
        "subscribe": False,
        "unsubscribe": True,
    }
    (tmp_path / "security.json").write_text(json.dumps({"defaultACLAccess": access}))
    settings = (
        f"allow_anonymous true\nplugin {plugin}\n"
        f"plugin_opt_config_file {tmp_path / 'security.json'}\n"
    )
    clock = FakeClock()
    record(store, ALERTS, "goes on")
    with mosquitto(tmp_path, settings) as broker, box_at(broker, store, clock, protocol) as box:
        reason = wait_for_reason(box, "refuses the subscription to k/s/n/cmd/#")
        assert "no command arrives" in reason
        wait(box, lambda: box._status.delivered == 1)
        assert box.status.refused == 1
        clock.advance(60)
        box.notify()
        wait(box, lambda: box._status.refused == 2)


def test_what_is_too_large_for_the_broker_does_not_end_the_connection(
    tmp_path: Path, store: Store
) -> None:
    """The broker announces what it takes; larger ones wait, and the others go on."""
    record(store, ALERTS, "x" * 2_000)
    record(store, OTHERS, "small")
    with (
        mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 1000\n") as broker,
        listener(broker.port) as heard,
        box_at(broker, store, FakeClock()) as box,
    ):
        heard.wait(lambda: heard.on("other") == ["small"])
        wait_for_reason(box, "it takes packets of 1000 bytes at most")
        assert box.status.connections == 1
    assert [one.topic for one in store.waiting()] == [ALERTS]


def test_a_topic_at_which_the_broker_hangs_up_does_not_block_the_rest(
    tmp_path: Path, store: Store
) -> None:
    """Such as a limit that is not announced: found out, told, and everything else goes on."""
    record(store, ALERTS, "x" * 2_000)
    record(store, OTHERS, "small")
    with (
        mosquitto(tmp_path, "allow_anonymous true\nmessage_size_limit 1000\n") as broker,
        listener(broker.port) as heard,
        box_at(broker, store, FakeClock()) as box,
    ):
        heard.wait(lambda: "small" in heard.on("other"))
        reason = wait_for_reason(box, "refuses k/s/n/alert")
        assert "hangs up" in reason
        box.state("k/s/n/health", "degraded")
        heard.wait(lambda: heard.on("health") == ["degraded"])
    assert [one.topic for one in store.waiting()] == [ALERTS]


def test_our_own_payloads_are_capped_and_counted(store: Store) -> None:
    """States and live values over 64 KiB are not even tried."""
    box = Link(MqttSettings(), "box", STATUS, store, FakeClock())
    box.state("k/s/n/health", "音" * 22_000)
    box.live("k/s/n/scores", "x" * 65_537)
    assert box.status.oversized == 2
    assert box.status.live_discarded == 0
    box.live("k/s/n/scores", "x" * 65_536)
    assert box.status.live_discarded == 1


def test_what_utf_8_cannot_say_stops_nobody(tmp_path: Path, store: Store) -> None:
    """Such as the name of a file in another encoding, in a reason."""
    with (
        mosquitto(tmp_path) as broker,
        listener(broker.port) as heard,
        box_at(broker, store, FakeClock()) as box,
    ):
        box.state("k/s/n/health", "caf\udce9.yaml")
        heard.wait(lambda: heard.on("health") == ["caf?.yaml"])


def test_a_session_of_old_delivers_to_nobody_and_goes_on(tmp_path: Path, store: Store) -> None:
    """Commands were switched off since: what comes in is taken from the broker and left alone."""
    with mosquitto(tmp_path) as broker, listener(broker.port) as person:
        with box_at(broker, store, FakeClock()):
            person.wait(lambda: person.on("status") == ["online"])
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        box = Link(settings, "box", STATUS, store, FakeClock())
        box.start()
        person.wait(lambda: person.on("status") == ["online", "offline", "online"])
        person._client.publish("k/s/n/cmd/mute", "x", qos=1)
        person.wait(lambda: person.on("cmd/mute") == ["x"])
        record(store, ALERTS, "goes on")
        box.notify()
        person.wait(lambda: person.on("alert") == ["goes on"])
        connection = box._connection
        assert connection is not None
        with box._changed:
            assert box._changed.wait_for(lambda: not connection.incoming, PATIENCE_S)
        box.stop(PATIENCE_S)
    assert person.on("cmd/result") == []


def test_a_broker_that_stalls_stops_no_caller(tmp_path: Path, store: Store) -> None:
    """Live values are discarded and counted while it takes nothing; alerts wait."""
    with mosquitto(tmp_path) as broker, box_at(broker, store, FakeClock()) as box:
        wait(box, lambda: box._status.connected)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(2_000):  # more than the sockets between them hold
                box.live("k/s/n/scores", "x" * 20_000)
            assert box.status.live_discarded > 500
            record(store, ALERTS, "waits")
            box.notify()
        finally:
            broker.process.send_signal(signal.SIGCONT)
        wait(box, lambda: box._status.delivered == 1)


def test_a_flood_is_bounded_and_counted(tmp_path: Path, store: Store) -> None:
    """Messages at QoS 0 that come faster than they are taken are dropped, the link lives on."""
    taken: list[Incoming] = []
    go_on = threading.Event()

    def slow(incoming: Incoming) -> list[Reply]:
        taken.append(incoming)
        go_on.wait(PATIENCE_S)
        return []

    with mosquitto(tmp_path) as broker, listener(broker.port) as person:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        box = Link(settings, "box", STATUS, store, FakeClock())
        box.serve("k/s/n/cmd/#", slow)
        box.start()
        person.wait(lambda: person.on("status") == ["online"])
        for i in range(500):
            person._client.publish("k/s/n/cmd/mute", str(i), qos=0)
        person._client.publish("k/s/n/done", "done", qos=1)
        person.wait(lambda: person.on("done") == ["done"])
        connection = box._connection
        assert connection is not None
        until_s = time.monotonic() + PATIENCE_S
        with box._changed:
            # The last may come to another subscriber first; what is dropped wakes nobody.
            while connection.incoming_dropped < 399:
                assert time.monotonic() < until_s, connection.incoming_dropped
                box._changed.wait(0.1)
            assert len(connection.incoming) == 100
        go_on.set()
        wait(box, lambda: box._status.incoming_dropped == 399)
        box.stop(PATIENCE_S)
    assert len(taken) == 101
