"""The link and who is at the other end: TLS, passwords, old and hostile brokers."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.config import MqttSettings, Protocol, TlsSettings
from agent.core.clock import SystemClock
from agent.core.errors import BrokerError
from agent.mqtt import Link, Reply
from agent.mqtt.backoff import Backoff
from agent.store import Store
from tests.agent.mqtt.connected import STATUS, link, record, wait_for_reason
from tests.fakes import FakeClock
from tests.mosquitto import PATIENCE_S, free_port, listener, mosquitto
from tests.secure_broker import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.mqtt import Incoming

pytestmark = pytest.mark.broker


@pytest.fixture
def store() -> Iterator[Store]:
    """A store of its own."""
    one = Store.in_memory()
    yield one
    one.close()


def wait_connected(box: Link) -> None:
    """Block until the link has a connection."""
    with box._changed:
        assert box._changed.wait_for(lambda: box._status.connected, PATIENCE_S), box._status


def test_certificates_are_checked_both_ways(tmp_path: Path, store: Store) -> None:
    """A trusted broker and a known box meet; a stranger's CA, name or key do not."""
    ours, theirs = Authority.create(tmp_path / "ours"), Authority.create(tmp_path / "theirs")
    certificate, key = ours.issue("broker", host="DNS:broker.example")
    own_certificate, own_key = ours.issue("press3")
    settings = (
        f"allow_anonymous true\ncafile {ours.certificate}\ncertfile {certificate}\n"
        f"keyfile {key}\nrequire_certificate true\n"
    )
    other_host = TlsSettings(ours.certificate, own_certificate, own_key)
    known = replace(other_host, insecure=True)
    strangers = {
        "certificate verify failed: self": replace(known, ca_file=theirs.certificate),
        "IP address mismatch": other_host,
        "certificate required": replace(known, cert_file=None, key_file=None),
        "with key_file": replace(known, key_file=theirs.folder / "ca.key"),
        "mqtt.tls.ca_file": replace(known, ca_file=own_key),
    }
    with mosquitto(tmp_path, settings) as broker:
        with link(broker.port, store, MqttSettings(tls=known)) as box:
            wait_connected(box)
        for reason, tls in strangers.items():
            with link(broker.port, store, MqttSettings(tls=tls, protocol=Protocol.V5)) as box:
                wait_for_reason(box, reason)
                assert box.status.connections == 0


def test_a_key_with_a_passphrase_is_refused_without_asking(tmp_path: Path, store: Store) -> None:
    """Nobody sits at the box's terminal to type it in."""
    authority = Authority.create(tmp_path)
    certificate, key = authority.issue("box")
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-in", str(key), "-aes128", "-passout", "pass:secret"]
    subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True)
    tls = TlsSettings(authority.certificate, certificate, locked)
    with link(free_port(), store, MqttSettings(tls=tls)) as box:
        assert "without passphrase" in wait_for_reason(box, "locked.key")


