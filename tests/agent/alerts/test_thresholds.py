"""Thresholds that operators set: kept once, within bounds, taken back; everything else refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.alerts.alerts import timestamp
from agent.core.answers import Entry, Through
from agent.core.operator_thresholds import OperatorThreshold, in_force
from agent.store import Store
from agent.store.box import RETRY_S, BoxStore
from agent.store.thresholds import MOST_OF_ONE
from tests.agent.run.command_box import Box
from tests.agent.store.full_disk import LONG, fill
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock
from tests.schemas import validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIREN = "siren"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """One that keeps what it is told in a folder."""
    made = Box(600.0, folder=tmp_path)
    yield made
    made.store.close()


def ask(box: Box, request_id: str = "t1", threshold: object = 4.6, **fields: Any) -> dict[str, Any]:
    """Set a threshold; the answer."""
    payload = {
        "schema": 1,
        "request_id": request_id,
        "error_id": SIREN,
        "threshold": threshold,
        "operator": "shift-a",
        "ts": timestamp(box.clock.now()),
    } | fields
    result = box.send("threshold", payload)
    if result["accepted"]:
        validator("cmd-threshold").validate(payload)
    return result


def undo(box: Box, request_id: str = "u1", **fields: Any) -> dict[str, Any]:
    """Take one back; the answer."""
    payload = {"schema": 1, "request_id": request_id, "error_id": SIREN, "operator": "shift-a"}
    payload = {name: value for name, value in (payload | fields).items() if value is not ...}
    result = box.send("undo", payload)
    if result["accepted"]:
        validator("cmd-undo").validate(payload)
    return result


def verdict(box: Box, request_id: str) -> dict[str, Any]:
    """Confirm the alert; the answer."""
    now = timestamp(box.clock.now())
    payload = {"schema": 1, "request_id": request_id, "alert_id": ALERT.alert_id, "ts": now}
    return box.send("verdict", payload | {"verdict": "confirm", "operator": "shift-a"})


def held(store: Store | BoxStore) -> dict[str, float | None]:
    """What is in force."""
    return {name: one.threshold for name, one in in_force(store.thresholds()).items()}


def test_the_last_one_counts_until_auto(box: Box) -> None:
    """Whoever set it; each is a line of the trail, with who and what."""
    assert ask(box)["accepted"]
    assert ask(box, "t2", 5, operator="shift-b", through="console")["accepted"]
    assert ask(box, "t3", 3.0, error_id="metal_part_dropped")["accepted"]
    assert held(box.store) == {SIREN: 5.0, "metal_part_dropped": 3.0}
    assert ask(box, "t4", "auto")["accepted"]
    assert held(box.store) == {"metal_part_dropped": 3.0}
    trail = [
        (one.what, one.who, one.detail["error_id"], one.detail["threshold"])
        for one in box.store.trail()
    ]
    assert trail == [
        ("threshold", "shift-a", SIREN, 4.6),
        ("threshold", "shift-b", SIREN, 5.0),
        ("threshold", "shift-a", "metal_part_dropped", 3.0),
        ("threshold", "shift-a", SIREN, "auto"),
    ]
    assert box.store.trail()[1].detail["through"] == "console"


def test_it_is_carried_out_once_also_after_a_restart(box: Box, tmp_path: Path) -> None:
    """Sent again it is answered again; what is in force stays, and so does what was taken back."""
    assert not ask(box)["duplicate"]
    assert not ask(box, "t2", 5.5)["duplicate"]
    at = timestamp(box.clock.now())
    box.store.close()
    again = Box(folder=tmp_path, clock=box.clock)
    assert held(again.store) == {SIREN: 5.5}
    assert ask(again, ts=at)["duplicate"]
    assert held(again.store) == {SIREN: 5.5}, "the one of before does not come back"
    assert not undo(again)["duplicate"]
    assert undo(again)["duplicate"]
    assert held(again.store) == {SIREN: 4.6}
    for other in ({"threshold": 4.7}, {"operator": "shift-b"}, {"error_id": "metal_part_dropped"}):
        assert ask(again, ts=at, **other)["code"] == "request_used"
    assert ask(again, "u1")["code"] == "request_used"
    assert undo(again, "t1")["code"] == undo(again, operator="x")["code"] == "request_used"
    assert len(again.store.trail()) == 3
    again.store.close()


def test_an_id_is_of_one_thing_also_after_a_restart(box: Box, tmp_path: Path) -> None:
    """A verdict, a threshold, or what took one of them back: nothing else is kept by that id."""
    box.store.record(ALERT, [])
    assert verdict(box, "r1")["accepted"]
    assert undo(box, "u1", error_id=..., alert_id=ALERT.alert_id)["accepted"]
    assert ask(box, "t2")["accepted"]
    assert undo(box, "u2")["accepted"]
    box.store.close()
    again = Box(folder=tmp_path, clock=box.clock)
    trail, said = again.store.trail(), again.store.thresholds()
    for request_id in ("r1", "u1"):
        assert ask(again, request_id)["code"] == "request_used"
        assert undo(again, request_id)["code"] == "request_used"
    for request_id in ("t2", "u2"):
        assert verdict(again, request_id)["code"] == "request_used"
        other = undo(again, request_id, error_id=..., alert_id=ALERT.alert_id)
        assert other["code"] == "request_used"
    # As where both come at once: whoever is second finds the id used when it writes.
    (one,), (answer,) = said, again.store.answers(ALERT.alert_id)
    nothing = Entry(0.0, "nothing", "", {})
    for disk_is_full in (False, True):
        if disk_is_full:
            fill(again.store)
            again.store.record(ALERT, [("t", LONG)])
            assert again.store.trouble
        for used in ("r1", "u1"):
            assert not again.store.set_threshold(replace(one, request_id=used), nothing)
        fresh = replace(answer, label_id="new", undone_at=None, undone_request_id=None)
        for used in ("t2", "u2"):
            assert not again.store.answer(replace(fresh, request_id=used), [], nothing)
            assert not again.store.report(ALERT, replace(fresh, request_id=used), [], nothing)
        assert (again.store.trail(), again.store.thresholds()) == (trail, said)
        assert again.store.answers(ALERT.alert_id) == [answer]
    again.store.close()


def test_an_undo_brings_back_what_held_before(box: Box) -> None:
    """One's own last alone, for a while; ``auto`` too is taken back."""
    ask(box)
    ask(box, "t2", "auto", operator="shift-b")
    assert held(box.store) == {}
    assert undo(box, operator="shift-b")["accepted"]
    assert held(box.store) == {SIREN: 4.6}
    ask(box, "t3", 7.0, operator="shift-b")
    assert undo(box, "u2")["accepted"]
    assert held(box.store) == {SIREN: 7.0}, "another's stays in force"
    nothing = undo(box, "u3")
    assert nothing["code"] == "threshold_none"
    assert "'shift-a' has set no threshold of error_id 'siren'" in nothing["reason"]
    assert [one.what for one in box.store.trail()][-1] == "threshold_undone"
    box.clock.advance(901.0)
    late = undo(box, "u4", operator="shift-b")
    assert late["code"] == "threshold_undo_too_late"
    assert "set 901 s ago, and verdicts.undo_s is 900; set another one" in late["reason"]


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ({"threshold": 1.99}, "threshold_outside", "is 1.99, and this box takes 2 to 12"),
        ({"threshold": 12.5}, "threshold_outside", "write one of these, or auto"),
        ({"error_id": "sirn"}, "description_misspelt", "did you mean siren?"),
        ({"error_id": "gong"}, "description_unknown", "'gong' is no description"),
        ({"error_id": "gong", "threshold": "auto"}, "description_unknown", "write an id of"),
        ({"threshold": "Auto"}, "request_wrong", "threshold is 'Auto'; write a number or \"auto\""),
        ({"threshold": None}, "request_wrong", "threshold is missing or null; write a number or"),
        ({"threshold": True}, "request_wrong", "threshold is true"),
        ({"threshold": "4.6"}, "request_wrong", "threshold is '4.6'"),
        ({"error_id": None}, "request_wrong", "error_id is missing"),
        ({"operator": None}, "request_wrong", "operator is missing"),
        ({"request_id": ""}, "request_wrong", "request_id is ''"),
        ({"schema": 2}, "request_wrong", "schema is 2; write 1"),
        ({"ts": "2040-01-01T00:00:00Z"}, "clock_ahead", "s ahead"),
        ({"treshold": 4}, "request_wrong", "did you mean threshold?"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_and_not_kept(wrong: dict[str, Any], code: str, reason: str) -> None:
    """Each with what was found and what to write, and by a code."""
    box = Box()
    result = ask(box, **wrong)
    assert (result["accepted"], result["code"]) == (False, code)
    assert reason in result["reason"]
    assert (box.store.thresholds(), box.store.trail()) == ([], [])


def test_a_retained_one_is_ignored() -> None:
    """It would come again with every connection."""
    box = Box()
    now = timestamp(box.clock.now())
    payload = {"schema": 1, "request_id": "t1", "error_id": SIREN, "threshold": 4}
    result = box.send("threshold", payload | {"operator": "a", "ts": now}, retained=True)
    assert result["code"] == "command_retained"
    assert box.store.thresholds() == []


def test_an_undo_names_one_thing() -> None:
    """An alert or a description."""
    both = undo(Box(), alert_id=ALERT.alert_id)
    assert "alert_id is given with error_id; leave one of them out" in both["reason"]
    none = Box().send("undo", {"schema": 1, "request_id": "u1", "operator": "a"})
    assert "alert_id is missing" in none["reason"]
    assert "error_id is missing" in undo(Box(), error_id=None)["reason"]


def test_days_old_ones_are_taken_in_the_order_of_their_coming(box: Box) -> None:
    """They lay at the broker while the box was away."""
    assert ask(box, ts=timestamp(box.clock.now() - 6 * 86_400))["accepted"]
    assert ask(box, "t2", 8.0, ts=timestamp(box.clock.now() - 7 * 86_400))["accepted"]
    assert held(box.store) == {SIREN: 8.0}


def test_what_is_kept_of_one_is_bounded() -> None:
    """A script that sets it for ever does not fill the disk, nor forgets what is in force."""

    def put(request_id: str, threshold: float, error_id: str = SIREN, **fields: Any) -> None:
        said = OperatorThreshold(
            request_id, error_id, threshold, "shift-a", 1.0, 2.0, Through.MQTT, **fields
        )
        assert store.set_threshold(said, Entry(2.0, "threshold", "shift-a", {}))

    with closing(Store.in_memory()) as store:
        put("other", 6.0, "metal_part_dropped")
        put("first", 7.0)
        for number in range(2 * MOST_OF_ONE):
            put(f"t{number}", 3.0)
            put(f"t{number}", 3.0, undone_at=3.0, undone_request_id=f"u{number}")
        assert held(store) == {SIREN: 7.0, "metal_part_dropped": 6.0}
        for number in range(2 * MOST_OF_ONE):
            put(f"s{number}", 5.0)
        assert held(store) == {SIREN: 5.0, "metal_part_dropped": 6.0}
        assert len(store.thresholds()) == MOST_OF_ONE + 1


def test_they_go_on_while_the_disk_is_full(box: Box, tmp_path: Path) -> None:
    """Set and taken back in memory, once only, and on the disk as soon as it takes them."""
    ask(box)
    fill(box.store)
    box.store.record(ALERT, [("t", LONG)])
    assert "full" in box.store.trouble
    assert undo(box)["accepted"]
    assert ask(box, "t2", 9.0, error_id="metal_part_dropped")["accepted"]
    (undone, new) = box.store.thresholds()
    for one in (undone, new):
        assert not box.store.set_threshold(one, Entry(0.0, "again", "", {}))
    assert held(box.store) == {"metal_part_dropped": 9.0}
    box.clock.advance(RETRY_S)
    assert box.store.retry_disk()
    assert box.store.thresholds() == [undone, new]
    with closing(Store.reading(tmp_path)) as store:
        assert store.thresholds() == [undone, new]
        assert [one.what for one in store.trail()] == ["threshold", "threshold_undone", "threshold"]


def test_they_stay_while_the_disk_cannot_be_read(box: Box) -> None:
    """What is in force stays, and one that is set meanwhile joins it."""
    ask(box)
    assert held(box.store) == {SIREN: 4.6}
    disk = box.store._kept._disk
    assert disk is not None
    disk.close()
    assert held(box.store) == {SIREN: 4.6}
    assert not box.store.readable
    assert ask(box, "t2", 9.0, error_id="metal_part_dropped")["accepted"]
    assert held(box.store) == {SIREN: 4.6, "metal_part_dropped": 9.0}
    box.clock.advance(RETRY_S)
    assert box.store.retry_disk()
    assert held(box.store) == {SIREN: 4.6, "metal_part_dropped": 9.0}


def test_a_purge_takes_the_names_off(box: Box) -> None:
    """What is in force stays in force; what is not, and came before then, is deleted."""
    ask(box)
    ask(box, "t2", 5.0)
    box.clock.advance(60.0)
    before = box.clock.now() - 30.0
    ask(box, "t3", 3.0, error_id="metal_part_dropped")
    with closing(Store.open(box.store._kept._folder)) as store:
        assert store.forget_operators(before, Entry(before, "purge", "root", {})) == 2
        assert store.forget_operators(before, Entry(before, "purge", "root", {})) == 0
    said = [(one.request_id, one.operator) for one in box.store.thresholds()]
    assert said == [("t2", None), ("t3", "shift-a")]
    assert held(box.store) == {SIREN: 5.0, "metal_part_dropped": 3.0}


_json = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70)
)


