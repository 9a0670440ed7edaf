"""The one retained message by which Home Assistant finds a box (MQTT device discovery)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.integrations.home_assistant.entities import of_box, of_description
from agent.integrations.home_assistant.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.config import HomeAssistantSettings
    from agent.integrations.home_assistant.entities import Box, Description, Entity, Platform
    from agent.mqtt.topics import Topics

MAX_BYTES = 60_000
"""A little less than what the link sends and Mosquitto's shipped configuration takes."""

_NAME = "Kikimimi"
_OBJECT_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NOT_IN_AN_ENTITY_ID = re.compile(r"[^a-z0-9]+")
_HASH_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    payload: str
    components: Mapping[str, Platform]
    """The platform of each entity that it names, by key; not those that it removes."""
    left_out: int
    """Entities of descriptions for which it has no room."""


@dataclass(frozen=True, slots=True)
class Device:
    """How Home Assistant knows a box."""

    settings: HomeAssistantSettings
    box: Box
    version: str
    """Of Kikimimi."""

    @property
    def _topics(self) -> Topics:
        return self.box.topics

    @property
    def topic(self) -> str:
        """Where the message is published.

        Its level is the node's own name where Home Assistant takes it, so that an access list can
        let a box write to its own only.
        """
        return f"{self.settings.prefix}/device/{self._name}/config"

    @property
    def _name(self) -> str:
        """The node in letters that Home Assistant takes in a topic, still the box's own."""
        node, root = self._topics.node, self._topics.root
        plain = "-".join(_OBJECT_ID.findall(node))
        if plain == node:
            return node
        digest = hashlib.sha256(root.encode("utf-8", "replace")).hexdigest()[:_HASH_DIGITS]
        return "-".join(filter(None, (_NAME.lower(), plain, digest)))

    def message(
        self, descriptions: Sequence[Description], removed: Mapping[str, Platform]
    ) -> Message:
        """Tell what the box has now.

        Args:
            descriptions: what is listened for.
            removed: the platform of each entity that was told of once, by key; one that the box
                still has stays.
        """
        words = words_of(self.settings.language, (one.text for one in descriptions))
        entities = list(of_box(self.box, words))
        wanted = (
            entity
            for described in descriptions
            for entity in of_description(self.box, words, described)
        )
        # Nothing but the platform: Home Assistant removes the entity.
        gone: dict[str, dict[str, object]] = {
            key: {"p": platform.value} for key, platform in removed.items()
        }
        left = MAX_BYTES - _bytes(self._json(gone | self._components(entities)))
        fitting: list[Entity] = []
        for entity in wanted:
            left -= _bytes(_compact(self._components([entity])))
            if left < 0:
                break
            fitting.append(entity)
        entities += fitting
        components = self._components(entities)
        still_gone = {key: one for key, one in gone.items() if key not in components}
        return Message(
            self._json(components | still_gone),
            {entity.key: entity.platform for entity in entities},
            self.box.per_description * len(descriptions) - len(fitting),
        )

    def _json(self, components: Mapping[str, Mapping[str, object]]) -> str:
        topics = self._topics
        return _compact(
            {
                "dev": {
                    "ids": [topics.root],
                    "name": topics.node,
                    "mf": _NAME,
                    "mdl": f"{_NAME} ({topics.site})",
                    "sw": self.version,
                },
                "o": {"name": _NAME, "sw": self.version},
                "avty_t": topics.status,
                "qos": 1,
                "cmps": components,
            }
        )

    def _components(self, entities: Sequence[Entity]) -> dict[str, dict[str, object]]:
        return {
            entity.key: {
                "p": entity.platform.value,
                "name": entity.name,
                "uniq_id": f"{self._topics.root}/{entity.key}",
                "def_ent_id": f"{entity.platform.value}.{self._object_id(entity)}",
                "obj_id": self._object_id(entity),
                **entity.options,
            }
            for entity in entities
        }

    def _object_id(self, entity: Entity) -> str:
        """What follows the platform in an entity id.

        Told twice: Home Assistant before 2025.10 knows ``object_id`` alone, and would else make
        entity ids of the names, which are of a language. Later ones leave it out without a word.
        """
        return f"{_slug(self._name) or _NAME.lower()}_{_slug(entity.key)}"


def _slug(key: str) -> str:
    return _NOT_IN_AN_ENTITY_ID.sub("_", key.lower()).strip("_")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
