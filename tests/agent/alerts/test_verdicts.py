"""Verdicts: kept once, replaced, taken back, told of; and everything else refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.alerts.alerts import timestamp
from agent.alerts.thresholds import Thresholds
from agent.alerts.verdicts import Verdicts
from agent.config import CommandSettings, MqttSettings
from agent.core.answers import holding
from agent.core.records import Provenance, Step, Verdict
from agent.detector.mutes import Mutes
from agent.mqtt import Incoming, Link
from agent.mqtt.topics import Topics
from agent.run.box_commands import box_commands
from agent.store.box import BoxStore
from tests.agent.run.command_box import Box as CommandBox
from tests.agent.store.answers import clip
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock
from tests.schemas import validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.run.commands import Commands

TOPICS = Topics("kikimimi", "plant", "press3")
SHA = "sha256:" + "0" * 64
HEARD = replace(ALERT, provenance=Provenance(SHA, SHA))
UNDO_S = 900.0


class Box:
    """A box with one alert, on a clock of the test's, whose link never meets a broker."""

    def __init__(self, folder: Path, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.store = BoxStore(folder, self.clock)
        self.link = Link(MqttSettings(), "press3", TOPICS.status, self.store, self.clock)
        self.verdicts = Verdicts(
            topics=TOPICS, store=self.store, link=self.link, clock=self.clock, undo_s=UNDO_S
        )
        self.commands: Commands = box_commands(
            TOPICS,
            CommandSettings(),
            mutes=Mutes(self.clock),
            verdicts=self.verdicts,
            thresholds=Thresholds(
                store=self.store, clock=self.clock, settings=CommandSettings(), undo_s=UNDO_S
            ),
            clock=self.clock,
            reload=lambda: None,
            known=lambda: {
                "drop": HEARD.description,
                "siren": "サイレンの音",
                "hiss": "air hisses",
            },
        )

    def send(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a command; the answer on ``cmd/result``."""
        raw = json.dumps(payload).encode()
        (reply,) = self.commands.handle(Incoming(f"{TOPICS.commands}/{name}", raw))
        result: dict[str, Any] = json.loads(reply.payload)
        validator("cmd-result").validate(result)
        if result["accepted"]:
            validator(f"cmd-{name}").validate(payload)
        return result

    def verdict(self, **fields: Any) -> dict[str, Any]:
        """A valid one, but for what is said."""
        return {
            "schema": 1,
            "request_id": "r1",
            "alert_id": HEARD.alert_id,
            "verdict": "confirm",
            "relevance": None,
            "label": None,
            "operator": "shift-a",
            "ts": timestamp(self.clock.now()),
        } | fields

    def undo(self, **fields: Any) -> dict[str, Any]:
        """A valid one, but for what is said."""
        return {
            "schema": 1,
            "request_id": "u1",
            "alert_id": HEARD.alert_id,
            "operator": "shift-a",
        } | fields

    def told(self) -> list[dict[str, Any]]:
        """What waits to be published of alerts, each valid by its schema."""
        found = [json.loads(one.payload) for one in self.store.waiting()]
        for document in found:
            validator("alert").validate(document)
        return found

    def holding(self) -> list[tuple[str | None, Verdict]]:
        """Who says what."""
        answers = self.store.answers(HEARD.alert_id)
        return [(one.operator, one.verdict) for one in holding(answers)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """One that heard something."""
    made = Box(tmp_path)
    made.store.record(HEARD, [])
    yield made
    made.store.close()


def test_a_verdict_is_kept_and_told(box: Box) -> None:
    """With who, when and what; the alert's own message says the same."""
    box.store.keep_clip(clip(HEARD.alert_id))
    sent = box.verdict(relevance=85, label="フォークリフト", ts="2026-01-02T03:04:00.5Z")
    assert box.send("verdict", sent)["accepted"]
    (kept,) = box.store.answers(HEARD.alert_id)
    assert (kept.verdict, kept.relevance, kept.label) == (Verdict.CONFIRM, 85.0, "フォークリフト")
    assert (kept.operator, kept.request_id, kept.through.value) == ("shift-a", "r1", "mqtt")
    assert timestamp(kept.given_at) == "2026-01-02T03:04:00.500Z"
    assert kept.received_at == box.clock.now()
    (told,) = box.told()
    assert told["event_type"] == "reviewed"
    assert told["alert_id"] == HEARD.alert_id
    assert (told["verdict"], told["relevance"], told["operator"]) == ("confirm", 85, "shift-a")
    assert told["ts_verdict"] == "2026-01-02T03:04:00.500Z"
    assert told["clip"] == clip(HEARD.alert_id).file
    assert box.store.open_alerts(9).count == 0
    assert box.verdicts.given == 1
    (line,) = box.store.trail()
    assert (line.what, line.who, line.detail["alert_id"]) == ("verdict", "shift-a", HEARD.alert_id)


def test_a_verdict_is_carried_out_once_also_after_a_restart(box: Box, tmp_path: Path) -> None:
    """The broker delivers it again: it is answered again, as a duplicate, and nothing happens."""
    sent = box.verdict()
    assert not box.send("verdict", sent)["duplicate"]
    assert box.send("verdict", sent)["duplicate"]
    box.store.close()
    again = Box(tmp_path, box.clock)
    result = again.send("verdict", sent)
    assert (result["accepted"], result["duplicate"]) == (True, True)
    assert len(again.store.answers(HEARD.alert_id)) == 1
    assert len(again.told()) == 1
    assert (again.verdicts.given, again.commands.tally.duplicated) == (0, 1)
    undone = again.undo()
    assert not again.send("undo", undone)["duplicate"]
    again.send("verdict", again.verdict(request_id="r2", verdict="reject"))
    again.store.close()
    third = Box(tmp_path, box.clock)
    assert third.send("undo", undone)["duplicate"]
    assert third.holding() == [("shift-a", Verdict.REJECT)], "it takes back nothing more"
    third.store.close()


def test_it_was_another_one_is_kept_and_told(box: Box) -> None:
    """Any description that is listened for, with its words; taken back as any answer."""
    assert box.send("verdict", box.verdict(verdict="reject", error_id="siren"))["accepted"]
    (kept,) = box.store.answers(HEARD.alert_id)
    assert (kept.verdict, kept.error_id) == (Verdict.REJECT, "siren")
    assert kept.description == "サイレンの音"
    (told,) = box.told()
    assert (told["verdict"], told["verdict_error_id"]) == ("reject", "siren")
    assert told["error_id"] == "drop", "the alert stays what it was asked of"
    assert box.store.trail()[0].detail["error_id"] == "siren"
    assert box.send("undo", box.undo())["accepted"]
    assert box.told()[-1]["verdict_error_id"] is None
    assert box.holding() == []


def test_it_was_another_one_is_carried_out_once(box: Box) -> None:
    """What another says is another answer, and needs another request."""
    sent = box.verdict(verdict="reject", error_id="siren")
    assert not box.send("verdict", sent)["duplicate"]
    assert box.send("verdict", sent)["duplicate"]
    for other in ({"error_id": "hiss"}, {"error_id": None}):
        assert "was used" in box.send("verdict", sent | other)["reason"]
    assert len(box.store.answers(HEARD.alert_id)) == 1


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"error_id": "sirn"}, "description_misspelt", "'sirn' is no description; did you mean"),
        ({"error_id": "gong"}, "description_unknown", "'gong' is no description; write an id"),
        ({"error_id": "drop"}, "verdict_itself", "'drop' is the alert's own; write the id of"),
        (
            {"error_id": "siren", "verdict": "confirm"},
            "verdict_other",
            "which verdict confirm does not; write verdict reject",
        ),
        ({"error_id": "siren", "verdict": "unsure"}, "verdict_other", "or leave error_id out"),
    ],
    ids=str,
)
def test_no_other_one_is_told_why(box: Box, fields: dict[str, str], code: str, reason: str) -> None:
    """In words, and by a code that the console words in Japanese."""
    result = box.send("verdict", box.verdict(verdict="reject") | fields)
    assert (result["accepted"], result["code"]) == (False, code)
    assert reason in result["reason"]
    assert box.store.answers(HEARD.alert_id) == []


