"""What probably listens on a port that gave no answer as of an MQTT broker, and what to change.

The port itself is asked, as a stranger would ask it: no name and no password is sent.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError
from agent.mqtt.tls import tls_context

if TYPE_CHECKING:
    from agent.config import MqttSettings

START_IT = "start the broker there, or set mqtt.host, mqtt.port and mqtt.tls"

# On one network an answer takes some milliseconds; a server that waits for the end of a line of
# HTTP gives none to MQTT, however long it is waited for.
_ANSWER_S = 2.0
_MOST_BYTES = 1_024

_UPGRADE = (
    "GET /mqtt HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2lraW1pbWkga2lraW1pbQ==\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
)
_WEB, _WEBSOCKETS = b"HTTP/", b" 101 "
_LEVELS = {"3.1.1": (b"MQTT", 4), "5": (b"MQTT", 5), "3.1": (b"MQIsdp", 3)}
"""Name and level of the protocol in the first packet of each version of MQTT."""
_CONNACK = b"\x20"
_WRONG_VERSION = frozenset({0x01, 0x84})
"""What a broker answers to a version that it does not speak, up to 3.1.1 and in 5."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What listens there."""

    encrypted: bool
    """Whether it speaks TLS."""
    web: bool = False
    """Whether it speaks HTTP ..."""
    websockets: bool = False
    """... and MQTT within it."""
    version: str = ""
    """Of MQTT, that it takes; empty where it takes none."""


def no_connection(settings: MqttSettings, error: Exception) -> BrokerError:
    """The error to raise where not even the connection came about.

    Args:
        settings: what was tried.
        error: how it ended.
    """
    told = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = (
            "name the broker's CA in mqtt.tls.ca_file, and in mqtt.host a name that its "
            "certificate is made for"
        )
    else:
        remedy = START_IT
        nobody = isinstance(error, ConnectionRefusedError | socket.gaierror)
        if settings.tls is not None and not nobody:
            told = diagnosis(settings)
    where = f"{settings.host}:{settings.port}"
    return BrokerError(f"{where}: {told or f'{error}; {remedy}'}")


def diagnosis(settings: MqttSettings) -> str:
    """What is probably wrong, and the setting to change; empty where that cannot be told.

    Args:
        settings: with which no broker was reached, though somebody listens there.
    """
    try:
        found = _look(settings)
    except (OSError, ValueError):  # nobody is there any more, or the name cannot be one
        return ""
    if found.websockets:
        spoken = "MQTT over websockets"
    elif found.web:
        spoken = "a web server (HTTP), no MQTT,"
    elif found.encrypted and settings.tls is None:
        return (
            "this looks like a port for TLS, and mqtt.tls.enabled is false; write "
            "mqtt.tls.enabled: true and the broker's CA in mqtt.tls.ca_file, or set mqtt.port to "
            "its port without TLS (often 1883)"
        )
    elif not found.encrypted and settings.tls is not None:
        if not found.version:
            return ""
        return (
            "this looks like a port without TLS, and mqtt.tls.enabled is true; set mqtt.port to "
            "the broker's port for TLS (often 8883), or write mqtt.tls.enabled: false"
        )
    else:
        return _of_version(settings, found.version)
    port = "often 8883" if settings.tls is not None else "often 1883, with TLS 8883"
    return f"{spoken} seems to answer here; set mqtt.port to the broker's port for MQTT ({port})"


def _of_version(settings: MqttSettings, version: str) -> str:
    if version == "3.1":
        return (
            "the broker seems to speak MQTT 3.1 alone, which is too old (5 or 3.1.1 is needed); "
            "update it, or name another one in mqtt.host"
        )
    if version and settings.protocol not in ("auto", version):
        return (
            f"the broker seems to speak MQTT {version}, not {settings.protocol}; "
            "write mqtt.protocol: auto"
        )
    return ""


def _look(settings: MqttSettings) -> _Found:
    """Ask one question after another, those first that every server answers at once.

    Raises:
        OSError: nobody is there any more.
    """
    upgrade = _UPGRADE.format(host=settings.host).encode("utf-8", "replace")
    answer = _ask(settings, upgrade, None)
    if answer.startswith(_WEB):
        return _Found(encrypted=False, web=True, websockets=_WEBSOCKETS in answer)
    context = _trusting(settings)
    encrypted = _speaks_tls(settings, context)
    if not encrypted:
        return _Found(encrypted=False, version=_version(settings, None))
    answer = _ask(settings, upgrade, context)
    if answer.startswith(_WEB):
        return _Found(encrypted=True, web=True, websockets=_WEBSOCKETS in answer)
    return _Found(encrypted=True, version=_version(settings, context))


def _version(settings: MqttSettings, context: ssl.SSLContext | None) -> str:
    for version, (name, level) in _LEVELS.items():
        answer = _ask(settings, _connect(name, level), context)
        if answer[:1] == _CONNACK and len(answer) > 3 and answer[3] not in _WRONG_VERSION:  # noqa: PLR2004 - the reason is its fourth byte
            return version
    return ""


def _connect(name: bytes, level: int) -> bytes:
    """The first packet of a client without a name and a session."""
    who = f"probe-{secrets.token_hex(4)}".encode()
    clean_session, keepalive_s, no_properties = 0x02, 10, b"\x00" if level >= 5 else b""  # noqa: PLR2004 - of MQTT 5
    body = b"".join(
        (
            _text(name),
            bytes((level, clean_session, 0, keepalive_s)),
            no_properties,
            _text(who),
        )
    )
    return bytes((0x10, len(body))) + body


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _trusting(settings: MqttSettings) -> ssl.SSLContext:
    """TLS with anybody: no secret is sent, only what is spoken there is asked."""
    context = ssl.create_default_context()
    if settings.tls is not None:
        with suppress(BrokerError):
            context = tls_context(settings.tls)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _speaks_tls(settings: MqttSettings, context: ssl.SSLContext) -> bool:
    with socket.create_connection((settings.host, settings.port), _ANSWER_S) as plain:
        try:
            context.wrap_socket(plain, server_hostname=settings.host).close()
        except ssl.SSLError as error:
            # An alert is a word of TLS too: such as for want of a certificate of this box.
            return "ALERT" in (error.reason or "")
        except OSError:
            return False
    return True


def _ask(settings: MqttSettings, question: bytes, context: ssl.SSLContext | None) -> bytes:
    """What is answered first; nothing where it hangs up or says nothing.

    Raises:
        OSError: there is no connection.
    """
    with socket.create_connection((settings.host, settings.port), _ANSWER_S) as plain:
        try:
            channel = plain
            if context is not None:
                channel = context.wrap_socket(plain, server_hostname=settings.host)
            with channel:
                channel.sendall(question)
                return channel.recv(_MOST_BYTES)
        except OSError:
            return b""
