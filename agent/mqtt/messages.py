"""What the link hands out and takes: messages that come in, answers to them, and its status."""

from __future__ import annotations

import math
from dataclasses import dataclass

ONLINE = "online"
OFFLINE = "offline"

MAX_PAYLOAD_BYTES = 1 << 16
"""No payload of ours is larger; a broker may set this as its limit."""
MAX_PACKET_BYTES = 1 << 16
"""Larger packets are not to be sent to us: a broker of MQTT 5 drops them."""


def level_payload(level_dbfs: float | None) -> str:
    """What goes on a source's topic ``level``: one decimal; ``null`` on digital silence."""
    return "null" if level_dbfs is None else f"{level_dbfs:.1f}"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as the broker delivered it; nothing in it is to be trusted."""

    topic: str
    payload: bytes
    retained: bool = False
    response_topic: str | None = None
    """Where the sender wants the answer too (MQTT 5)."""
    correlation: bytes | None = None
    """What the sender knows the answer by (MQTT 5)."""
    expires_in_s: int | None = None
    """For how long the sender still wants it delivered (MQTT 5): a broker counts it down."""
    after_connect_s: float = math.inf
    """How long the box had been connected when it came: right at first comes what has waited."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a message."""

    topic: str
    payload: str
    correlation: bytes | None = None
    lasting: bool = True
    """Whether the topic is one of ours: that the broker refuses it is then told in health."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link is doing, for health."""

    connected: bool = False
    reason: str = "not connected yet"
    """Why there is no connection, or what the broker refuses; empty when all is well."""
    protocol: str = ""
    connections: int = 0
    delivered: int = 0
    refused: int = 0
    """Times that the broker refused a message or the subscription."""
    oversized: int = 0
    """Messages that were larger than ``MAX_PAYLOAD_BYTES`` and not sent."""
    live_discarded: int = 0
    """Live values (QoS 0) that met no connection, or one that is too slow."""
    incoming_dropped: int = 0
    """Messages that came in faster than they could be taken."""

    def counters(self) -> dict[str, int]:
        """By their names in health."""
        return {
            "messages_delivered": self.delivered,
            "messages_refused": self.refused,
            "messages_oversized": self.oversized,
            "live_discarded": self.live_discarded,
            "commands_dropped": self.incoming_dropped,
        }


def sendable(payload: str) -> str:
    """The payload without what UTF-8 cannot say, such as a file name in another encoding."""
    return payload.encode("utf-8", "replace").decode("utf-8")
