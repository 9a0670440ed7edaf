"""Which version of MQTT to speak, found out where the settings leave it open."""

from __future__ import annotations

from agent.mqtt.connection import REFUSED

_UNSUPPORTED = ("Unsupported protocol version", "Protocol error")


class Version:
    """MQTT 5, or 3.1.1 with a broker that does not speak it."""

    def __init__(self, chosen: str) -> None:
        self._open = chosen == "auto"
        self.v5 = chosen != "3.1.1"

    def __str__(self) -> str:
        return "5" if self.v5 else "3.1.1"

    def failed(self, refusal: str) -> None:
        """Try the other version next: brokers of 3.1.1 refuse v5, or hang up without a word."""
        speaks_other = REFUSED not in refusal or any(hint in refusal for hint in _UNSUPPORTED)
        if self._open and speaks_other:
            self.v5 = not self.v5
