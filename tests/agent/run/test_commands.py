"""Commands: what is accepted, refused, repeated and limited, whatever is sent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest

from agent.alerts.alerts import timestamp
from agent.core.rate_limit import Rate
from agent.mqtt import Incoming
from agent.mqtt.payload import MAX_BYTES, Fields, RefusedError
from agent.run.commands import ANSWERS, Command, Commands
from tests.agent.run.command_box import CMD, RELOAD, TOPICS, Box
from tests.fakes import FakeClock
from tests.schemas import validator


def test_a_reload_is_asked_for_once() -> None:
    """Delivered again, it is answered again and nothing happens."""
    box = Box()
    assert box.send("reload", RELOAD) == {
        "schema": 1,
        "command": "reload",
        "request_id": "r1",
        "accepted": True,
        "duplicate": False,
        "reason": None,
        "ts": timestamp(box.clock.now()),
    }
    again = box.send("reload", RELOAD)
    assert again["accepted"]
    assert again["duplicate"]
    assert box.reloads == 1
    assert box.send("reload", RELOAD | {"request_id": "r2"})["accepted"]
    assert box.reloads == 2
    assert (box.commands.tally.accepted, box.commands.tally.duplicated) == (2, 1)


def test_what_is_remembered_of_requests_is_bounded() -> None:
    """A flood of ids does not fill the memory."""
    box = Box(per_minute=600.0)
    for number in range(1_200):
        box.clock.advance(1.0)
        payload = json.dumps(RELOAD | {"request_id": f"r{number}"}).encode()
        box.commands.handle(Incoming(f"{CMD}/reload", payload))
    assert box.commands.tally.accepted == 1_200
    assert len(box.commands._accepted) == 1_000
    assert box.send("reload", RELOAD | {"request_id": "r1199"})["duplicate"]


def test_a_mute_lasts_as_long_as_it_says() -> None:
    """Of one description, then of all, each ended by time or by 0 s."""
    box = Box()
    assert box.send("mute", box.mute(operator="shift-a"))["accepted"]
    assert [(one.error_id, one.operator) for one in box.mutes.active] == [("siren", "shift-a")]
    box.clock.advance(599)
    assert box.mutes.silences("siren")
    assert not box.mutes.silences("metal_part_dropped")
    box.clock.advance(1)
    assert not box.mutes.silences("siren")
    assert box.send("mute", box.mute(request_id="r2", error_id=None))["accepted"]
    assert box.mutes.silences("anything")
    assert box.send("mute", box.mute(request_id="r3", error_id=None, duration_s=0))["accepted"]
    assert box.mutes.active == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"error_id": "sirens"}, "did you mean siren?"),
        ({"error_id": "x\u202e/../etc"}, "is no description"),
        ({"error_id": ""}, "error_id is ''"),
        ({"error_id": 3}, "error_id is 3"),
        ({"duration_s": 3_601}, "over commands.mute_longest_s; write at most 3600"),
        ({"duration_s": 86_401}, "write a number from 0 to 86400"),
        ({"duration_s": -1}, "duration_s is -1"),
        ({"duration_s": True}, "duration_s is true"),
        ({"duration_s": "600"}, "duration_s is '600'"),
        ({"schema": 2}, "schema is 2; write 1"),
        ({"schema": True}, "schema is true; write 1"),
        ({"request_id": "../x"}, "request_id is '../x'; write 1 to 64"),
        ({"request_id": "r" * 65}, "…; write 1 to 64"),
        ({"request_id": None}, "request_id is missing"),
        ({"operator": "a\u0000b"}, "none of them control characters"),
        ({"operator": "\ud800"}, "none of them control characters"),
        ({"ts": "2026-13-01T00:00:00Z"}, "write UTC as"),
        ({"ts": "now"}, "write UTC as"),
        ({"duration": 5}, "did you mean duration_s?"),
        ({"ts": "2020-01-01T00:00:00Z"}, "s ago; send it again"),
        ({"ts": "2040-01-01T00:00:00Z"}, "s ahead; send it again"),
    ],
)
def test_a_wrong_mute_is_refused_with_its_remedy(change: dict[str, Any], reason: str) -> None:
    """And mutes nothing."""
    box = Box()
    result = box.send("mute", box.mute(**change))
    assert not result["accepted"]
    assert reason in result["reason"]
    assert box.mutes.active == ()
    assert box.commands.tally.refused == 1


def test_a_box_without_the_time_does_not_judge_when_it_was_asked() -> None:
    """Its own clock may be years off."""
    box = Box(synced=False)
    assert box.send("mute", box.mute(ts="2020-01-01T00:00:00Z"))["accepted"]


@pytest.mark.parametrize(
    ("after_connect_s", "expires_in_s", "reason"),
    [
        (0.0, None, "send it again in 60 s, or by MQTT 5 with a message expiry of at most 300 s"),
        (59.5, None, "send it again in 1 s"),
        (0.0, 301, "may have waited at the broker"),  # it could be hours old
        (0.0, 300, None),
        (60.0, None, None),
        (60.0, 86_400, None),
    ],
)
def test_a_box_without_the_time_mutes_nothing_that_may_have_waited(
    after_connect_s: float, expires_in_s: int | None, reason: str | None
) -> None:
    """In the first minute only what its sender wanted delivered at once; a set clock knows."""
    arrived = {"after_connect_s": after_connect_s, "expires_in_s": expires_in_s}
    box = Box(synced=False)
    result = box.send("mute", box.mute(), **arrived)
    assert result["accepted"] is (reason is None)
    assert reason is None or reason in result["reason"]
    assert len(box.mutes.active) == (reason is None)
    assert box.send("reload", RELOAD, **arrived)["accepted"]
    box = Box(synced=True)
    assert box.send("mute", box.mute(), **arrived)["accepted"]


@pytest.mark.parametrize("hours", [9, -5, 0])
def test_the_time_of_a_command_may_have_an_offset(hours: int) -> None:
    """By the published schema too."""
    box = Box()
    zone = timezone(timedelta(hours=hours))
    now = datetime.fromtimestamp(box.clock.now(), zone)
    for ts, accepted in ((now, True), (now - timedelta(minutes=6), False)):
        payload = box.mute(ts=ts.isoformat(), request_id=f"r{accepted}")
        validator("cmd-mute").validate(payload)
        result = box.send("mute", payload)
        assert result["accepted"] is accepted, result
    assert "ts is 360 s ago" in result["reason"]
    for wrong in ("2026-01-02T03:04:05", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+0900"):
        payload = box.mute(ts=wrong, request_id="wrong")
        with pytest.raises(jsonschema.ValidationError):
            validator("cmd-mute").validate(payload)
        assert (
            "or with its offset: 2026-01-02T12:04:05+09:00" in box.send("mute", payload)["reason"]
        )


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8 (byte 0xff at 0)"),
        (b"{", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"[]", "no object"),
        (b'"reload"', "no object"),
        (b"[" * 8_000, "nested too deeply"),
        (b'{"a":' * 1_600, "nested too deeply"),
        (b'{"schema":NaN}', "holds NaN"),
        (b'{"schema":-Infinity}', "holds -Infinity"),
        (b'{"schema":1e999}', "too large"),
        (b'{"schema":' + b"9" * 5_000 + b"}", "5000 digits"),
        (b'{"schema":1,"schema":1}', "holds a field twice"),
        (b'{"schema":{"a":1}}', "'schema' is not a single value"),
        (b" " * (MAX_BYTES + 1), "8193 bytes; send at most 8192"),
        (b'{"\\u0000\\u001b[31m":1}', r"'\x00\x1b[31m' is not a field"),
    ],
)
def test_a_payload_that_is_none_is_refused(payload: bytes, reason: str) -> None:
    """With what is wrong, and no more of it than a few characters."""
    result = Box().send("reload", payload)
    assert not result["accepted"]
    assert reason in result["reason"]
    assert len(result["reason"]) < 500


def test_an_unknown_command_is_told_the_known_ones() -> None:
    """Or the one that was probably meant; a path is only a name."""
    box = Box()
    assert "did you mean reload?" in box.send("relod", RELOAD)["reason"]
    known = ", ".join(box.commands._commands)
    assert f"known are {known}" in box.send("../../etc/passwd", RELOAD)["reason"]
    assert box.send("x" * 300, RELOAD)["command"] == "x" * 64


def test_a_retained_command_is_not_carried_out() -> None:
    """Its sender is told; clearing it away is no command."""
    box = Box()
    assert "retain flag" in box.send("reload", RELOAD, retained=True)["reason"]
    assert box.commands.handle(Incoming(f"{CMD}/reload", b"", retained=True)) == []
    assert box.reloads == 0


def test_its_own_answers_are_no_commands() -> None:
    """Neither the common ones nor those to a response topic below them."""
    box = Box()
    assert box.commands.handle(Incoming(f"{CMD}/result", b"{}")) == []
    assert box.commands.handle(Incoming(f"{CMD}/result/dash1", b"{}")) == []
    assert box.commands.tally.refused == 0


def test_too_many_commands_are_refused_until_time_has_passed() -> None:
    """Counted apart, and without an answer to each of a flood."""
    box = Box(per_minute=60.0)
    for number in range(10):
        assert box.send("reload", RELOAD | {"request_id": f"r{number}"})["accepted"]
    assert "too many reload commands; wait 1 s" in box.send("reload", RELOAD)["reason"]
    # Another kind has its own allowance.
    assert box.send("mute", box.mute())["accepted"]
    flood = [
        box.commands.handle(Incoming(f"{CMD}/reload", json.dumps(RELOAD).encode()))
        for _ in range(100)
    ]
    assert sum(map(bool, flood)) == ANSWERS.burst - 1
    tally = box.commands.tally
    assert (tally.limited, tally.refused, tally.unanswered) == (101, 101, 101 - ANSWERS.burst)
    box.clock.advance(1.0)
    assert box.send("reload", RELOAD | {"request_id": "later"})["accepted"]


@pytest.mark.parametrize("topic", [f"{CMD}/result/dash1", "dash1/answers"])
def test_an_answer_goes_to_the_response_topic_too(topic: str) -> None:
    """With the correlation data, on both topics."""
    incoming = Incoming(f"{CMD}/reload", json.dumps(RELOAD).encode(), False, topic, b"\x00\xff")
    replies = Box().commands.handle(incoming)
    assert [one.topic for one in replies] == [f"{CMD}/result", topic]
    assert {one.correlation for one in replies} == {b"\x00\xff"}
    assert replies[0].payload == replies[1].payload
    # Whoever names a topic of their own that the broker refuses does not worry the box.
    assert [one.lasting for one in replies] == [True, False]


@pytest.mark.parametrize(
    "topic",
    [
        "kikimimi/plant/press3/status",
        "kikimimi/plant/press3/alert",
        "kikimimi/plant/press4/cmd/mute",
        f"{CMD}/mute",
        f"{CMD}/result",
        "$SYS/broker",
        "answers/#",
        "answers/+",
        "answers\x00",
        "x" * 257,
        "",
    ],
)
def test_an_answer_cannot_be_made_to_look_like_something_else(topic: str) -> None:
    """The command is refused, and answered on the common topic alone."""
    box = Box()
    incoming = Incoming(f"{CMD}/reload", json.dumps(RELOAD).encode(), response_topic=topic)
    (reply,) = box.commands.handle(incoming)
    assert "response topic" in json.loads(reply.payload)["reason"]
    assert box.reloads == 0


def test_long_correlation_data_is_refused() -> None:
    """What is sent back is bounded."""
    result = Box().send("reload", RELOAD, correlation=b"x" * 257)
    assert "correlation data has 257 bytes" in result["reason"]


def test_a_verdict_plugs_in() -> None:
    """A handler with fields and a rate of its own, and a refusal of its own."""
    heard: list[tuple[str | None, str | None]] = []

    def verdict(fields: Fields) -> None:
        alert_id, said = fields.text("alert_id"), fields.text("verdict")
        fields.finish()
        if alert_id == "unknown":
            raise RefusedError("alert_id 'unknown' is no alert; write that of an alert")
        heard.append((alert_id, said))

    table = {"verdict": Command(verdict, Rate(burst=200, per_minute=600))}
    commands = Commands(TOPICS, table, FakeClock())

    def send(**fields: str) -> dict[str, Any]:
        payload = json.dumps(RELOAD | fields).encode()
        (reply,) = commands.handle(Incoming(f"{CMD}/verdict", payload))
        answer: dict[str, Any] = json.loads(reply.payload)
        return answer

    assert "is no alert" in send(alert_id="unknown", verdict="confirm")["reason"]
    # What was refused is not remembered: mended, it is taken.
    assert send(alert_id="01J", verdict="confirm")["accepted"]
    assert heard == [("01J", "confirm")]
