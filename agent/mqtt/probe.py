"""Whether the broker lets this box in, asked once and without being taken for the box."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError
from agent.mqtt.connection import guest
from agent.mqtt.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.config import MqttSettings
    from agent.mqtt.connection import Connection

_HANDSHAKE_S = 10.0
_ANSWER_S = 10.0


class Step(StrEnum):
    """On the way to a login, in order."""

    FILES = "files"
    """The password's and those of TLS are read."""
    NAME = "name"
    """The host's name is looked up."""
    PORT = "port"
    """Somebody answers there."""
    TLS = "tls"
    """Both agree on keys, and the broker's certificate is trusted."""
    LOGIN = "login"
    """It is an MQTT broker, and it lets this box in."""


class LoginError(BrokerError):
    """There is no login; knows at which step it ended."""

    def __init__(self, message: str, step: Step) -> None:
        super().__init__(message)
        self.step = step


@dataclass(frozen=True, slots=True)
class Rights:
    """What a login may do."""

    version: str
    """Of MQTT that was spoken: ``5`` or ``3.1.1``."""
    refused: Mapping[str, str]
    """By topic or topic filter: why the broker refuses it."""

    @property
    def told(self) -> bool:
        """Whether the broker would say so: up to 3.1.1 it drops what it refuses without a word."""
        return self.version == "5" or bool(self.refused)


def log_in(settings: MqttSettings) -> None:
    """Connect as the box would and leave again; nothing is published, and no session is left.

    Raises:
        LoginError: nobody answers, or the box is not let in; says what to mend.
    """
    with _let_in(settings):
        pass


def ask_rights(settings: MqttSettings, topic: str, payload: str, topic_filter: str) -> Rights:
    """Log in, publish one message at QoS 1, not retained, and subscribe; leaves no session.

    Args:
        settings: of the broker.
        topic: that the box publishes on.
        payload: what is published there, which must do no harm.
        topic_filter: that the box subscribes to; what comes by it is thrown away.

    Raises:
        LoginError: nobody answers, or the box is not let in; says what to mend.
    """
    with _let_in(settings) as (connection, version):
        refused = {}
        # The subscription first: a broker that hangs up on a message would take it along.
        for name, message_id in (
            (topic_filter, connection.subscribe(topic_filter)),
            (topic, connection.publish(topic, payload, retain=False)),
        ):
            refusal = connection.outcome(message_id, lambda: False, _ANSWER_S)
            if refusal is None:
                refusal = "it hangs up on it" if connection.lost else "no answer"
            if refusal:
                refused[name] = refusal
        return Rights(version, refused)


@contextmanager
def _let_in(settings: MqttSettings) -> Iterator[tuple[Connection, str]]:
    """A connection that the broker has accepted, and its version of MQTT; closed at the end.

    Raises:
        LoginError: there is none.
    """
    version = Version(settings)
    while True:
        connection = _open(settings, v5=version.v5)
        try:
            refusal = _refusal(connection)
            if not refusal:
                yield connection, str(version)
                return
        finally:
            connection.close()
        tried = version.v5
        told = version.failed(refusal)
        # Of both versions, the second answer is the one of a broker that speaks no MQTT 5.
        if version.v5 or version.v5 == tried:
            remedy = "check mqtt.username, mqtt.password_file and the broker's log"
            why = told or f"{refusal}; {remedy}"
            raise LoginError(f"mqtt: {settings.host}:{settings.port}: {why}", Step.LOGIN)


def _open(settings: MqttSettings, *, v5: bool) -> Connection:
    """A connection on which MQTT's handshake has begun.

    Raises:
        LoginError: nobody answers, or a file of the settings cannot be read.
    """
    try:
        connection = guest(settings, "check", threading.Condition(), v5=v5)
    except BrokerError as error:
        raise LoginError(str(error), Step.FILES) from error
    try:
        connection.open()
    except BrokerError as error:
        connection.close()
        raise LoginError(f"mqtt: no connection to {error}", _step(error.__cause__)) from error
    return connection


def _step(cause: BaseException | None) -> Step:
    """Where a connection came to its end."""
    if isinstance(cause, socket.gaierror | UnicodeError):
        return Step.NAME
    return Step.TLS if isinstance(cause, ssl.SSLError) else Step.PORT


def _refusal(connection: Connection) -> str:
    """Why one version of MQTT is not let in; empty if it is."""
    connection.wait_accepted(lambda: False, _HANDSHAKE_S)
    if connection.accepted is not None:
        return "" if connection.accepted else connection.refusal
    if connection.ended:
        return f"the connection ended before an answer ({connection.ended})"
    return "no answer as of an MQTT broker"
