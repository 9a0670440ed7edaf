"""A port that is not what the settings take it for is named, with the setting to change."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.config import MqttSettings, Protocol, TlsSettings
from agent.core.clock import SystemClock
from agent.core.errors import BrokerError
from agent.mqtt import Follower, Link, log_in
from agent.mqtt.diagnosis import diagnosis
from agent.store import Store
from tests.agent.mqtt.connected import STATUS, wait_for_reason
from tests.mosquitto import PATIENCE_S, free_port, mosquitto
from tests.secure_broker import Authority
from tests.wrong_peers import old_broker, web_server, websocket_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.broker

TLS_PORT = "this looks like a port for TLS, and mqtt.tls.enabled is false; write mqtt.tls.enabled"
PLAIN_PORT = "this looks like a port without TLS, and mqtt.tls.enabled is true; set mqtt.port"
WEB_SERVER = "a web server (HTTP), no MQTT, seems to answer here; set mqtt.port"
WEBSOCKETS = "MQTT over websockets seems to answer here; set mqtt.port"
OLD = "the broker seems to speak MQTT 3.1 alone, which is too old (5 or 3.1.1 is needed); update"


@contextmanager
def plain(folder: Path) -> Iterator[int]:
    """Mosquitto without TLS."""
    with mosquitto(folder) as broker:
        yield broker.port


@contextmanager
def encrypted(folder: Path, more: str = "") -> Iterator[int]:
    """Mosquitto with TLS."""
    authority = Authority.create(folder)
    certificate, key = authority.issue("broker")
    files = f"cafile {authority.certificate}\ncertfile {certificate}\nkeyfile {key}\n"
    with mosquitto(folder, f"allow_anonymous true\n{files}{more}") as broker:
        yield broker.port


Peer = "Callable[[Path], AbstractContextManager[int]]"
CASES: dict[str, tuple[Peer, MqttSettings, str]] = {
    "plain to TLS": (encrypted, MqttSettings(), TLS_PORT),
    "plain to TLS that asks for a certificate": (
        lambda folder: encrypted(folder, "require_certificate true\n"),
        MqttSettings(),
        TLS_PORT,
    ),
    "TLS to plain": (plain, MqttSettings(tls=TlsSettings()), PLAIN_PORT),
    "web server": (lambda _: web_server(), MqttSettings(), WEB_SERVER),
    "TLS to a web server": (lambda _: web_server(), MqttSettings(tls=TlsSettings()), WEB_SERVER),
    "websockets": (lambda _: websocket_broker(), MqttSettings(), WEBSOCKETS),
    "3.1, refusing": (lambda _: old_broker(hangs_up=False), MqttSettings(), OLD),
    "3.1, hanging up": (lambda _: old_broker(hangs_up=True), MqttSettings(), OLD),
}


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[MqttSettings, str]]:
    """Settings that lead to a wrong port, and what should be said of it."""
    # A web server waits for the end of a line, so each of two versions would wait its ten seconds.
    monkeypatch.setattr("agent.mqtt.probe._HANDSHAKE_S", 0.5)
    monkeypatch.setattr("agent.mqtt.follower._HANDSHAKE_S", 0.5)
    monkeypatch.setattr("agent.mqtt.diagnosis._ANSWER_S", 0.5)
    for module in ("link", "follower"):
        monkeypatch.setattr(f"agent.mqtt.{module}._FIRST_BACKOFF_S", 0.05)
    peer, settings, told = CASES[request.param]
    with peer(tmp_path) as port:
        yield replace(settings, host="127.0.0.1", port=port, keepalive_s=5), told


def test_it_is_named_at_once_and_while_it_is_tried_again(
    case: tuple[MqttSettings, str], caplog: pytest.LogCaptureFixture
) -> None:
    """By ``check --online``, in the box's log and health, and on the console."""
    settings, told = case
    with pytest.raises(BrokerError) as refused:
        log_in(settings)
    assert told in str(refused.value)
    box = Link(settings, "box", STATUS, Store.in_memory(), SystemClock(), handshake_s=0.5)
    told_of = threading.Condition()

    def changed() -> None:
        with told_of:
            told_of.notify_all()

    follower = Follower(settings, "k/#", lambda _: None, changed)
    with caplog.at_level(logging.WARNING):
        box.start()
        follower.start()
        reason = wait_for_reason(box, told)
        with told_of:
            assert told_of.wait_for(lambda: told in follower.trouble, PATIENCE_S)
        box.stop(PATIENCE_S)
        follower.stop()
    assert reason.startswith(f"127.0.0.1:{settings.port}: ")
    logged = {one.name for one in caplog.records if told in str(vars(one).get("reason"))}
    assert logged == {"agent.mqtt.link", "agent.mqtt.follower"}


def test_an_old_broker_is_not_taken_for_a_refusal_of_the_login(tmp_path: Path) -> None:
    """Who is refused by a broker that speaks its version is told of the password, as before."""
    with mosquitto(tmp_path, "allow_anonymous false\n") as broker:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        for protocol in Protocol:
            with pytest.raises(BrokerError, match=r"refused: Not authorized; check mqtt\.username"):
                log_in(replace(settings, protocol=protocol))


def test_a_version_that_the_broker_does_not_speak_is_named(tmp_path: Path) -> None:
    """Where the settings insist on another."""
    with old_broker(hangs_up=False) as port:
        settings = MqttSettings(host="127.0.0.1", port=port, protocol=Protocol.V5)
        with pytest.raises(BrokerError, match=r"MQTT 3\.1 alone"):
            log_in(settings)
    with mosquitto(tmp_path) as broker, pytest.MonkeyPatch.context() as patch:
        # Mosquitto speaks all: it is asked for the newest alone, as a broker of 5 alone would.
        patch.setattr("agent.mqtt.diagnosis._LEVELS", {"5": (b"MQTT", 5)})
        settings = MqttSettings(host="127.0.0.1", port=broker.port, protocol=Protocol.V311)
        assert "speak MQTT 5, not 3.1.1; write mqtt.protocol: auto" in diagnosis(settings)


def test_nobody_and_a_stranger_are_told_as_such(tmp_path: Path) -> None:
    """No port is asked what it speaks where nobody listens, or where a CA is the trouble."""
    nobody = MqttSettings(host="127.0.0.1", port=free_port(), tls=TlsSettings())
    with pytest.raises(BrokerError, match=r"refused; start the broker there, or set mqtt\.host"):
        log_in(nobody)
    with encrypted(tmp_path) as port, pytest.raises(BrokerError) as untrusted:
        log_in(replace(nobody, port=port))
    assert "certificate verify failed" in str(untrusted.value)
    assert "name the broker's CA in mqtt.tls.ca_file" in str(untrusted.value)


def test_no_password_is_sent_to_find_out(tmp_path: Path) -> None:
    """The port is asked as a stranger would."""
    secret = tmp_path / "password"
    secret.write_text("hush")
    received = bytearray()
    server = socket.create_server(("127.0.0.1", 0))

    def keep() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            with connection:
                received.extend(connection.recv(4_096))

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    settings = MqttSettings(
        host="127.0.0.1",
        port=server.getsockname()[1],
        username="press3",
        password_file=secret,
    )
    assert diagnosis(settings) == ""
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    server.close()
    assert b"MQIsdp" in received
    assert not any(one in received for one in (b"hush", b"press3"))
