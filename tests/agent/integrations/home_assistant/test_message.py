"""The message by which Home Assistant finds a box, and what it makes of it there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.config import HomeAssistantSettings, Language
from agent.integrations.home_assistant.entities import Asked, Box, Description, Platform
from agent.integrations.home_assistant.message import MAX_BYTES, Device
from agent.mqtt.topics import Topics
from tests.home_assistant import FakeHomeAssistant
from tests.home_assistant_facts import expanded, problems, templates
from tests.schemas import schema

DOCS = Path(__file__).resolve().parents[4] / "docs" / "integrations"
TOPICS = Topics("kikimimi", "plant", "press3")
EVERYTHING = Asked(verdict=True, heard=True, threshold=True)
BOX = Box(TOPICS, ("hall",), EVERYTHING, (2.0, 12.0))
DEVICE = Device(HomeAssistantSettings(discovery=True), BOX, "1.2.3")


def described(**texts: str) -> list[Description]:
    """Descriptions with the threshold of the bundle."""
    return [Description(error_id, text, 4.3) for error_id, text in texts.items()]


DESCRIPTIONS = described(siren="サイレンが鳴り響く音", glass_broken="ガラスが割れる音")
FIRST, SECOND = "01KE0G4T1R8Y7Q2M4N6P8R9S0T", "01KE0G4T1R8Y7Q2M4N6P8R9S0V"


def components(device: Device = DEVICE, **descriptions: str) -> dict[str, dict[str, Any]]:
    """What a box has in Home Assistant, checked by its facts."""
    payload = device.message(described(**descriptions) or DESCRIPTIONS, {}).payload
    assert problems(device.topic, payload) == []
    found: dict[str, dict[str, Any]] = expanded(json.loads(payload))["components"]
    return found


def shown(device: Device = DEVICE) -> FakeHomeAssistant:
    """Home Assistant, which has found the box."""
    home = FakeHomeAssistant()
    home.discover(device.message(DESCRIPTIONS, {}).payload)
    return home


def open_alerts(*alert_ids: str) -> str:
    """The payload of ``alerts/open``, the newest alert first."""
    alerts = [
        {
            "alert_id": one,
            "event_type": "end",
            "ts_start": "2026-01-02T03:04:05.678Z",
            "ts_end": "2026-01-02T03:04:09.678Z",
            "source": "hall",
            "error_id": "siren",
            "description": f"{one} {'音' * 280}",
            "score": 5.0,
            "threshold": 4.0,
            "severity": "MAJOR",
            "clip": None,
        }
        for one in alert_ids
    ]
    document = {"schema": 1, "count": len(alerts), "alerts": alerts}
    jsonschema.validate(document, schema("alerts-open"))
    return json.dumps(document, ensure_ascii=False)


def sent(pressed: tuple[str, str], command: str) -> dict[str, Any]:
    """The fields of a command, which went where it should."""
    topic, payload = pressed
    assert topic == f"{TOPICS.commands}/{command}"
    fields: dict[str, Any] = json.loads(payload)
    return fields


def test_the_message_is_as_home_assistant_wants_it() -> None:
    """One device with its origin; an entity for everything there is to see, press and set."""
    message = expanded(json.loads(DEVICE.message(DESCRIPTIONS, {}).payload))
    assert DEVICE.topic == "homeassistant/device/press3/config"
    assert message["device"]["identifiers"] == ["kikimimi/plant/press3"]
    assert message["device"]["sw_version"] == message["origin"]["sw_version"] == "1.2.3"
    assert message["availability_topic"] == TOPICS.status
    assert message["qos"] == 1
    found = components()
    assert {key: one["platform"] for key, one in found.items()} == {
        "alert": "event",
        "question": "sensor",
        "yes": "button",
        "no": "button",
        "answer": "event",
        "open_alerts": "sensor",
        "health": "binary_sensor",
        "lag": "sensor",
        "state.hall": "binary_sensor",
        "level.hall": "sensor",
        "heard.siren.hall": "button",
        "threshold.siren": "number",
        "heard.glass_broken.hall": "button",
        "threshold.glass_broken": "number",
    }
    assert found["yes"]["default_entity_id"] == "button.press3_yes"
    assert found["yes"]["object_id"] == "press3_yes"
    assert found["heard.siren.hall"]["default_entity_id"] == "button.press3_heard_siren_hall"


@pytest.mark.parametrize("page", ["home-assistant.md", "home-assistant.ja.md"])
def test_the_page_lists_every_entity(page: str) -> None:
    """In its table, and none that is gone."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    known = {one["default_entity_id"] for one in components().values()}
    own = {re.sub("siren|glass_broken", "…", name) for name in known}
    assert set(re.findall(r"`(\w+\.press3_[\w…]+)`", rows)) == own


