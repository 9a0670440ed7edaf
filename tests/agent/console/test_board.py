"""The list of open alerts, from a real database that the box writes meanwhile."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.console.board import Board, from_message
from agent.core.answers import Answer, Entry, Through
from agent.core.records import Candidate, ClipRecord, Speech, Verdict
from agent.store import CLIPS_FOLDER, Store
from tests.agent.store.records import ALERT

if TYPE_CHECKING:
    from pathlib import Path

LATER = replace(ALERT, alert_id="01KE0000000000000000000001", description="air leaks")
MESSAGE: dict[str, Any] = {
    "alert_id": "01KE0000000000000000000009",
    "event_type": "new",
    "ts_start": "2026-01-02T03:04:05.678Z",
    "ts_end": "2026-01-02T03:04:07.678Z",
    "source": "mic1",
    "error_id": "drop",
    "description": "金属部品が床に落ちた音",
    "score": 5.1,
    "threshold": 4.5,
    "severity": "MAJOR",
    "clip": None,
}


def _clip(alert_id: str, file: str | None, picture: str | None) -> ClipRecord:
    return ClipRecord(alert_id, file, picture, 5.0, 8.0, 10, Speech.NONE, None, 6.0)


def test_alerts_come_newest_first_until_they_are_answered(tmp_path: Path) -> None:
    """Another process writes; the board sees it, and tells that it has changed."""
    board = Board(tmp_path)
    box = Store.open(tmp_path)
    box.record(ALERT, [])
    assert board.changed()
    box.record(LATER, [])
    assert board.changed()
    assert not board.changed()
    listed = board.open_alerts({})
    assert [one["description"] for one in listed["alerts"]] == ["air leaks", ALERT.description]
    assert listed["count"] == 2
    assert listed["alerts"][0]["clip"] is None
    answer = Answer(
        "01KE0000000000000000000002", LATER.alert_id, Verdict.REJECT, None, None, "shift-a",
        20.0, 21.0, "r1", Through.MQTT,
    )  # fmt: skip
    box.answer(answer, [], Entry(21.0, "verdict", "shift-a", {}))
    assert board.changed()
    listed = board.open_alerts({})
    assert [one["alert_id"] for one in listed["alerts"]] == [ALERT.alert_id]
    view = board.alert(LATER.alert_id)
    assert view is not None
    assert view["answers"] == [{"verdict": "reject", "operator": "shift-a", "at": 21.0}]
    board.close()
    box.close()


def test_media_are_only_what_the_database_names_inside_of_the_folder(tmp_path: Path) -> None:
    """A name that leaves the folder, or is of another kind, is nothing."""
    box = Store.open(tmp_path)
    box.record(ALERT, [])
    clips = tmp_path / CLIPS_FOLDER
    clips.mkdir()
    (clips / "a.flac").write_bytes(b"fLaC")
    (clips / "a.txt").write_bytes(b"text")
    (tmp_path / "secret.flac").write_bytes(b"fLaC")
    board = Board(tmp_path)
    assert board.media(ALERT.alert_id, picture=False) is None
    box.keep_clip(_clip(ALERT.alert_id, "a.flac", None))
    assert board.media(ALERT.alert_id, picture=False) == (clips / "a.flac", "audio/flac")
    assert board.media(ALERT.alert_id, picture=True) is None
    for wrong in ("../secret.flac", "a.txt", "gone.flac", str(tmp_path / "secret.flac")):
        box.keep_clip(_clip(ALERT.alert_id, wrong, wrong))
        assert board.media(ALERT.alert_id, picture=False) is None, wrong
        assert board.media(ALERT.alert_id, picture=True) is None, wrong
    board.close()
    box.close()


def test_without_a_database_the_broker_is_believed(tmp_path: Path) -> None:
    """It makes none, says why, and finds the one that the box makes."""
    board = Board(tmp_path)
    listed = board.open_alerts({"count": 3, "alerts": [MESSAGE, {"alert_id": 5}, "no alert"]})
    assert [one["alert_id"] for one in listed["alerts"]] == [MESSAGE["alert_id"]]
    assert listed["count"] == 3
    assert "is missing" in board.trouble
    assert list(tmp_path.iterdir()) == []
    box = Store.open(tmp_path)
    box.record(ALERT, [])
    listed = board.open_alerts({"count": 1, "alerts": [MESSAGE]})
    assert [one["alert_id"] for one in listed["alerts"]] == [MESSAGE["alert_id"], ALERT.alert_id]
    assert listed["count"] == 2
    assert board.trouble == ""
    board.close()
    box.close()


def test_a_message_that_is_no_alert_is_no_view() -> None:
    """Whoever may write to the topic may write anything."""
    view = from_message(MESSAGE)
    assert view is not None
    assert view["starts_at"] == 1_767_323_045.678
    for name in ("alert_id", "ts_start", "score"):
        assert from_message({**MESSAGE, name: None}) is None or name == "alert_id"
        assert from_message({key: MESSAGE[key] for key in MESSAGE.keys() - {name}}) is None
    assert from_message({**MESSAGE, "ts_end": "yesterday"}) is None


def test_candidates_come_from_the_database_or_the_broker(tmp_path: Path) -> None:
    """In the same form; a box of before told none, and what is wrong is no view."""
    gong = {"error_id": "gong", "description": "銅鑼の音", "score": 4.75, "threshold": 4.25}
    candidates = (Candidate("gong", 4.75, 4.25, "銅鑼の音"),)
    told = from_message({**MESSAGE, "candidates": [gong]})
    assert told is not None
    assert told["candidates"] == [gong]
    before = from_message(MESSAGE)
    assert before is not None
    assert before["candidates"] == []
    for wrong in (None, 5, ["gong"], [{"error_id": "gong"}], [{**gong, "score": "loud"}]):
        assert from_message({**MESSAGE, "candidates": wrong}) is None
    with closing(Store.open(tmp_path)) as box, closing(Board(tmp_path)) as board:
        box.record(replace(ALERT, detection=replace(ALERT.detection, candidates=candidates)), [])
        (view,) = board.open_alerts({})["alerts"]
        assert view["candidates"] == [gong]
