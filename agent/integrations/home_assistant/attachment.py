"""Tells Home Assistant of a running box, and again whenever that starts anew.

It attaches to the box's own link and knows nothing of the data path: all that Home Assistant shows
and asks goes over the topics of the MQTT contract.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.core.rate_limit import Bucket, Rate
from agent.integrations.home_assistant.entities import Asked, Box, Description
from agent.integrations.home_assistant.message import Device
from agent.integrations.home_assistant.published import Published, PublishedFile
from agent.run.attachment import Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.clock import Clock
    from agent.integrations.home_assistant.message import Message
    from agent.mqtt import Incoming, Link
    from agent.run.parts import BoxParts
    from agent.watchlist.watchlist import Watchlist

BORN = b"online"
"""The payload of Home Assistant's birth message."""

_BIRTHS = Rate(burst=5, per_minute=6)
"""That are answered; a message of ours is tens of kilobytes."""

_log = logging.getLogger(__name__)


def attach(parts: BoxParts) -> HomeAssistant | None:
    """Attach to a box where its site wants that, else take the device away that was once told of.

    Args:
        parts: of a box that is not connected to its broker yet.
    """
    settings, link = parts.settings, parts.link
    file = PublishedFile(settings.state_dir)
    if link is None:
        if settings.home_assistant.discovery:
            _log.warning("home_assistant_without_broker", extra={"remedy": "write mqtt.enabled"})
        return None
    if not settings.home_assistant.discovery:
        _take_away(file, link)
        return None
    clips = settings.clips
    asked = Asked(
        verdict="verdict" in parts.offered,
        heard="heard" in parts.offered and clips.enabled and clips.memory_s > 0,
        threshold="threshold" in parts.offered,
    )
    bounds = settings.commands.threshold_lowest, settings.commands.threshold_highest
    sources = tuple(source.name for source in settings.sources)
    box = Box(parts.topics, sources, asked, bounds)
    device = Device(settings.home_assistant, box, version("kikimimi"))
    return HomeAssistant(device, file, link, parts.clock)


class HomeAssistant(Attachment):
    """Publishes the message of a box."""

    def __init__(self, device: Device, file: PublishedFile, link: Link, clock: Clock) -> None:
        """Listen for the birth of Home Assistant; nothing is published yet.

        Args:
            device: of the box.
            file: remembers what was told.
            link: of the box, not started yet.
            clock: limits how often it is told again.
        """
        self._device = device
        self._file = file
        self._link = link
        self._births = Bucket(_BIRTHS, clock)
        self._told: Message | None = None
        before = file.read()
        if before is not None and before.topic != device.topic:
            link.state(before.topic, "")  # another prefix or node: the old device goes
            before = None
        self._published = before or Published(device.topic, {})
        link.serve(
            device.settings.birth_topic,
            self._born,
            "this box is not shown again when Home Assistant starts",
        )

    def listening_for(self, watch: Watchlist) -> None:
        """Tell what is listened for now, and remove what no longer is."""
        descriptions = [
            Description(key, one.description, watch.policies[key].threshold_on)
            for key, one in watch.wordings.items()
        ]
        message = self._device.message(descriptions, self._published.components)
        published = self._published.with_new(message.components)
        if published != self._published:
            # First: what is told and not remembered could never be removed.
            self._file.write(published)
            self._published = published
        if message.left_out and message.left_out != self.figures()["entities_left_out"]:
            extra = {"entities": message.left_out, "descriptions": len(descriptions)}
            _log.warning("home_assistant_entities_left_out", extra=extra)
        self._told = message
        self._link.state(self._device.topic, message.payload)

    def figures(self) -> Mapping[str, int]:
        """What there is no room for."""
        return {"entities_left_out": self._told.left_out if self._told else 0}

    def _born(self, incoming: Incoming) -> tuple[()]:
        """Tell it again; called in the link's thread."""
        if incoming.payload == BORN and self._told is not None and not self._births.take():
            _log.info("home_assistant_started")
            # The link's own state: another may be told from another thread at this moment.
            self._link.repeat(self._device.topic)
        return ()


def _take_away(file: PublishedFile, link: Link) -> None:
    """Remove the device that was told of while the setting was on."""
    before = file.read()
    if before is not None:
        link.state(before.topic, "")
        file.forget()