def test_the_checks_find_what_home_assistant_would_refuse() -> None:
    """A misspelt option, one that is missing, a class without the unit, a wrong place."""
    message = json.loads(DEVICE.message(DESCRIPTIONS, {}).payload)
    message["~"] = "kikimimi"
    entities = message["cmps"]
    entities["alert"].pop("evt_typ")
    entities["yes"]["cmd_tpll"] = entities["yes"].pop("cmd_tpl")
    entities["no"]["uniq_id"] = entities["yes"]["uniq_id"]
    entities["lag"]["unit_of_meas"] = "dBFS"
    entities["health"]["p"] = "binary"
    entities["level.hall"]["val_tpl"] = "{{ value"
    found = problems("homeassistant/press3/config", json.dumps(message))
    expected = ("topic", "~", "event_types", "cmd_tpll", "again", "unit dBFS", "binary", "level")
    assert len(found) == len(expected)
    for one in expected:
        assert any(one in problem for problem in found), (one, found)


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        (Language.AUTO, "ガラスが割れる音", "はい、この音でした"),
        (Language.AUTO, "glass breaks on the floor", "Yes, it was that"),
        (Language.EN, "ガラスが割れる音", "Yes, it was that"),
        (Language.JA, "glass breaks", "はい、この音でした"),
    ],
)
def test_names_are_in_the_language_of_the_box(language: Language, text: str, name: str) -> None:
    """Chosen, or that of the descriptions; what an entity is known by stays."""
    device = replace(DEVICE, settings=replace(DEVICE.settings, language=language))
    found = components(device, glass_broken=text)
    assert found["yes"]["name"] == name
    assert text in found["threshold.glass_broken"]["name"]
    assert found.keys() == components(DEVICE, glass_broken="x").keys()


def test_several_sources_have_a_button_each() -> None:
    """Whoever presses says where it was heard; keys stay apart whatever the names are."""
    sources = ('a"{{ 1 }}', "b.c", "入口")
    device = replace(DEVICE, box=replace(BOX, sources=sources))
    found = components(device, a="x", b="y")
    assert sum("." in key for key in found) == 2 * 3 + 2 * 3 + 2
    home = FakeHomeAssistant()
    home.discover(device.message(described(a="x"), {}).payload)
    for source in sources:
        fields = sent(home.press(f"heard.a.{source}"), "heard")
        assert (fields["error_id"], fields["source"]) == ("a", source)


def test_nothing_can_be_pressed_that_the_box_does_not_take() -> None:
    """Commands switched off, or no memory: what is left is there to be seen."""
    found = components(replace(DEVICE, box=replace(BOX, asked=Asked())))
    assert {one["platform"] for one in found.values()} == {"event", "sensor", "binary_sensor"}
    assert "answer" not in found
    heard = components(replace(DEVICE, box=replace(BOX, asked=Asked(heard=True))))
    assert {"answer", "heard.siren.hall"} <= heard.keys()
    assert not {"yes", "threshold.siren"} & heard.keys()


