"""Whether the broker lets this box in, asked once and without being taken for the box."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError
from agent.mqtt.connection import guest
from agent.mqtt.version import Version

if TYPE_CHECKING:
    from agent.config import MqttSettings

_HANDSHAKE_S = 10.0


def log_in(settings: MqttSettings) -> None:
    """Connect as the box would and leave again; nothing is published, and no session is left.

    Raises:
        BrokerError: nobody answers, or the box is not let in; says what to mend.
    """
    version = Version(settings)
    while refusal := _refusal(settings, v5=version.v5):
        tried = version.v5
        told = version.failed(refusal)
        # Of both versions, the second answer is the one of a broker that speaks no MQTT 5.
        if version.v5 or version.v5 == tried:
            remedy = "check mqtt.username, mqtt.password_file and the broker's log"
            why = told or f"{refusal}; {remedy}"
            raise BrokerError(f"mqtt: {settings.host}:{settings.port}: {why}")


def _refusal(settings: MqttSettings, *, v5: bool) -> str:
    """Why one version of MQTT is not let in; empty if it is.

    Raises:
        BrokerError: nobody answers.
    """
    connection = guest(settings, "check", threading.Condition(), v5=v5)
    try:
        connection.open()
    except BrokerError as error:
        raise BrokerError(f"mqtt: no connection to {error}") from error
    try:
        connection.wait_accepted(lambda: False, _HANDSHAKE_S)
        if connection.accepted is not None:
            return "" if connection.accepted else connection.refusal
        if connection.ended:
            return f"the connection ended before an answer ({connection.ended})"
        return "no answer as of an MQTT broker"
    finally:
        connection.close()