def test_a_request_id_that_was_used_for_something_else_is_told(box: Box) -> None:
    """A second verdict must not vanish because its sender counts from 1 again."""
    box.send("verdict", box.verdict())
    for other in (
        box.verdict(verdict="reject"),
        box.verdict(operator="shift-b"),
        box.verdict(relevance=3),
        box.verdict(label="crane"),
    ):
        result = box.send("verdict", other)
        assert not result["accepted"]
        assert "'r1' was used for something else; choose a new one" in result["reason"]
    assert "was used" in box.send("undo", box.undo(request_id="r1"))["reason"]
    box.send("undo", box.undo())
    assert "was used" in box.send("verdict", box.verdict(request_id="u1"))["reason"]
    assert "was used" in box.send("undo", box.undo(operator="shift-b"))["reason"]


def test_the_last_verdict_of_an_operator_counts(box: Box) -> None:
    """The first stays in the store; another operator's counts beside it."""
    box.send("verdict", box.verdict())
    box.send("verdict", box.verdict(request_id="r2", verdict="reject"))
    box.send("verdict", box.verdict(request_id="r3", operator="shift-b", verdict="unsure"))
    assert box.holding() == [("shift-a", Verdict.REJECT), ("shift-b", Verdict.UNSURE)]
    assert len(box.store.answers(HEARD.alert_id)) == 3
    assert [one["verdict"] for one in box.told()] == ["confirm", "reject", "unsure"]


