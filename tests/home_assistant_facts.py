"""What Home Assistant takes by MQTT device discovery.

Facts of its own source, ``homeassistant/components/mqtt`` of Home Assistant core 2026.10 (its
development branch of September 2026): ``schemas.py`` (device, origin, shared options, options of
every entity), ``discovery.py`` (topic, removal), ``abbreviations.py``, ``const.py``, ``models.py``
(templates), and ``event.py``, ``sensor.py``, ``binary_sensor.py``, ``button.py``, ``number.py``.
There an unknown option of an entity is left out without a word, so that an older version can read
what a newer one brings; here it is a mistake. An unknown option of the device is one there too:
the whole message is thrown away.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ABBREVIATIONS = {
    "avty_t": "availability_topic",
    "cmd_t": "command_topic",
    "cmd_tpl": "command_template",
    "cmps": "components",
    "def_ent_id": "default_entity_id",
    "dev": "device",
    "dev_cla": "device_class",
    "ent_cat": "entity_category",
    "evt_typ": "event_types",
    "json_attr_t": "json_attributes_topic",
    "json_attr_tpl": "json_attributes_template",
    "o": "origin",
    "obj_id": "object_id",
    "p": "platform",
    "stat_cla": "state_class",
    "stat_t": "state_topic",
    "sug_dsp_prc": "suggested_display_precision",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
DEVICE_ABBREVIATIONS = {
    "ids": "identifiers",
    "mf": "manufacturer",
    "mdl": "model",
    "sw": "sw_version",
}
ORIGIN_ABBREVIATIONS = {"sw": "sw_version", "url": "support_url"}

_AVAILABILITY = {
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "payload_available",
    "payload_not_available",
}
SHARED = _AVAILABILITY | {
    "command_topic",
    "encoding",
    "message_expiry_interval",
    "qos",
    "state_topic",
}
"""Options of the device that its entities take over."""
REQUIRED_OF_DEVICE_MESSAGE = {"device", "origin", "components"}
DEVICE = {
    *("identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version"),
    *("serial_number", "sw_version", "via_device", "suggested_area", "configuration_url"),
}
ORIGIN = {"name", "sw_version", "support_url"}
ENTITY = SHARED | {
    *("platform", "device", "origin", "name", "unique_id", "default_entity_id", "icon"),
    *("enabled_by_default", "visible_by_default", "entity_category", "entity_picture"),
    *("json_attributes_topic", "json_attributes_template"),
}
"""Options that any entity may have."""
OF_OLDER_VERSIONS = {"object_id"}
"""Options of any entity that 2026.10 leaves out, and 2025.4 needs."""


@dataclass(frozen=True)
class PlatformFacts:
    """What entities of one platform take beside the options of all."""

    required: set[str]
    optional: set[str] = field(default_factory=set)
    device_classes: set[str] = field(default_factory=set)
    """Those that this project uses."""


_READ = {"state_topic"}
PLATFORMS = {
    "event": PlatformFacts({"event_types"} | _READ, {"value_template", "device_class"}),
    "binary_sensor": PlatformFacts(
        _READ,
        {
            *("value_template", "device_class", "expire_after", "force_update", "off_delay"),
            *("payload_on", "payload_off"),
        },
        {"problem"},
    ),
    "sensor": PlatformFacts(
        _READ,
        {
            *("value_template", "device_class", "expire_after", "force_update", "options"),
            *("last_reset_value_template", "suggested_display_precision", "state_class"),
            "unit_of_measurement",
        },
        {"duration"},
    ),
    "button": PlatformFacts(
        {"command_topic"}, {"command_template", "device_class", "payload_press", "retain"}
    ),
    "number": PlatformFacts(
        {"command_topic"},
        {
            *("command_template", "device_class", "max", "min", "mode", "optimistic", "retain"),
            *("payload_reset", "state_topic", "step", "unit_of_measurement", "value_template"),
        },
    ),
}
UNITS = {"duration": {"d", "h", "min", "s", "ms", "μs"}, "sound_pressure": {"dB", "dBA"}}
"""By device class of a sensor; without one any unit goes."""
CHOICES = {
    "state_class": {"measurement", "measurement_angle", "total", "total_increasing"},
    "entity_category": {"config", "diagnostic"},
    "mode": {"auto", "box", "slider"},
}
READ_ONLY = {"event", "sensor", "binary_sensor"}
LONGEST_STATE = 255
TOPIC = re.compile(r"(?P<component>\w+)/(?:[a-zA-Z0-9_-]+/)?(?P<object_id>[a-zA-Z0-9_-]+)/config")
ENTITY_ID = re.compile(r"(?!.+__)(?!_)[\da-z_]+(?<!_)\.(?!_)[\da-z_]+(?<!_)")
BLOCKED_ATTRIBUTES = {
    *("assumed_state", "available", "device_class", "device_info", "entity_category", "state"),
    *("entity_picture", "entity_registry_enabled_default", "extra_state_attributes", "icon"),
    *("force_update", "friendly_name", "should_poll", "supported_features", "unique_id"),
    "unit_of_measurement",
}


def expanded(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with every option's name in full."""
    full = _in_full(message, ABBREVIATIONS)
    full["device"] = _in_full(full.get("device", {}), DEVICE_ABBREVIATIONS)
    full["origin"] = _in_full(full.get("origin", {}), ORIGIN_ABBREVIATIONS)
    components = full.get("components", {}).items()
    full["components"] = {key: _in_full(one, ABBREVIATIONS) for key, one in components}
    return full


