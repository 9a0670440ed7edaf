"""What a box is in Home Assistant: one entity for each thing to see, to press or to set.

Keys of options are the abbreviations of Home Assistant's MQTT discovery.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.records import Verdict
from agent.integrations.home_assistant import templates
from agent.integrations.home_assistant.words import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.integrations.home_assistant.words import Words
    from agent.mqtt.topics import Topics

THRESHOLD_STEP = 0.1
_STEPS = 10
"""Of a threshold in one standard deviation."""
_DIAGNOSTIC = {"ent_cat": "diagnostic"}
_MEASURED = {"stat_cla": "measurement"}
_PROBLEM = {"dev_cla": "problem"}


class Platform(StrEnum):
    """The kinds of entities that a box has."""

    EVENT = "event"
    BINARY_SENSOR = "binary_sensor"
    SENSOR = "sensor"
    BUTTON = "button"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity."""

    key: str
    """Unique on the box; what it is known by for ever."""
    platform: Platform
    name: str
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What may be asked of the box by MQTT."""

    verdict: bool = False
    heard: bool = False
    threshold: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """One that is listened for."""

    error_id: str
    text: str
    threshold: float
    """In force now."""


@dataclass(frozen=True, slots=True)
class Box:
    """What of a box its entities are made of."""

    topics: Topics
    sources: Sequence[str]
    """Their names."""
    asked: Asked
    threshold_bounds: tuple[float, float]
    """Lowest and highest threshold that may be asked for."""

    @property
    def per_description(self) -> int:
        """So many entities each description has."""
        return self.asked.heard * len(self.sources) + self.asked.threshold


def of_box(box: Box, words: Words) -> Iterator[Entity]:
    """The entities that a box has whatever it listens for, the most important first."""
    topics, asked = box.topics, box.asked
    # No template: an alert's message is the JSON with an event_type that Home Assistant wants.
    alerts = {"evt_typ": ["new", "update", "end", "reviewed"], "stat_t": topics.alert}
    yield Entity("alert", Platform.EVENT, words.alert, alerts)
    yield Entity(
        "question",
        Platform.SENSOR,
        words.question,
        {
            "stat_t": topics.alerts_open,
            "val_tpl": templates.QUESTION,
            "json_attr_t": topics.alerts_open,
            "json_attr_tpl": templates.QUESTION_DETAILS,
        },
    )
    if asked.verdict:
        yield _verdict("yes", words.confirm, Verdict.CONFIRM, topics)
        yield _verdict("no", words.reject, Verdict.REJECT, topics)
    if asked != Asked():
        answers: dict[str, object] = {
            "evt_typ": ["accepted", "refused"],
            "stat_t": topics.result,
            "val_tpl": templates.ANSWER,
        }
        yield Entity("answer", Platform.EVENT, words.answer, answers | _DIAGNOSTIC)
    count = {"stat_t": topics.alerts_open, "val_tpl": templates.COUNT}
    yield Entity("open_alerts", Platform.SENSOR, words.open_alerts, count | _MEASURED)
    health = {
        "stat_t": topics.health,
        "val_tpl": templates.DEGRADED,
        "json_attr_t": topics.health,
        "json_attr_tpl": templates.REASONS,
    }
    yield Entity("health", Platform.BINARY_SENSOR, words.health, health | _PROBLEM | _DIAGNOSTIC)
    lag = {
        "stat_t": topics.health,
        "val_tpl": templates.LAG,
        "dev_cla": "duration",
        "unit_of_meas": "s",
    }
    yield Entity("lag", Platform.SENSOR, words.lag, lag | _MEASURED | _DIAGNOSTIC)
    for source in box.sources:
        yield from _of_source(topics, source, words)


def of_description(box: Box, words: Words, described: Description) -> Iterator[Entity]:
    """The entities of one description: a button for each source, and its threshold."""
    topics, error_id, text = box.topics, described.error_id, described.text
    if box.asked.heard:
        name = words.heard if len(box.sources) == 1 else words.heard_at
        for source in box.sources:
            # No error_id holds a full stop, so no two keys are the same.
            yield Entity(
                f"heard.{error_id}.{source}",
                Platform.BUTTON,
                name.format(short(text), source),
                {
                    "cmd_t": f"{topics.commands}/heard",
                    "cmd_tpl": templates.heard(error_id, source),
                },
            )
    if box.asked.threshold:
        lowest, highest = _bounds(box.threshold_bounds, described.threshold)
        yield Entity(
            f"threshold.{error_id}",
            Platform.NUMBER,
            words.threshold.format(short(text)),
            {
                "cmd_t": f"{topics.commands}/threshold",
                "cmd_tpl": templates.threshold_command(error_id),
                "stat_t": topics.config_state,
                "val_tpl": templates.threshold_state(error_id),
                "min": lowest,
                "max": highest,
                "step": THRESHOLD_STEP,
                "mode": "box",
                "ent_cat": "config",
            },
        )


def _bounds(bounds: tuple[float, float], threshold: float) -> tuple[float, float]:
    """Whole steps between which a threshold may be chosen; what is in force can be shown too."""
    lowest = math.floor(min(bounds[0], threshold) * _STEPS)
    highest = math.ceil(max(bounds[1], threshold) * _STEPS)
    return lowest / _STEPS, max(highest, lowest + 1) / _STEPS


def _verdict(key: str, name: str, said: Verdict, topics: Topics) -> Entity:
    options = {
        "cmd_t": f"{topics.commands}/verdict",
        "cmd_tpl": templates.verdict(said),
        "json_attr_t": topics.alerts_open,
        "json_attr_tpl": templates.SHOWN,
    }
    return Entity(key, Platform.BUTTON, name, options)


def _of_source(topics: Topics, source: str, words: Words) -> Iterator[Entity]:
    state = {"stat_t": topics.source_state(source), "val_tpl": templates.NOT_OK}
    yield Entity(
        f"state.{source}",
        Platform.BINARY_SENSOR,
        words.source.format(source),
        state | _PROBLEM | _DIAGNOSTIC,
    )
    # dBFS is no unit of any device class: sound_pressure is that of a calibrated meter.
    level = {
        "stat_t": topics.source_level(source),
        "val_tpl": templates.VALUE,
        "unit_of_meas": "dBFS",
        "sug_dsp_prc": 1,
    }
    yield Entity(
        f"level.{source}",
        Platform.SENSOR,
        words.level.format(source),
        level | _MEASURED | _DIAGNOSTIC,
    )
