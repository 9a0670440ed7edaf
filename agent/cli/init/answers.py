"""What the questions come to, each answer as the configuration would read it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.config import MicrophoneSettings, MqttSettings, Settings, TlsSettings
from agent.config.broker import PORT, PORT_TLS
from agent.config.reader import converter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.cli.words import Language

DEFAULT_SITE = "default"
DEFAULT_DEVICE = "default"
DEFAULT_BROKER = "localhost"
_NONE = frozenset({"none", "no", "-", "なし"})
_TLS = {"mqtt": False, "tcp": False, "mqtts": True, "ssl": True}
"""Schemes of a broker's address, and whether they mean TLS."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where alerts are published."""

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def usual_port(self) -> int:
        """What the configuration takes where it names none."""
        return PORT_TLS if self.tls else PORT

    def settings(self, password_file: Path | None) -> MqttSettings:
        """As the box would talk to it.

        Args:
            password_file: that holds the password.
        """
        tls = TlsSettings(ca_file=self.ca_file) if self.tls else None
        return MqttSettings(
            tls=tls,
            host=self.host,
            port=self.port,
            username=self.username,
            password_file=password_file,
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """All that is asked."""

    language: Language
    site: str
    node: str
    device: str
    broker: Broker | None
    """``None``: alerts are only stored and logged."""


def site(raw: str) -> str:
    """Where a box stands.

    Raises:
        ValueError: it cannot be a level of a topic; says what to write.
    """
    return _read(Settings, "site", raw)


def node(raw: str) -> str:
    """The name of a box.

    Raises:
        ValueError: likewise.
    """
    return _read(Settings, "node", raw)


def device(raw: str) -> str:
    """The name of a microphone, or a part of it; it is not said that there is one.

    Raises:
        ValueError: it is no text.
    """
    return _read(MicrophoneSettings, "device", raw)


def broker(raw: str) -> Broker | None:
    """A broker's address: ``host``, ``host:port``, ``mqtts://host`` for TLS; ``none`` for none.

    Raises:
        ValueError: it is something else; says what to write.
    """
    text = raw.strip()
    if text.lower() in _NONE:
        return None
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "mqtt", text
    if scheme.lower() not in _TLS:
        raise ValueError(f"write {', '.join(f'{one}://' for one in _TLS)} or no scheme")
    tls = _TLS[scheme.lower()]
    try:
        found = urlsplit(f"//{rest}")
        port = found.port
    except ValueError as error:
        raise ValueError("write a port from 1 to 65535 behind the colon") from error
    if found.path.strip("/") or found.query or found.fragment or "@" in found.netloc:
        raise ValueError("write a host name or an address, and a port behind a colon")
    host = _read(MqttSettings, "host", found.hostname or "")
    if port == 0:
        raise ValueError("write a port from 1 to 65535 behind the colon")
    return Broker(host, port or (PORT_TLS if tls else PORT), tls)


def default_node() -> str:
    """The machine's name, as far as it can be one of a box."""
    try:
        return node(socket.gethostname())
    except ValueError:
        return "kikimimi"


def _read(kind: type, name: str, raw: str) -> str:
    convert: Callable[[str], Any] = converter(kind, name)
    return str(convert(raw))