def test_plain_text_to_a_tls_port_is_no_connection(tmp_path: Path, store: Store) -> None:
    """A box without TLS is told so, in either protocol, and sends no password twice a second."""
    authority = Authority.create(tmp_path)
    certificate, key = authority.issue("broker")
    settings = f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n"
    with mosquitto(tmp_path, settings) as broker, link(broker.port, store) as box:
        wait_for_reason(box, f"127.0.0.1:{broker.port}")
        assert not box.status.connected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"\nhush\n", "its first line is empty; write the password there"),
        (b"\r\nhush\r\n", "its first line is empty; write the password there"),
        (b"\xef\xbb\xbf\nhush", "its first line is empty; write the password there"),
        (b"hush\nxyz\n", "several lines"),
        ("hush".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"hush\xfftell", "not UTF-8"),
        (b"xyz" * 999, "over"),
    ],
)
def test_a_bad_password_file_tells_nothing_of_its_content(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """Neither in the message nor in the error behind it, which a log would show too."""
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(BrokerError, match=reason) as caught:
        MqttSettings(username="box", password_file=file).password()
    shown = "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert not any(secret in shown for secret in ("hush", "xyz", "xff"))


@pytest.mark.parametrize(
    "content",
    [
        b"hush now",
        b"hush now\n",
        b"hush now\r\n",
        b"hush now\r\n\r\n",
        b"\xef\xbb\xbfhush now\r\n",
    ],
)
def test_a_password_is_the_line_however_an_editor_saved_it(tmp_path: Path, content: bytes) -> None:
    """With the ends of lines of any system, and with a byte-order mark in front."""
    file = tmp_path / "password"
    file.write_bytes(content)
    assert MqttSettings(username="box", password_file=file).password() == "hush now"


def test_pauses_grow_to_a_cap_with_jitter() -> None:
    """Twice as long each time, never less than half of that, and from the start after success."""
    longest = Backoff(1.0, 60.0, chance=lambda: 1.0)
    assert [longest.next() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    shortest = Backoff(1.0, 60.0, chance=lambda: 0.0)
    assert [shortest.next() for _ in range(3)] == [0.5, 1.0, 2.0]
    shortest.reset()
    assert shortest.next() == 0.5
    some = Backoff(1.0, 60.0, chance=random.Random(1).random)  # noqa: S311 - no secret
    assert len({some.next() for _ in range(8)}) == 8


def test_a_broker_of_the_old_protocol_is_spoken_to_in_it(store: Store) -> None:
    """The broker amqtt speaks 3.1.1 alone: found out without a setting."""
    port = free_port()
    broker = subprocess.Popen(
        [sys.executable, "-m", "agent.cli.demo_broker", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        record(store, "0")
        # It answers nothing at all to version 5.
        settings = MqttSettings(host="127.0.0.1", port=port)
        box = Link(settings, "box", STATUS, store, SystemClock(), handshake_s=1.0)
        box.start()
        with box._changed:
            assert box._changed.wait_for(lambda: box._status.delivered == 1, PATIENCE_S)
        box.stop(PATIENCE_S)
        assert box.status.protocol == "3.1.1"
        assert store.depth() == 0
    finally:
        broker.terminate()
        broker.wait()


class HostileBroker:
    """Answers the first packet of each connection with what it was told to; keeps count."""

    def __init__(self, *answers: bytes) -> None:
        self.first_packets: list[bytes] = []
        self._answers = answers
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        open_connections = []
        try:
            while True:
                connection = self._server.accept()[0]
                open_connections.append(connection)
                self.first_packets.append(connection.recv(1_024))
                number = min(len(self.first_packets), len(self._answers)) - 1
                if answer := self._answers[number]:
                    connection.sendall(answer)
                else:
                    connection.close()
        except OSError:  # the test is over
            for connection in open_connections:
                connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()


@pytest.mark.parametrize("answer", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", b""])
def test_a_refusal_of_version_5_is_followed_by_version_3(answer: bytes, store: Store) -> None:
    """However it is refused: in the old form, in the new one, or by hanging up."""
    broker = HostileBroker(answer, b"\x20\x02\x00\x00")
    with link(broker.port, store) as box:
        wait_connected(box)
        assert box.status.protocol == "3.1.1"
        broker.close()
    assert [packet[8] for packet in broker.first_packets] == [5, 4]  # protocol level


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x30\x02\x00\xff",  # a topic that is longer than its packet
        b"\x32\x05\x00\x01\xff\x00\x01",  # a topic that is not UTF-8
        b"\xf0\xff\xff\xff\xff\x7f",  # a length of five bytes
        b"\x90\x01\x00",  # an acknowledgement that is cut off
        random.Random(5).randbytes(4_096),  # noqa: S311 - no secret
    ],
)
def test_nonsense_from_a_broker_ends_one_connection_only(nonsense: bytes, store: Store) -> None:
    """The next one works, and nothing that waits is lost."""
    accepted = b"\x20\x03\x00\x00\x00"
    broker = HostileBroker(accepted + nonsense, accepted)
    settings = MqttSettings(protocol=Protocol.V5, keepalive_s=5)
    record(store, "waits")
    with link(broker.port, store, settings) as box:
        with box._changed:
            again = box._changed.wait_for(lambda: box._status.connections == 2, PATIENCE_S)
        assert again, box.status
        broker.close()
    assert store.depth() == 1


@pytest.mark.parametrize("protocol", [Protocol.V5, Protocol.V311])
def test_what_was_asked_while_the_box_was_down_arrives(
    tmp_path: Path, store: Store, protocol: Protocol
) -> None:
    """The broker keeps it, and it is answered when the box is back."""
    heard: list[bytes] = []

    def answer(incoming: Incoming) -> list[Reply]:
        if incoming.topic.endswith("result"):
            return []
        heard.append(incoming.payload)
        return [Reply("k/s/n/cmd/result", incoming.payload.decode())]

    def started() -> Link:
        settings = MqttSettings(host="127.0.0.1", port=broker.port, protocol=protocol)
        box = Link(settings, "box", STATUS, store, SystemClock())
        box.serve("k/s/n/cmd/#", answer)
        box.start()
        return box

    with mosquitto(tmp_path) as broker, listener(broker.port) as person:
        box = started()
        # The birth is published after the subscription.
        person.wait(lambda: person.on("status") == ["online"])
        person._client.publish("k/s/n/cmd/verdict", "early", qos=1)
        person.wait(lambda: person.on("cmd/result") == ["early"])
        box.stop(PATIENCE_S)
        person._client.publish("k/s/n/cmd/verdict", "late", qos=1).wait_for_publish(PATIENCE_S)
        box = started()
        person.wait(lambda: person.on("cmd/result") == ["early", "late"])
        box.stop(PATIENCE_S)
    assert heard == [b"early", b"late"]


def test_what_has_waited_comes_at_once_and_what_expired_does_not(
    tmp_path: Path, store: Store
) -> None:
    """The handler is told how long the box was connected, and what is left of the expiry."""
    heard: list[Incoming] = []

    def hear(incoming: Incoming) -> list[Reply]:
        heard.append(incoming)
        return [Reply("k/s/n/cmd/result", incoming.payload.decode())]

    def started() -> Link:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        box = Link(settings, "box", STATUS, store, clock)
        box.serve("k/s/n/cmd/mute", hear)
        box.start()
        return box

    def publish(payload: str, expiry_s: int | None) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        person._client.publish(
            "k/s/n/cmd/mute", payload, qos=1, properties=properties
        ).wait_for_publish(PATIENCE_S)

    clock = FakeClock()
    with mosquitto(tmp_path) as broker, listener(broker.port) as person:
        box = started()
        person.wait(lambda: person.on("status") == ["online"])
        box.stop(PATIENCE_S)
        publish("expired", 1)
        publish("lasting", 300)
        publish("plain", None)
        time.sleep(2.5)  # Mosquitto counts whole seconds
        box = started()
        person.wait(lambda: person.on("cmd/result") == ["lasting", "plain"])
        clock.advance(61.0)
        publish("late", None)
        person.wait(lambda: person.on("cmd/result")[-1] == "late")
        box.stop(PATIENCE_S)
    assert [one.after_connect_s for one in heard] == [0.0, 0.0, 61.0]
    assert heard[0].expires_in_s is not None
    assert 200 < heard[0].expires_in_s < 300
    assert [one.expires_in_s for one in heard[1:]] == [None, None]


def test_two_boxes_of_one_name_are_told_and_do_not_storm(tmp_path: Path) -> None:
    """Each pushes the other out; the reason names the setting, and pauses grow."""
    with mosquitto(tmp_path) as broker:
        settings = MqttSettings(protocol=Protocol.V5)
        with (
            link(broker.port, Store.in_memory(), settings) as one,
            link(broker.port, Store.in_memory(), settings) as other,
        ):
            with one._changed:
                told = one._changed.wait_for(
                    lambda: "give each box its own node" in one._status.reason, PATIENCE_S
                )
            assert told
            assert one.status.connections + other.status.connections < 10


def test_a_status_is_plain_values(store: Store) -> None:
    """No password can come into health through it."""
    with link(free_port(), store) as box:
        values = json.dumps(
            [getattr(box.status, name) for name in type(box.status).__dataclass_fields__]
        )
    assert "password" not in values.replace("mqtt.password_file", "")
