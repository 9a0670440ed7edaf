"""Which version of MQTT to speak, found out where the settings leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.mqtt.diagnosis import diagnosis

if TYPE_CHECKING:
    from agent.config import MqttSettings

REFUSED = "the broker refused"
"""How the refusal of a connection begins."""

_UNSUPPORTED = ("Unsupported protocol version", "Protocol error")


class Version:
    """MQTT 5, or 3.1.1 with a broker that does not speak it."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._open = settings.protocol == "auto"
        self._told = ""
        self.v5 = settings.protocol != "3.1.1"

    def __str__(self) -> str:
        return "5" if self.v5 else "3.1.1"

    def accepted(self) -> None:
        """The broker takes this version: nothing is wrong."""
        self._told = ""

    def failed(self, refusal: str) -> str:
        """Try the other version next: brokers of 3.1.1 refuse v5, or hang up without a word.

        Args:
            refusal: how the broker refused the connection; begins with :data:`REFUSED` where it
                said so itself.

        Returns:
            what is probably wrong, once no version was taken; empty where that is not known.
        """
        if REFUSED in refusal and not any(hint in refusal for hint in _UNSUPPORTED):
            self._told = ""
        else:
            if not (self._open and self.v5):
                self._told = diagnosis(self._settings)
            if self._open:
                self.v5 = not self.v5
        return self._told