@settings(max_examples=25)
@given(
    st.fixed_dictionaries(
        {
            "schema": st.just(1) | _json,
            "request_id": st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True) | _json,
            "error_id": st.just(SIREN) | _json,
            "threshold": st.floats(2.0, 12.0) | st.just("auto") | _json,
            "operator": st.text(max_size=70) | _json,
            "ts": st.just("2026-01-02T03:04:05Z") | _json,
        },
        optional={"through": st.sampled_from(["mqtt", "console"]) | _json, "more": _json},
    )
)
@example({"schema": 1, "threshold": 2.0, "request_id": "a", "operator": "a", "error_id": SIREN})
def test_what_is_accepted_is_what_the_schema_allows(fields: dict[str, Any]) -> None:
    """Nothing that the published schema forbids is kept."""
    box = Box()
    result = box.send("threshold", fields)
    fits = validator("cmd-threshold").is_valid(fields)
    threshold = fields["threshold"]
    within = threshold == "auto" or (isinstance(threshold, int | float) and 2 <= threshold <= 12)
    assert result["accepted"] == (fits and within and fields["error_id"] == SIREN), result
    assert len(box.store.thresholds()) == result["accepted"]
    box.store.close()


def test_a_box_without_a_clock_takes_what_is_of_any_time() -> None:
    """Its own clock may be years off."""
    box = Box(clock=FakeClock(synced=False))
    assert ask(box, ts="2040-01-01T00:00:00Z")["accepted"]