@pytest.mark.parametrize("node", ["press3", "プレス3", "a.b", "-", "x" * 64, "プ" * 64])
def test_any_node_has_a_topic_and_entities(node: str) -> None:
    """Home Assistant takes letters, digits, '_' and '-'; another site's box has another device."""
    one, other = (
        replace(DEVICE, box=replace(BOX, topics=Topics("kikimimi", site, node)))
        for site in ("plant", "other")
    )
    mine, theirs = components(one), components(other)
    assert not {e["unique_id"] for e in mine.values()} & {e["unique_id"] for e in theirs.values()}
    assert (one.topic == other.topic) is (node in one.topic)


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    """A thousand descriptions: the box itself, its alerts, and as many of them as there is room."""
    many = described(**{f"error_{number}": "音" * 300 for number in range(1_000)})
    message = DEVICE.message(many, {})
    assert problems(DEVICE.topic, message.payload) == []
    assert MAX_BYTES - 2_000 < len(message.payload.encode()) <= MAX_BYTES
    own = DEVICE.message(described(), {}).components
    assert message.left_out + len(message.components) == len(own) + 2 * 1_000
    assert {"alert", "yes", "no", "level.hall", "heard.error_0.hall"} <= message.components.keys()


def test_what_is_gone_is_named_with_its_platform_alone() -> None:
    """By which Home Assistant removes it; what came back stays."""
    gone = {"heard.old.hall": Platform.BUTTON, "heard.siren.hall": Platform.BUTTON}
    message = DEVICE.message(DESCRIPTIONS, gone)
    assert problems(DEVICE.topic, message.payload) == []
    entities = json.loads(message.payload)["cmps"]
    assert entities["heard.old.hall"] == {"p": "button"}
    assert entities["heard.siren.hall"]["cmd_t"].endswith("cmd/heard")
    assert "heard.old.hall" not in message.components


def test_a_press_names_the_alert_that_is_shown() -> None:
    """Once it is shown for long enough to be meant: not the next one, and none where none is."""
    home = shown()
    home.receive(TOPICS.alerts_open, open_alerts())
    assert home.entities["question"].state is None
    assert sent(home.press("yes"), "verdict")["alert_id"] == ""
    home.receive(TOPICS.alerts_open, open_alerts(FIRST))
    home.now += timedelta(seconds=5)
    fields = sent(home.press("yes"), "verdict")
    jsonschema.validate(fields, schema("cmd-verdict"))
    assert (fields["alert_id"], fields["verdict"]) == (FIRST, "confirm")
    assert home.entities["question"].state is not None
    assert home.entities["question"].state.startswith(FIRST)
    # Another comes up while somebody reaches for the button.
    home.receive(TOPICS.alerts_open, open_alerts(SECOND, FIRST))
    home.now += timedelta(seconds=1)
    assert sent(home.press("no"), "verdict")["alert_id"] == ""
    # It goes on, which is no other alert.
    home.receive(TOPICS.alerts_open, open_alerts(SECOND, FIRST))
    home.now += timedelta(seconds=3)
    fields = sent(home.press("no"), "verdict")
    jsonschema.validate(fields, schema("cmd-verdict"))
    assert (fields["alert_id"], fields["verdict"]) == (SECOND, "reject")


def test_each_press_is_a_request_of_its_own() -> None:
    """As the box wants it, which knows a repetition by that."""
    home = shown()
    first = sent(home.press("heard.siren.hall"), "heard")
    home.now += timedelta(milliseconds=1)
    second = sent(home.press("heard.siren.hall"), "heard")
    for fields in (first, second):
        jsonschema.validate(fields, schema("cmd-heard"))
    assert first["request_id"] != second["request_id"]
    assert (first["from"], first["to"]) == (
        "2026-01-02T03:03:35+00:00",
        "2026-01-02T03:04:05+00:00",
    )


