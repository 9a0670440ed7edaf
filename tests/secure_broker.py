"""A real Mosquitto set up as docs/security.md says: certificates, passwords, access list."""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.mosquitto import PATIENCE_S, Mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from paho.mqtt.reasoncodes import ReasonCode

SHIPPED = Path(__file__).resolve().parents[1] / "configs" / "mosquitto"


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own in a folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What is to be trusted."""
        return self.folder / "ca.crt"

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """Make its key and certificate."""
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed: sudo apt install openssl")
        folder.mkdir(parents=True, exist_ok=True)
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=Test CA"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt")),
        )
        return cls(folder)

    def issue(self, name: str, *, host: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate for a name, with the hosts that it is good for, and its key."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={host}\nbasicConstraints=CA:FALSE\n")
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-CAcreateserial"),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")),
            *("-extfile", str(extensions), "-out", str(certificate)),
        )
        return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@contextmanager
def secure_broker(
    folder: Path, passwords: dict[str, str], more_rights: str = ""
) -> Iterator[tuple[Mosquitto, Authority]]:
    """The shipped configuration and access list, with paths and port of the test.

    Args:
        folder: for its files.
        passwords: of each user.
        more_rights: what a site adds at the end of the access list.
    """
    authority = Authority.create(folder / "certs")
    authority.issue("broker")
    _write_passwords(folder / "kikimimi.passwd", passwords)
    rights = (SHIPPED / "kikimimi.acl").read_text(encoding="utf-8")
    (folder / "kikimimi.acl").write_text(f"{rights}\n{more_rights}", encoding="utf-8")
    (folder / "db").mkdir()
    lines = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8").splitlines(keepends=True)
    settings = (
        "".join(line for line in lines if not line.startswith("#"))
        .replace("/etc/mosquitto", str(folder))
        .replace("/var/lib/mosquitto", str(folder / "db"))
        .replace("listener 8883\n", "")
    )
    assert settings.count(str(folder)) == 6, "the test does not know a path of mosquitto.conf"
    broker = Mosquitto(folder, settings=settings)
    broker.start()
    try:
        yield broker, authority
    finally:
        broker.kill()


def _write_passwords(file: Path, passwords: dict[str, str]) -> None:
    binary = shutil.which("mosquitto_passwd") or pytest.skip("mosquitto_passwd is not installed")
    file.write_text("")
    for user, password in passwords.items():
        subprocess.run([binary, "-b", str(file), user, password], check=True, capture_output=True)


class Person:
    """A client with a name and a password that remembers what it heard and was answered."""

    def __init__(self, port: int, authority: Authority, user: str | None, password: str) -> None:
        self.messages: list[MQTTMessage] = []
        self.connected: str | None = None
        self._answers: dict[int, str] = {}
        self._changed = threading.Condition()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"test-{user}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.tls_set(ca_certs=str(authority.certificate))
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _c, _u, mid, code, _p: self._answered(mid, code)
        self._client.on_subscribe = lambda _c, _u, mid, codes, _p: self._answered(mid, codes[0])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait(lambda: self.connected is not None)

    def _on_connect(
        self, _client: Client, _userdata: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        with self._changed:
            self.connected = str(reason)
            self._changed.notify_all()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def _answered(self, message_id: int, reason: ReasonCode) -> None:
        with self._changed:
            self._answers[message_id] = str(reason)
            self._changed.notify_all()

    def publish(
        self,
        topic: str,
        payload: str | bytes,
        *,
        response: str | None = None,
        retain: bool = False,
    ) -> str:
        """Send at QoS 1; the broker's answer."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        # Else a box whose clock nobody sets, as in a container, takes no mute at first.
        properties.MessageExpiryInterval = 300
        if response is not None:
            properties.ResponseTopic = response
            properties.CorrelationData = b"\x00\xff"
        return self._answer_to(self._client.publish(topic, payload, 1, retain, properties).mid)

    def subscribe(self, topic_filter: str) -> str:
        """Ask for messages; the broker's answer."""
        message_id = self._client.subscribe(topic_filter, qos=1)[1]
        assert message_id is not None
        return self._answer_to(message_id)

    def _answer_to(self, message_id: int) -> str:
        self.wait(lambda: message_id in self._answers)
        return self._answers[message_id]

    def on(self, topic: str) -> list[str]:
        """Payloads heard on a topic, in order."""
        with self._changed:
            return [m.payload.decode() for m in self.messages if m.topic == topic]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Block until a condition on what was heard holds; fail the test otherwise."""
        with self._changed:
            heard = self._changed.wait_for(condition, PATIENCE_S)
            assert heard, [(m.topic, m.payload[:200]) for m in self.messages[-20:]]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def person(port: int, authority: Authority, user: str | None, password: str) -> Iterator[Person]:
    """A client for as long as the context lasts."""
    one = Person(port, authority, user, password)
    try:
        yield one
    finally:
        one.close()