def _in_full(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in options.items()}


def problems(topic: str, payload: str, prefix: str = "homeassistant") -> list[str]:
    """What Home Assistant would refuse in a message, or leave out of it."""
    found = []
    match = TOPIC.fullmatch(topic.removeprefix(f"{prefix}/"))
    if match is None or match["component"] != "device":
        found.append(f"topic {topic}")
    message = expanded(json.loads(payload))
    keys = message.keys()
    found += [f"no {key}" for key in REQUIRED_OF_DEVICE_MESSAGE - keys]
    found += [f"unknown {key}" for key in keys - REQUIRED_OF_DEVICE_MESSAGE - SHARED]
    found += [f"unknown {key} of device" for key in message["device"].keys() - DEVICE]
    found += [f"unknown {key} of origin" for key in message["origin"].keys() - ORIGIN]
    if not message["device"].get("identifiers") or not message["origin"].get("name"):
        found.append("nothing that identifies device or origin")
    if message.get("qos", 0) not in {0, 1, 2}:
        found.append("qos")
    known: set[str] = set()
    for key, options in message["components"].items():
        found += [f"{key}: {one}" for one in _problems_of(options, known)]
    return found


def _problems_of(options: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    platform = options.get("platform", "")
    facts = PLATFORMS.get(platform)
    if facts is None:
        yield f"platform {platform}"
        return
    if options.keys() == {"platform"}:
        return  # to be removed
    missing = (facts.required | {"unique_id"}) - options.keys()
    yield from (f"no {key}" for key in missing)
    known_options = facts.required | facts.optional | ENTITY | OF_OLDER_VERSIONS
    unknown = options.keys() - known_options
    yield from (f"unknown {key}" for key in unknown)
    if options.get("unique_id") in known:
        yield f"unique_id {options['unique_id']} again"
    known.add(options.get("unique_id", ""))
    entity_id = options.get("default_entity_id", f"{platform}.x")
    if not ENTITY_ID.fullmatch(entity_id) or not entity_id.startswith(f"{platform}."):
        yield f"default_entity_id {entity_id}"
    if options.get("object_id") != entity_id.partition(".")[2]:
        yield f"object_id {options.get('object_id')} beside {entity_id}"
    yield from _wrong_classes(options, facts)
    yield from _wrong_values(options)


def _wrong_classes(options: Mapping[str, Any], facts: PlatformFacts) -> Iterator[str]:
    device_class, unit = options.get("device_class"), options.get("unit_of_measurement")
    if device_class is not None and device_class not in facts.device_classes:
        yield f"device_class {device_class}"
    if device_class in UNITS and unit not in UNITS[device_class]:
        yield f"unit {unit} of {device_class}"
    for key, allowed in CHOICES.items():
        if options.get(key) not in {None, *allowed}:
            yield f"{key} {options[key]}"
    if options["platform"] in READ_ONLY and options.get("entity_category") == "config":
        yield "category config of what cannot be set"


def _wrong_values(options: Mapping[str, Any]) -> Iterator[str]:
    if "step" in options and not (options["min"] < options["max"] and options["step"] >= 0.001):
        yield "min, max or step"
    for key, value in options.items():
        if key.endswith("topic") and (not value or set("+#") & set(value)):
            yield f"{key} {value}"
        if key.endswith("template"):
            try:
                templates(lambda: datetime.now(UTC)).parse(value)
            except TemplateSyntaxError as error:
                yield f"{key}: {error}"


def templates(utcnow: Callable[[], datetime]) -> ImmutableSandboxedEnvironment:
    """Its templates as far as ours use them; what is undefined is an error here."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.globals |= {"utcnow": utcnow, "timedelta": timedelta}
    environment.filters["to_json"] = json.dumps
    return environment
