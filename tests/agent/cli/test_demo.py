"""What the demo makes of the messages that it hears."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from agent.cli.demo.telling import FOLDER, Telling
from agent.cli.demo.view import View
from agent.cli.words import Language, texts_of
from agent.mqtt.subscriber import Message

if TYPE_CHECKING:
    from agent.capture.scene import Scene

_STARTED_AT = 1_767_323_045.0
_DEGRADED = {
    "state": "degraded",
    "reasons": {"broker": "gone"},
    "reason_codes": {"broker": [{"code": "broker_away", "parameters": {"detail": "gone"}}]},
}
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


def _judge(
    scene: Scene,
    alerts: list[Message],
    *,
    interrupted: bool = False,
    language: Language = Language.EN,
) -> tuple[bool, str]:
    view = View()
    for heard in alerts:
        view.take(heard)
    console = Console(record=True, width=120, quiet=False, file=None)
    with console.capture() as printed:
        telling = Telling(language)
        fine = telling.summary(console, scene, view, _STARTED_AT, interrupted=interrupted)
    return fine, printed.get()


@pytest.fixture(scope="module")
def expected(scene: Scene) -> list[Message]:
    """An alert for each event of the scene, in time."""
    return [_alert(event.error_ids[0], event.starts_s - 1.0) for event in scene.events]


def test_all_found_and_nothing_else_is_success(scene: Scene, expected: list[Message]) -> None:
    """Other descriptions that fit the same event are no false alarms."""
    beside = _alert("press_misfire", scene.events[0].starts_s)
    fine, text = _judge(scene, [*expected, beside])
    assert fine
    assert "5 of 5 found, 0 false alarms" in text


def test_what_an_alert_has_as_a_candidate_is_found(scene: Scene, expected: list[Message]) -> None:
    """Whoever answers can say that it was that one; it may join by an update."""
    starts_s = scene.events[0].starts_s
    asked = _alert("press_misfire", starts_s)
    joined = _alert("press_misfire", starts_s, "update", scene.events[0].error_ids[:1])
    assert "4 of 5 found" in _judge(scene, [asked, *expected[1:]])[1]
    fine, text = _judge(scene, [asked, joined, *expected[1:]])
    assert fine
    assert "5 of 5 found, 0 false alarms" in text


def test_missed_event_is_a_failure(scene: Scene, expected: list[Message]) -> None:
    """Even one."""
    fine, text = _judge(scene, expected[:-1])
    assert not fine
    assert "4 of 5 found" in text
    assert "missed" in text


def test_alert_in_the_calm_is_a_failure(scene: Scene, expected: list[Message]) -> None:
    """And it is named."""
    fine, text = _judge(scene, [_alert("air_leak", 2.0), *expected])
    assert not fine
    assert "false alarm: air_leak" in text


def test_updates_and_ends_are_not_counted_as_alerts(scene: Scene, expected: list[Message]) -> None:
    """Each event is one question."""
    ends = [_alert("siren", 3.0, "end"), _alert("siren", 3.0, "update")]
    assert _judge(scene, [*expected, *ends])[0]


def test_stopped_before_the_end_is_no_success(scene: Scene, expected: list[Message]) -> None:
    """Ctrl-C does not pass for a pass."""
    assert not _judge(scene, expected, interrupted=True)[0]


def test_view_follows_level_state_and_health() -> None:
    """What the live line shows."""
    view = View()
    root = "kikimimi/demo/box"
    for topic, payload in (
        ("source/scene/level", "-31.5"),
        ("source/scene/state", "ok"),
        ("health", json.dumps(_DEGRADED)),
    ):
        assert view.take(Message(f"{root}/{topic}", payload, 0.0)) is None
    assert view.level_dbfs == pytest.approx(-31.5)
    assert view.source_state == "ok"
    assert (view.health, view.reasons) == ("degraded", {"broker": "gone"})


def test_both_languages_have_the_same_texts_and_places() -> None:
    """Whatever is shown can be shown in both."""
    english, japanese = (texts_of(FOLDER, one) for one in (Language.EN, Language.JA))
    places = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert places == {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in japanese.items()}


def test_view_and_summary_are_told_in_japanese(scene: Scene, expected: list[Message]) -> None:
    """A state that nobody knows is shown as it came."""
    fine, text = _judge(scene, [*expected, _alert("air_leak", 2.0)], language=Language.JA)
    assert not fine
    assert "誤報：air_leak（スコア 5.0）" in text
    assert "5 件のうち 5 件を検出、誤報 1 件" in text
    view = View()
    view.take(Message("kikimimi/demo/box/source/scene/state", "asleep", 0.0))
    view.take(Message("kikimimi/demo/box/health", json.dumps(_DEGRADED), 0.0))
    alert = view.take(expected[0])
    assert alert is not None
    telling = Telling(Language.JA)
    line = telling.line(alert, _STARTED_AT).plain
    assert line.endswith(f"秒  重大     {alert.error_id}  {alert.error_id} 5.0（しきい値 4.5）")
    console = Console(width=120)
    with console.capture() as printed:
        console.print(telling.status(view, 3.0, 60.0))
    shown = printed.get()
    assert "音源 asleep、装置 対応が必要、通知 1 件" in shown
    assert "broker: MQTT ブローカーにつながりません。" in shown
    assert "（gone）。" in shown
