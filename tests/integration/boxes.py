"""A running agent, its settings and what it publishes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.schemas import validator

if TYPE_CHECKING:
    from pathlib import Path

    from agent.cli.child import Child
    from tests.mosquitto import Listener

BOX = "kikimimi/plant/press3"
READY_S = 600.0
"""An agent that does not listen by then is stuck."""


@dataclass
class Box:
    """A running agent and what it publishes."""

    child: Child
    heard: Listener
    descriptions: Path

    def documents(self, topic: str) -> list[dict[str, Any]]:
        """JSON messages on one of its topics, each valid by its schema."""
        return documents(self.heard, topic)

    def last(self, topic: str) -> dict[str, Any]:
        """The latest of them."""
        return self.documents(topic)[-1]


def settings_of(folder: Path, port: int, source: dict[str, Any]) -> dict[str, Any]:
    """What ``agent.yaml`` would hold."""
    return {
        "site": "plant",
        "node": "press3",
        "descriptions": str(folder / "descriptions.yaml"),
        "state_dir": str(folder / "state"),
        "sources": [source],
        "mqtt": {"host": "127.0.0.1", "port": port},
        "log": {"format": "json"},
    }


def documents(heard: Listener, topic: str) -> list[dict[str, Any]]:
    """JSON messages on one of the box's topics, each valid by its schema."""
    found = [json.loads(payload) for payload in heard.on(f"{BOX}/{topic}")]
    allowed = validator(topic.replace("/", "-"))
    for document in found:
        allowed.validate(document)
    return found
