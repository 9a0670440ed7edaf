"""What the demo makes of the messages that it hears."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from agent.cli.demo import View, _summary
from agent.mqtt.subscriber import Message

if TYPE_CHECKING:
    from agent.capture.scene import Scene

_STARTED_AT = 1_767_323_045.0
_TOPIC = "kikimimi/demo/box/alert"


def _alert(
    error_id: str, starts_s: float, event_type: str = "new", candidates: tuple[str, ...] = ()
) -> Message:
    from agent.alerts.alerts import timestamp

    payload: dict[str, Any] = {
        "event_type": event_type,
        "error_id": error_id,
        "description": error_id,
        "severity": "MAJOR",
        "score": 5.0,
        "threshold": 4.5,
        "ts_start": timestamp(_STARTED_AT + starts_s),
        "candidates": [{"error_id": name} for name in candidates],
    }
    return Message(_TOPIC, json.dumps(payload), _STARTED_AT + starts_s + 1.0)


def _judge(scene: Scene, alerts: list[Message], *, interrupted: bool = False) -> tuple[int, str]:
    view = View()
    for heard in alerts:
        view.take(heard)
    console = Console(record=True, width=120, quiet=False, file=None)
    with console.capture() as printed:
        status = _summary(console, scene, view, _STARTED_AT, interrupted=interrupted)
    return status, printed.get()


@pytest.fixture(scope="module")
def expected(scene: Scene) -> list[Message]:
    """An alert for each event of the scene, in time."""
    return [_alert(event.error_ids[0], event.starts_s - 1.0) for event in scene.events]


def test_all_found_and_nothing_else_is_success(scene: Scene, expected: list[Message]) -> None:
    """Other descriptions that fit the same event are no false alarms."""
    beside = _alert("press_misfire", scene.events[0].starts_s)
    status, text = _judge(scene, [*expected, beside])
    assert status == 0
    assert "5 of 5 found, 0 false alarms" in text


def test_what_an_alert_has_as_a_candidate_is_found(scene: Scene, expected: list[Message]) -> None:
    """Whoever answers can say that it was that one; it may join by an update."""
    starts_s = scene.events[0].starts_s
    asked = _alert("press_misfire", starts_s)
    joined = _alert("press_misfire", starts_s, "update", scene.events[0].error_ids[:1])
    assert "4 of 5 found" in _judge(scene, [asked, *expected[1:]])[1]
    status, text = _judge(scene, [asked, joined, *expected[1:]])
    assert status == 0
    assert "5 of 5 found, 0 false alarms" in text


def test_missed_event_is_a_failure(scene: Scene, expected: list[Message]) -> None:
    """Even one."""
    status, text = _judge(scene, expected[:-1])
    assert status == 1
    assert "4 of 5 found" in text
    assert "missed" in text


def test_alert_in_the_calm_is_a_failure(scene: Scene, expected: list[Message]) -> None:
    """And it is named."""
    status, text = _judge(scene, [_alert("air_leak", 2.0), *expected])
    assert status == 1
    assert "false alarm: air_leak" in text


def test_updates_and_ends_are_not_counted_as_alerts(scene: Scene, expected: list[Message]) -> None:
    """Each event is one question."""
    ends = [_alert("siren", 3.0, "end"), _alert("siren", 3.0, "update")]
    assert _judge(scene, [*expected, *ends])[0] == 0


def test_stopped_before_the_end_is_no_success(scene: Scene, expected: list[Message]) -> None:
    """Ctrl-C does not pass for a pass."""
    assert _judge(scene, expected, interrupted=True)[0] == 1


def test_view_follows_level_state_and_health() -> None:
    """What the live line shows."""
    view = View()
    root = "kikimimi/demo/box"
    for topic, payload in (
        ("source/scene/level", "-31.5"),
        ("source/scene/state", "ok"),
        ("health", json.dumps({"state": "degraded", "reasons": {"broker": "gone"}})),
    ):
        assert view.take(Message(f"{root}/{topic}", payload, 0.0)) is None
    assert view.level_dbfs == pytest.approx(-31.5)
    assert view.source_state == "ok"
    assert (view.health, view.reasons) == ("degraded", {"broker": "gone"})
