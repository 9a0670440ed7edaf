"""Answers and clips while the disk refuses: kept in memory, looked up in both, absorbed later."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.core.answers import holding
from agent.core.records import Verdict
from agent.store import FILE_NAME, Store
from agent.store.box import BOX, RETRY_S, BoxStore
from tests.agent.store.answers import alert, answer, clip, give
from tests.agent.store.full_disk import LONG, fill
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Box:
    """A keeper with an alert, an answer to another one and two clips on a disk that is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.keeper = BoxStore(folder, self.clock)
        self.keeper.record(ALERT, [])
        self.keeper.record(alert(1), [])
        self.answered = answer(1, alert_id=alert(1).alert_id)
        give(self.keeper, self.answered)
        self.keeper.keep_clip(clip())
        self.keeper.keep_clip(clip(alert(1).alert_id, starts_at=6.0))

    def fill(self) -> None:
        """Let the disk take no more; it finds out by an alert that is too long."""
        fill(self.keeper)
        self.keeper.record(alert(2), [("t", LONG)])
        assert "full" in self.keeper.trouble

    def mend(self) -> None:
        """The disk has room again."""
        self.clock.advance(RETRY_S)
        assert self.keeper.retry_disk()

    def open_ids(self) -> list[str]:
        """Alerts that await an answer, by the end of their id."""
        found = self.keeper.open_alerts(50)
        assert found.count == len(found.newest)
        return [one.alert.alert_id[-1] for one in found.newest]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """One for a test."""
    made = Box(tmp_path)
    yield made
    made.keeper.close()


def test_answers_given_while_the_disk_is_full_are_not_lost(box: Box, tmp_path: Path) -> None:
    """Known at once, once only, and on the disk as soon as it takes them."""
    box.fill()
    given = answer(2)
    assert give(box.keeper, given, "reviewed")
    assert not give(box.keeper, given, "reviewed"), "a request is carried out once"
    assert box.keeper.request("r2") == given
    assert box.open_ids() == ["2"]
    assert [one.labelled for one in box.keeper.clips()] == [True, True]
    box.mend()
    assert box.open_ids() == ["2"]
    assert not give(box.keeper, given, "reviewed"), "nor once more afterwards"
    box.keeper.close()
    with closing(Store.open(tmp_path)) as store:
        assert store.answers(ALERT.alert_id) == [given]
        assert [one.detail["label_id"] for one in store.trail()] == [
            box.answered.label_id,
            given.label_id,
        ]
        assert [one.payload for one in store.waiting()] == [LONG, "reviewed"]
        assert [one.alert.alert_id for one in store.open_alerts(9).newest] == [alert(2).alert_id]


def test_an_answer_on_a_full_disk_can_be_taken_back(box: Box, tmp_path: Path) -> None:
    """The alert awaits one again, now and after the disk took it all."""
    box.fill()
    undone = replace(box.answered, undone_at=5.0, undone_request_id="u1")
    assert give(box.keeper, undone)
    assert box.open_ids() == ["2", "1", "0"]
    assert box.keeper.answers(alert(1).alert_id) == [undone]
    assert box.keeper.request("u1") == undone
    box.mend()
    assert box.open_ids() == ["2", "1", "0"]
    again = answer(3, alert_id=alert(1).alert_id, verdict=Verdict.UNSURE)
    give(box.keeper, again)
    assert holding(box.keeper.answers(alert(1).alert_id)) == (again,)
    box.keeper.close()
    with closing(Store.open(tmp_path)) as store:
        assert store.answers(alert(1).alert_id) == [undone, again]


def test_clips_forgotten_while_the_disk_is_full_stay_forgotten(box: Box, tmp_path: Path) -> None:
    """One of before and one of meanwhile; one that is kept meanwhile is there afterwards."""
    box.fill()
    box.keeper.keep_clip(clip(alert(2).alert_id, starts_at=7.0))
    box.keeper.keep_clip(clip(alert(3).alert_id, starts_at=8.0))
    assert box.keeper.forget_clip(ALERT.alert_id, "clip_deleted")
    assert box.keeper.forget_clip(alert(3).alert_id, "clip_deleted")
    assert not box.keeper.forget_clip(ALERT.alert_id, "clip_deleted")
    kept = [alert(1).alert_id, alert(2).alert_id]
    assert [one.alert_id for one in box.keeper.clips()] == kept
    assert box.keeper.clip(ALERT.alert_id) is None
    box.mend()
    assert [one.alert_id for one in box.keeper.clips()] == kept
    assert [one.error_id for one in box.keeper.clips()] == ["drop", "drop"]
    trail = box.keeper.trail()
    assert [(one.what, one.who) for one in trail[1:]] == [("clip_deleted", BOX)] * 2
    assert [one.detail["alert_id"] for one in trail[1:]] == [ALERT.alert_id, alert(3).alert_id]
    box.keeper.close()
    with closing(Store.open(tmp_path)) as store:
        assert [one.alert_id for one in store.clips()] == kept


def test_a_deleted_database_is_made_again_with_its_answers(box: Box, tmp_path: Path) -> None:
    """And its clips, its trail, and what was taken back."""
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        path.unlink()
    undone = replace(box.answered, undone_at=5.0, undone_request_id="u1")
    give(box.keeper, undone)
    assert "deleted" in box.keeper.trouble
    box.mend()
    box.keeper.close()
    with closing(Store.open(tmp_path)) as store:
        assert store.answers(alert(1).alert_id) == [undone]
        assert [one.alert_id for one in store.clips()] == [ALERT.alert_id, alert(1).alert_id]
        assert [one.what for one in store.trail()] == ["verdict", "verdict"]


def test_a_late_acknowledgement_does_not_delete_a_later_message(box: Box) -> None:
    """Of a message that was in memory, whose number another one has now."""
    box.fill()
    (old,) = box.keeper.waiting()
    box.mend()
    fill(box.keeper)
    box.keeper.record(alert(4), [("t", LONG)])
    assert "full" in box.keeper.trouble
    box.keeper.delivered([old.sequence])
    assert [one.payload for one in box.keeper.waiting()] == [LONG, LONG]


def test_the_version_tells_of_every_change(box: Box, tmp_path: Path) -> None:
    """By this process, by another connection, and by the disk that comes back."""
    seen = [box.keeper.version]
    box.keeper.record(alert(5), [])
    seen.append(box.keeper.version)
    with closing(Store.open(tmp_path)) as other:
        give(other, answer(9))
    seen.append(box.keeper.version)
    assert box.keeper.version == seen[-1]
    box.fill()
    seen.append(box.keeper.version)
    box.mend()
    seen.append(box.keeper.version)
    assert len(set(seen)) == len(seen)
