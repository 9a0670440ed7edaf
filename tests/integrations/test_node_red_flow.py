"""The flow for Node-RED without Node-RED: its file, and its function nodes run by Node.js."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.core.reasons import ENGLISH
from agent.mqtt.topics import Topics
from tests.schemas import schema

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "configs" / "node-red" / "flows.json"
RUNNER = Path(__file__).with_name("function_nodes.js")
TOPICS = Topics("kikimimi", "plant", "press3")
ENVIRONMENT = {
    "KIKIMIMI_BOX": TOPICS.root,
    "KIKIMIMI_LANGUAGE": "ja",
    "KIKIMIMI_OPERATOR": "dashboard",
    "KIKIMIMI_TEXTS": {"glass_broken": "ガラスが割れる音"},
}
ALERT = "01KE0G4T1R8Y7Q2M4N6P8R9S0T"
CONNECTED = {"broker": "green"}

PRESSES = [
    ("verdict", {"do": "yes", "alert_id": ALERT}, {"verdict": "confirm"}),
    ("verdict", {"do": "no", "alert_id": ALERT}, {"verdict": "reject"}),
    ("verdict", {"do": "unsure", "alert_id": ALERT}, {"verdict": "unsure"}),
    (
        "verdict",
        {"do": "other", "alert_id": ALERT, "error_id": "siren"},
        {"verdict": "reject", "error_id": "siren"},
    ),
    ("undo", {"do": "undo", "alert_id": ALERT}, {"alert_id": ALERT}),
    (
        "heard",
        {"do": "heard", "error_id": "siren", "source": "mic1", "from_s": 180, "to_s": 60},
        {"from": "2027-01-15T07:57:00.000Z", "to": "2027-01-15T07:59:00.000Z"},
    ),
    (
        "threshold",
        {"do": "threshold", "error_id": "siren", "threshold": 4.6},
        {"error_id": "siren", "threshold": 4.6, "ts": "2027-01-15T08:00:00.000Z"},
    ),
    (
        "threshold",
        {"do": "threshold", "error_id": "siren", "threshold": "auto"},
        {"error_id": "siren", "threshold": "auto"},
    ),
    ("clip", {"do": "picture", "alert_id": ALERT}, {"alert_id": ALERT, "kind": "picture"}),
]
"""The command, what a page sends, and what is in the command then."""


def nodes() -> list[dict[str, Any]]:
    """What the file holds."""
    found: list[dict[str, Any]] = json.loads(FLOW.read_text(encoding="utf-8"))
    return found


def run(*steps: dict[str, Any], **environment: Any) -> list[dict[str, Any]]:
    """Run function nodes on messages; what each sent, warned of and left in the flow's context."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: apt-get install nodejs")
    given = {"flow": str(FLOW), "environment": ENVIRONMENT | environment, "steps": steps}
    done = subprocess.run(
        [node, str(RUNNER)], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


def step(name: str, msg: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One message to one function node."""
    return {"node": f"kikimimi-{name}", "msg": msg, **more}


def test_every_wire_and_reference_leads_to_a_node() -> None:
    """Ids are unique; wires, pages, groups, the broker and the tab exist."""
    flow = nodes()
    by_id = {node["id"]: node for node in flow}
    assert len(by_id) == len(flow)
    wires = [end for node in flow for output in node.get("wires", []) for end in output]
    names = ("z", "broker", "group", "page", "ui", "theme")
    kinds = [node[name] for node in flow for name in names if node["type"] != "mqtt-broker"
             and node.get(name)]  # fmt: skip
    scopes = [one for node in flow if node["type"] == "status" for one in node["scope"]]
    assert set(wires) | set(kinds) | set(scopes) <= by_id.keys()
    assert {"kikimimi-to-box", "kikimimi-from-box", "kikimimi-show-alerts"} <= set(wires)
    for node in flow:
        if node["type"] == "function":
            assert len(node["wires"]) == node["outputs"], node["id"]


def test_nothing_of_one_site_stands_in_the_flow() -> None:
    """Broker and topics come from the environment, with defaults, and no password is in it."""
    (tab,) = [node for node in nodes() if node["type"] == "tab"]
    names = {one["name"]: one["value"] for one in tab["env"]}
    for name, value in names.items():
        if name != "KIKIMIMI_BOX":
            assert value.startswith(f'$env("{name}") ? '), name
    (broker,) = [node for node in nodes() if node["type"] == "mqtt-broker"]
    assert broker["broker"] == "${KIKIMIMI_MQTT_HOST}"
    assert broker["port"] == "${KIKIMIMI_MQTT_PORT}"
    assert broker["z"] == tab["id"], "the flow's environment holds for its own nodes only"
    assert "credentials" not in broker
    assert "://" not in FLOW.read_text(encoding="utf-8")


def test_every_topic_is_one_of_the_box() -> None:
    """What it subscribes to is published, and nothing of it by the flow itself."""
    (start,) = [node for node in nodes() if node["type"] == "inject"]
    topic = start["props"][1]["v"]
    listed = re.match(r"\[(.*?)\]", topic)
    assert listed is not None
    found = {f"{TOPICS.root}/{name}" for name in json.loads(f"[{listed[1]}]")}
    assert found == {
        TOPICS.status, TOPICS.health, TOPICS.config_state, TOPICS.alerts_open, TOPICS.alert,
        TOPICS.result, TOPICS.clip,
    }  # fmt: skip
    assert all(node.get("topic", "") == "" for node in nodes() if node["type"] != "inject")


def test_presses_become_commands_that_are_valid_by_their_schemas() -> None:
    """Each button's, under the name that was typed or the screen's own."""
    steps = [
        step("command", {"press": press | {"operator": who}}, set=CONNECTED)
        for _, press, _ in PRESSES
        for who in (" 夜勤 A班 ", "")
    ]
    told = run(*steps)
    seen = set()
    for number, one in enumerate(told):
        command, _, expected = PRESSES[number // 2]
        message = one["sent"][0]
        payload = message["payload"]
        assert message["topic"] == f"{TOPICS.commands}/{command}"
        assert payload.items() >= expected.items()
        assert payload["schema"] == 1
        assert payload["operator"] == ("dashboard" if number % 2 else "夜勤 A班")
        assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", payload["request_id"])
        seen.add(payload["request_id"])
        jsonschema.validate(payload, schema(f"cmd-{command}"))
        assert one["warnings"] == []
    assert len(seen) == len(told)


def test_a_press_without_a_broker_is_told_and_not_sent() -> None:
    """Node-RED throws away what it cannot send; an unknown press is warned of."""
    unsent, unknown = run(
        step("command", {"press": {"do": "yes", "alert_id": ALERT}}, set={"broker": "red"}),
        step("command", {"press": {"do": "toString"}}, set=CONNECTED),
    )
    assert unsent["sent"][0] is None
    assert [one["state"] for one in unsent["flow"]["presses"]] == ["unsent"]
    assert unknown["sent"] is None
    assert "'toString'" in unknown["warnings"][0]
    assert len(unknown["flow"]["presses"]) == 1


def test_answers_of_the_box_are_told_in_the_words_of_the_page() -> None:
    """Accepted, refused by a code, refused by a box that knows no such command; others' are not."""
    sent = {
        "presses": [
            {"request_id": "r1", "do": "yes", "state": "sent"},
            {"request_id": "r2", "do": "no", "state": "sent"},
            {"request_id": "r3", "do": "threshold", "state": "sent"},
        ]
    }
    refused = {"accepted": False, "reason": "English", "code": "alert_unknown"}
    told = run(
        step("words", {}, set=sent),
        step("answers", {"payload": {"request_id": "r1", "accepted": True, "reason": None}}),
        step(
            "answers",
            {"payload": refused | {"request_id": "r2", "parameters": {"alert_id": "'01K'"}}},
        ),
        step(
            "answers",
            {
                "payload": refused
                | {"request_id": None, "command": "threshold", "code": "command_unknown"}
                | {"parameters": {"command": "'threshold'"}}
            },
        ),
        step("answers", {"payload": refused | {"request_id": "another's"}}),
    )
    first, second, third = told[-1]["flow"]["presses"]
    assert (first["state"], first["reason"]) == ("kept", "")
    assert second["state"] == "refused"
    assert second["reason"].startswith("アラート '01K' はこの装置にありません。")
    assert third["state"] == "refused"
    assert "{known}" in third["reason"], "a parameter that did not come stays as it is"
    assert told[-1]["sent"] is None


def test_words_are_the_same_in_both_languages_and_refusals_those_of_the_console() -> None:
    """Each that a page uses is there; another language is answered in English."""
    japanese = run(step("words", {}))[0]["flow"]["words"]
    english = run(step("words", {}), KIKIMIMI_LANGUAGE="fr")[0]["flow"]["words"]
    assert (japanese["language"], english["language"]) == ("ja", "en")
    assert japanese.keys() == english.keys()
    pages = "".join(node["format"] for node in nodes() if node["type"] == "ui-template")
    used = set(re.findall(r"\bw\.(\w+)", pages))
    assert used
    assert used <= english.keys()
    assert {"kept", "refused", "sent", "unsent", "CRITICAL", "s_ok", "degraded"} <= english.keys()
    console = (ROOT / "agent" / "console" / "static" / "words.js").read_text(encoding="utf-8")
    assert japanese["refusals"].keys() <= ENGLISH.keys()
    for code, text in japanese["refusals"].items():
        assert f'{code}: "{text}"' in console


def test_what_the_box_says_is_sorted_and_kept() -> None:
    """States are kept, the rest goes its way, and what is no JSON is warned of."""
    told = run(
        step("sort", {"topic": TOPICS.status, "payload": "online"}),
        step("sort", {"topic": TOPICS.alerts_open, "payload": {"count": 0, "alerts": []}}),
        step("sort", {"topic": TOPICS.config_state, "payload": {"thresholds": {}}}),
        step("sort", {"topic": TOPICS.alert, "payload": {"alert_id": ALERT}}),
        step("sort", {"topic": TOPICS.result, "payload": {}}),
        step("sort", {"topic": TOPICS.clip, "payload": {}}),
        step("sort", {"topic": TOPICS.health, "payload": "{broken"}),
    )
    outputs = [[bool(one) for one in each["sent"]].index(True) for each in told[:-1]]
    assert outputs == [0, 0, 0, 1, 2, 3]
    assert told[-1]["sent"] is None
    assert TOPICS.health in told[-1]["warnings"][0]
    assert told[-1]["flow"]["status"] == "online"
    assert told[-1]["flow"].keys() == {"status", "alerts_open", "config_state"}


def test_a_picture_is_asked_for_with_pauses_and_put_together_from_its_pieces() -> None:
    """Two dashboards that look make one request; pieces may come in any order, or be of a sound."""
    png = bytes(range(256)) * 3
    look = {"press": {"do": "picture", "alert_id": ALERT}}
    piece = {"alert_id": ALERT, "kind": "picture", "size_bytes": len(png)}
    halves = [base64.b64encode(png[:400]).decode(), base64.b64encode(png[400:]).decode()]
    told = run(
        step("pictures", look, now=10_000),
        step("pictures", look, now=11_000),
        step("pictures", look, now=13_000),
        step("pictures", {"payload": piece | {"kind": "audio", "index": 0, "data": "AAAA"}}),
        step("pictures", {"payload": piece | {"index": 1, "data": halves[1]}}),
        step("pictures", {"payload": piece | {"index": 0, "data": halves[0]}}),
        step("pictures", look, now=13_001),
    )
    asked = [bool(one["sent"] and one["sent"][1]) for one in told]
    assert asked == [True, False, True, False, False, False, False]
    expected = {"alert_id": ALERT, "url": f"data:image/png;base64,{base64.b64encode(png).decode()}"}
    assert told[4]["sent"] is None
    assert told[5]["sent"][0]["picture"] == expected
    assert told[6]["sent"][0]["picture"] == expected


def test_a_picture_that_never_comes_is_given_up() -> None:
    """After ten requests the pages are told that there is none."""
    look = {"press": {"do": "picture", "alert_id": ALERT}}
    told = run(*(step("pictures", look, now=10_000 * number) for number in range(1, 12)))
    assert [bool(one["sent"][1]) for one in told] == [True] * 10 + [False]
    assert told[-1]["sent"][0] == {"picture": {"alert_id": ALERT, "url": ""}}


def test_the_pages_show_one_row_an_alert_and_call_descriptions_by_their_words() -> None:
    """A message without the ones before, a later one of it, an earlier alert; names from alerts."""
    row = {"alert_id": ALERT, "error_id": "siren", "description": "サイレン", "event_type": "new"}
    early = row | {"alert_id": "01A", "ts_start": "2026-01-02T03:04:05.678Z"}
    late = row | {"ts_start": "2026-01-02T03:05:05.678Z"}
    told = run(
        step("page", {}),
        step("words", {}),
        step("history", {"payload": late}),
        step("history", {"payload": early}),
        step("history", {"payload": late | {"event_type": "reviewed", "verdict": "confirm"}}),
        step(
            "page",
            {},
            set={"config_state": {"thresholds": {"siren": 4, "glass_broken": 4, "air_leak": 4}}},
        ),
        step("page", {}, set={"config_state": {"thresholds": None}}),
    )
    assert told[0]["sent"] is None, "the words are not there yet"
    page = told[5]["sent"]["payload"]
    assert [(one["alert_id"], one.get("verdict")) for one in page["history"]] == [
        (ALERT, "confirm"),
        ("01A", None),
    ]
    assert page["names"] == {
        "siren": "サイレン",
        "glass_broken": "ガラスが割れる音",
        "air_leak": "air leak",
    }
    assert told[6]["sent"]["payload"]["names"].keys() == {"siren", "glass_broken"}
