"""Whether the broker lets this box in, asked once and without being taken for the box."""

from __future__ import annotations

import queue
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError
from agent.mqtt.connection import passing_client
from agent.mqtt.diagnosis import no_connection
from agent.mqtt.version import REFUSED, Version

if TYPE_CHECKING:
    from agent.config import MqttSettings

_CONNECT_S, _HANDSHAKE_S = 5.0, 10.0


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
    answers: queue.Queue[str] = queue.Queue()
    client = passing_client(settings, "check", v5=v5)
    client.connect_timeout = _CONNECT_S
    client.on_connect = lambda _c, _u, _flags, reason, _p: answers.put(
        f"{REFUSED}: {reason}" if reason.is_failure else ""
    )
    client.on_disconnect = lambda _c, _u, _flags, reason, _p: answers.put(
        f"the connection ended before an answer ({reason})"
    )
    try:
        client.connect(settings.host, settings.port)
    except (OSError, ValueError) as error:
        raise BrokerError(f"mqtt: no connection to {no_connection(settings, error)}") from error
    client.loop_start()
    try:
        return answers.get(timeout=_HANDSHAKE_S)
    except queue.Empty:
        return "no answer as of an MQTT broker"
    finally:
        with suppress(Exception):  # whatever state a broken connection is in
            client.disconnect()
        client.loop_stop()