def test_an_undo_brings_back_what_held_before(box: Box) -> None:
    """The verdict before; then none, and the alert awaits one again."""
    box.send("verdict", box.verdict(relevance=70))
    box.send("verdict", box.verdict(request_id="r2", verdict="reject"))
    assert box.send("undo", box.undo())["accepted"]
    assert box.holding() == [("shift-a", Verdict.CONFIRM)]
    assert (box.told()[-1]["verdict"], box.told()[-1]["relevance"]) == ("confirm", 70)
    assert box.store.open_alerts(9).count == 0
    box.clock.advance(1.0)
    assert box.send("undo", box.undo(request_id="u2"))["accepted"]
    assert box.holding() == []
    last = box.told()[-1]
    assert (last["event_type"], last["verdict"], last["operator"]) == ("reviewed", None, "shift-a")
    assert last["ts_verdict"] == timestamp(box.clock.now())
    assert box.store.open_alerts(9).count == 1
    assert [one.what for one in box.store.trail()] == ["verdict", "verdict", "undo", "undo"]
    assert box.verdicts.undone == 2
    nothing = box.send("undo", box.undo(request_id="u3"))
    assert "'shift-a' has no verdict on it" in nothing["reason"]


def test_an_undo_touches_nobody_elses_verdict_and_has_its_time(box: Box) -> None:
    """Another operator's is refused, and so is one's own after a while."""
    box.send("verdict", box.verdict())
    assert not box.send("undo", box.undo(operator="shift-b"))["accepted"]
    box.clock.advance(UNDO_S + 1)
    result = box.send("undo", box.undo())
    assert not result["accepted"]
    assert "901 s ago, and verdicts.undo_s is 900; give another verdict" in result["reason"]
    assert box.holding() == [("shift-a", Verdict.CONFIRM)]


def test_a_sound_that_goes_on_ends_as_before(box: Box) -> None:
    """The end of a reviewed alert is told, and asks nothing again."""
    box.send("verdict", box.verdict())
    ended = replace(HEARD, detection=replace(HEARD.detection, step=Step.END))
    box.store.record(ended, [])
    assert box.store.open_alerts(9).count == 0
    assert box.store.alert(HEARD.alert_id) == ended


def test_days_old_verdicts_are_taken_and_those_of_the_future_are_not(box: Box) -> None:
    """They lay at the broker while the box was away; a clock that is ahead is told."""
    late = timestamp(box.clock.now() - 6 * 86_400)
    assert box.send("verdict", box.verdict(ts=late))["accepted"]
    ahead = timestamp(box.clock.now() + 400)
    result = box.send("verdict", box.verdict(request_id="r2", ts=ahead))
    assert "ts is 400 s ahead; set the sender's clock" in result["reason"]