@pytest.mark.parametrize("page", ["home-assistant.md", "home-assistant.ja.md"])
def test_the_answer_of_the_docs_is_one_that_the_box_takes(page: str) -> None:
    """The automation that answers from a phone, as Home Assistant would send it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    folded = re.search(r"payload: >-\n((?: {12}.*\n)+)", text)
    assert folded is not None
    template = templates(lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)).from_string(
        " ".join(folded[1].split())
    )
    fields = json.loads(template.render(said=["kikimimi", "confirm", FIRST]))
    jsonschema.validate(fields, schema("cmd-verdict"))
    assert fields["alert_id"] == FIRST


def test_a_threshold_is_shown_and_set() -> None:
    """As ``config/state`` tells it; where it does not, the last stays."""
    home = shown()
    siren = home.entities["threshold.siren"]
    home.receive(TOPICS.config_state, json.dumps({"thresholds": {"siren": 4.137}}))
    home.receive(TOPICS.config_state, json.dumps({"thresholds": None}))
    assert siren.state == "4.137"
    fields = sent(home.set_number("threshold.siren", 4.6), "threshold")
    jsonschema.validate(fields, schema("cmd-threshold"))
    assert fields == {
        "schema": 1,
        "request_id": "ha-1767323045.0",
        "error_id": "siren",
        "threshold": 4.6,
        "operator": "home-assistant",
        "ts": "2026-01-02T03:04:05+00:00",
    }
    assert sent(home.set_number("threshold.siren", 5), "threshold")["threshold"] == 5


@pytest.mark.parametrize(
    ("allowed", "in_force", "offered"),
    [
        ((2.0, 12.0), 4.137, (2.0, 12.0)),
        ((2.0, 12.0), 40.04, (2.0, 40.1)),
        ((2.0, 12.0), 0.55, (0.5, 12.0)),
        ((2.25, 2.25), 2.25, (2.2, 2.3)),
        ((3.0, 3.0), 3.0, (3.0, 3.1)),
    ],
)
def test_a_threshold_is_chosen_within_the_bounds_of_the_box(
    allowed: tuple[float, float], in_force: float, offered: tuple[float, float]
) -> None:
    """Home Assistant shows no number that is out of its own; the box refuses what it must."""
    device = replace(DEVICE, box=replace(BOX, threshold_bounds=allowed))
    message = device.message([Description("siren", "a siren wails", in_force)], {})
    assert problems(device.topic, message.payload) == []
    number = json.loads(message.payload)["cmps"]["threshold.siren"]
    assert (number["min"], number["max"]) == offered


def test_states_become_what_home_assistant_shows() -> None:
    """Levels, silence, states of sources, health with its reasons, and answers to its own."""
    home = shown()
    level, source = home.entities["level.hall"], home.entities["state.hall"]
    home.receive(TOPICS.source_level("hall"), "-31.4")
    assert level.state == "-31.4"
    home.receive(TOPICS.source_level("hall"), "null")
    assert level.state is None
    for state, on in (("ok", "OFF"), ("lost", "ON"), ("overrun", "ON")):
        home.receive(TOPICS.source_state("hall"), state)
        assert source.state == on
    reasons = {"source hall": 'it\'s "lost"'}
    document = {"state": "degraded", "reasons": reasons, "lag_s": 0.35}
    home.receive(TOPICS.health, json.dumps(document))
    health = home.entities["health"]
    assert (health.state, health.attributes) == ("ON", {"reasons": reasons})
    assert home.entities["lag"].state == "0.35"
    for state in ("starting", "ok", "stopped"):
        home.receive(TOPICS.health, json.dumps(document | {"state": state}))
        assert health.state == "OFF"
    answer = {"command": "heard", "accepted": False, "reason": "none"}
    for request_id in (None, "r1", "ha-1.5"):
        home.receive(TOPICS.result, json.dumps(answer | {"request_id": request_id}))
    assert home.entities["answer"].events == [("refused", {"command": "heard", "reason": "none"})]
    home.receive(TOPICS.alert, json.dumps({"event_type": "new", "alert_id": FIRST}))
    assert home.entities["alert"].events == [("new", {"alert_id": FIRST})]
