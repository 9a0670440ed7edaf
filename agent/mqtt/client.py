"""paho's client, made from the settings of the broker."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from agent.mqtt.messages import OFFLINE
from agent.mqtt.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config import MqttSettings

_log = logging.getLogger(__name__)


class BrokerClient(Client):
    """paho's client, whose thread tells of its end even when a broker sent it nonsense."""

    on_broken: Callable[[str], None]

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """Run the network loop until the connection ends."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:
            _log.warning("broker_sent_nonsense", extra={"reason": repr(error)})
            self.on_broken(f"the broker sent what is no MQTT ({type(error).__name__})")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def release(self) -> None:
        """Give its sockets back now; paho would when the garbage collector comes by."""
        self._reset_sockets()


def make_client(
    settings: MqttSettings, client_id: str, status_topic: str | None, *, v5: bool
) -> BrokerClient:
    """A client with name and password, TLS, and a box's last will; connects to nothing yet.

    Args:
        settings: what the broker knows the site by.
        client_id: the name of the client there.
        status_topic: of the last will of a box, which also keeps its session and acknowledges
            what it has taken care of; ``None`` for a guest, who does none of these.
        v5: MQTT 5, or else 3.1.1.

    Raises:
        BrokerError: the password or a certificate cannot be read.
    """
    guest = status_topic is None
    client = BrokerClient(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if v5 else guest,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=not guest,
    )
    if status_topic is not None:
        client.will_set(status_topic, OFFLINE, qos=1, retain=True)
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password())
    if settings.tls is not None:
        client.tls_set_context(tls_context(settings.tls))
        client.tls_insecure_set(settings.tls.insecure)
    return client