def test_those_of_a_long_weekend_are_taken_at_once(tmp_path: Path) -> None:
    """Hundreds that waited at the broker are not refused as a flood; a flood is."""
    box = Box(tmp_path)
    box.store.record(HEARD, [])
    for number in range(1_000):
        payload = json.dumps(box.undo(request_id=f"u{number}")).encode()
        box.commands.handle(Incoming(f"{TOPICS.commands}/undo", payload))
    assert (box.commands.tally.refused, box.commands.tally.limited) == (1_000, 0)
    payload = json.dumps(box.undo()).encode()
    box.commands.handle(Incoming(f"{TOPICS.commands}/undo", payload))
    assert box.commands.tally.limited == 1
    assert box.send("verdict", box.verdict())["accepted"], "each kind has its own measure"
    box.store.close()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"alert_id": "01KE0000000000000000000009"}, "is no alert of this box"),
        ({"alert_id": "../../etc"}, "alert_id is '../../etc'; write the alert's own: 26"),
        ({"alert_id": None}, "alert_id is missing or null"),
        ({"verdict": "confrim"}, "verdict is 'confrim'; did you mean confirm?"),
        ({"verdict": "no"}, "verdict is 'no'; write confirm or reject or unsure"),
        ({"verdict": True}, "verdict is true; write confirm or"),
        ({"through": "phone"}, "through is 'phone'; write mqtt or console"),
        ({"relevance": 101}, "relevance is 101; write a number from 0 to 100"),
        ({"relevance": "90"}, "relevance is '90'; write a number"),
        ({"relevance": True}, "relevance is true; write a number"),
        ({"operator": None}, "operator is missing or null; write 1 to 64 characters"),
        ({"operator": "a\u0000b"}, "operator is 'a\\x00b'; write 1 to 64"),
        ({"label": "x" * 65}, "label is 'xxx"),
        ({"ts": "yesterday"}, "ts is 'yesterday'; write UTC"),
        ({"request_id": ""}, "request_id is ''; write 1 to 64 letters"),
        ({"schema": 2}, "schema is 2; write 1"),
        ({"verdit": "x"}, "'verdit' is not a field; did you mean verdict?"),
    ],
)
def test_what_is_wrong_is_told_and_not_kept(box: Box, wrong: dict[str, Any], reason: str) -> None:
    """Each with what was found and what to write; told once."""
    result = box.send("verdict", box.verdict(**wrong))
    assert not result["accepted"]
    assert reason in result["reason"]
    assert result["reason"].count(reason) == 1
    assert box.store.answers(HEARD.alert_id) == []
    assert box.store.trail() == []


def test_a_script_cannot_fill_the_disk_with_one_alert(box: Box) -> None:
    """After a hundred on one alert no more are kept, which is told."""
    for number in range(100):
        box.verdicts.give(
            request_id=f"r{number}",
            alert_id=HEARD.alert_id,
            verdict=Verdict.CONFIRM,
            operator=f"o{number}",
            given_at=0.0,
        )
    assert "no more are kept" in box.send("verdict", box.verdict(request_id="x"))["reason"]


def test_an_unreadable_store_is_told_and_not_guessed(box: Box, tmp_path: Path) -> None:
    """Whether the alert exists cannot be known then; the sender hears to try again."""
    folder = tmp_path / "file"
    folder.write_text("no folder")
    other = Box(folder)
    result = other.send("verdict", other.verdict())
    assert not result["accepted"]
    assert "cannot be looked up" in result["reason"]
    other.store.close()


_json = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70)
)
_near = st.fixed_dictionaries(
    {
        "schema": st.just(1) | _json,
        "request_id": st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True) | _json,
        "alert_id": st.just(HEARD.alert_id) | _json,
        "verdict": st.sampled_from(["confirm", "reject", "unsure"]) | _json,
        "operator": st.text(max_size=70) | _json,
        "ts": st.just("2026-01-02T03:04:05Z") | _json,
    },
    optional={
        "relevance": st.floats(-1, 101) | _json,
        "label": st.text(max_size=70) | _json,
        "through": st.sampled_from(["mqtt", "console"]) | _json,
        "more": _json,
    },
)


@given(_near)
@example({"schema": 1, "request_id": "a", "alert_id": "0" * 26, "verdict": "confirm"})
def test_what_is_accepted_is_what_the_schema_allows(fields: dict[str, Any]) -> None:
    """Nothing that the published schema forbids is kept."""
    box = CommandBox()
    box.store.record(HEARD, [])
    result = box.send("verdict", fields)
    fits = validator("cmd-verdict").is_valid(fields)
    assert result["accepted"] == (fits and fields["alert_id"] == HEARD.alert_id), result
    assert len(box.store.answers(HEARD.alert_id)) == result["accepted"]
    box.store.close()
