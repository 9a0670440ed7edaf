"""What Home Assistant makes of a box: entities, and commands of presses.

It reads messages and renders templates as ``discovery.py``, ``entity.py`` and ``models.py`` of the
source do that :mod:`tests.home_assistant_facts` names.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from tests.home_assistant_facts import (
    BLOCKED_ATTRIBUTES,
    LONGEST_STATE,
    SHARED,
    expanded,
    templates,
)


@dataclass
class Entity:
    """One entity, as Home Assistant holds it."""

    options: dict[str, Any]
    state: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class FakeHomeAssistant:
    """Takes messages as Home Assistant does, and makes commands of presses."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.entities: dict[str, Entity] = {}
        self._templates = templates(lambda: self.now)

    def discover(self, payload: str) -> None:
        """Take a message of device discovery; an empty one removes the device."""
        if not payload:
            self.entities.clear()
            return
        message = expanded(json.loads(payload))
        shared = {key: one for key, one in message.items() if key in SHARED}
        for key, options in message["components"].items():
            if options.keys() == {"platform"}:
                self.entities.pop(key, None)
            else:
                known = self.entities.setdefault(key, Entity({}))
                known.options = shared | options

    def receive(self, topic: str, payload: str) -> None:
        """Take a message of the box."""
        for entity in self.entities.values():
            options = entity.options
            if options.get("json_attributes_topic") == topic:
                text = self._value(entity, "json_attributes_template", payload)
                attributes = json.loads(text)
                assert isinstance(attributes, dict)
                assert not attributes.keys() & BLOCKED_ATTRIBUTES
                entity.attributes = attributes
            if options.get("state_topic") == topic:
                self._state(entity, self._value(entity, "value_template", payload))

    def press(self, key: str) -> tuple[str, str]:
        """Topic and payload that a button sends."""
        options = self.entities[key].options
        assert options["platform"] == "button"
        return options["command_topic"], self._command(self.entities[key], "PRESS")

    def set_number(self, key: str, value: float) -> tuple[str, str]:
        """Topic and payload that a number sends."""
        options = self.entities[key].options
        assert options["min"] <= value <= options["max"]
        whole = int(value) if float(value).is_integer() else value
        return options["command_topic"], self._command(self.entities[key], whole)

    def _state(self, entity: Entity, value: str) -> None:
        platform = entity.options["platform"]
        if platform == "event":
            if value:
                attributes = json.loads(value)
                kind = attributes.pop("event_type")
                assert kind in entity.options["event_types"]
                entity.events.append((kind, attributes))
        elif platform == "binary_sensor":
            assert value in {"ON", "OFF"}
            entity.state = value
        elif platform == "number":
            if value:
                assert entity.options["min"] <= float(value) <= entity.options["max"]
                entity.state = value
        else:
            assert len(value) <= LONGEST_STATE
            entity.state = None if value == "None" else value

    def _value(self, entity: Entity, option: str, payload: str) -> str:
        if option not in entity.options:
            return payload
        variables: dict[str, Any] = {"value": payload}
        with suppress(ValueError):
            variables["value_json"] = json.loads(payload)
        return self._render(entity, option, variables)

    def _command(self, entity: Entity, value: object) -> str:
        return self._render(entity, "command_template", {"value": value})

    def _render(self, entity: Entity, option: str, variables: dict[str, Any]) -> str:
        template = self._templates.from_string(entity.options[option].strip())
        this = SimpleNamespace(attributes=dict(entity.attributes), state=entity.state)
        return template.render(this=this, **variables).strip()
