"""The store of a box: what the disk refuses waits in memory, in order, until the disk takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.core.records import Step
from agent.store import FILE_NAME, Store
from agent.store.box import RETRY_S, BoxStore
from tests.agent.store.full_disk import LONG, fill
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


def payloads(keeper: BoxStore | Store) -> list[str]:
    """What waits."""
    return [one.payload for one in keeper.waiting()]


def test_on_a_sound_disk_it_is_the_store(tmp_path: Path) -> None:
    """What is recorded is there for the next run, and what arrived is gone."""
    keeper = BoxStore(tmp_path, FakeClock())
    keeper.record(ALERT, [("t", "1"), ("t", "2")])
    keeper.delivered([keeper.waiting(limit=1)[0].sequence])
    assert (payloads(keeper), keeper.depth(), keeper.trouble) == (["2"], 1, "")
    keeper.close()
    again = BoxStore(tmp_path, FakeClock())
    assert payloads(again) == ["2"]
    assert again.take_unfinished() == [ALERT]
    assert again.take_unfinished() == []
    again.close()


def test_full_disk_keeps_the_order_and_what_arrived_is_not_sent_again(tmp_path: Path) -> None:
    """Old on disk before new in memory; all of it is on the disk once there is room."""
    clock = FakeClock()
    keeper = BoxStore(tmp_path, clock)
    keeper.record(ALERT, [("t", "1"), ("t", "2")])
    fill(keeper)
    keeper.record(replace(ALERT, alert_id="B"), [("t", LONG)])
    assert "full" in keeper.trouble
    keeper.record(replace(ALERT, alert_id="C"), [("t", "4")])
    assert payloads(keeper) == ["1", "2", LONG, "4"]
    assert keeper.depth() == 4
    keeper.delivered([one.sequence for one in keeper.waiting(limit=3)])
    assert (payloads(keeper), keeper.depth()) == (["4"], 1)
    assert not keeper.retry_disk(), "too early"
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    assert (payloads(keeper), keeper.depth(), keeper.trouble) == (["4"], 1, "")
    assert keeper.errors == 1
    keeper.close()
    store = Store.open(tmp_path)
    assert [one.alert_id for one in store.unfinished()] == [ALERT.alert_id, "B", "C"]
    store.close()


def test_folder_that_comes_later_takes_everything(tmp_path: Path) -> None:
    """And alerts of a run before, which nobody has ended, come to light then."""
    folder = tmp_path / "state"
    before = Store.open(folder)
    before.record(ALERT, [("t", "before")])
    before.close()
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    clock = FakeClock()
    keeper = BoxStore(folder, clock)
    assert str(folder) in keeper.trouble
    keeper.record(replace(ALERT, alert_id="B"), [("t", "now")])
    assert keeper.take_unfinished() == []
    clock.advance(RETRY_S)
    assert not keeper.retry_disk()
    folder.unlink()
    (tmp_path / "away").rename(folder)
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    assert keeper.take_unfinished() == [ALERT]
    assert payloads(keeper) == ["before", "now"]
    keeper.close()


def test_deleted_database_is_made_again_with_all_that_it_held(tmp_path: Path) -> None:
    """A late answer to the old one's message 1 does not delete the new one's."""
    clock = FakeClock()
    keeper = BoxStore(tmp_path, clock)
    keeper.record(ALERT, [("t", "old")])
    (old,) = keeper.waiting()
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        path.unlink()
    keeper.record(replace(ALERT, detection=replace(ALERT.detection, step=Step.END)), [("t", "new")])
    assert "deleted or moved away" in keeper.trouble
    assert payloads(keeper) == ["old", "new"]
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    keeper.delivered([old.sequence])
    assert payloads(keeper) == ["old", "new"]
    keeper.close()
    store = Store.open(tmp_path)
    assert payloads(store) == ["old", "new"]
    store.close()


def test_damaged_database_is_told_and_done_without(tmp_path: Path) -> None:
    """Moved away, a new one is made."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1_000)
    clock = FakeClock()
    keeper = BoxStore(tmp_path, clock)
    assert "move a damaged database away" in keeper.trouble
    keeper.record(ALERT, [("t", "1")])
    (tmp_path / FILE_NAME).rename(tmp_path / "damaged")
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    keeper.close()
    store = Store.open(tmp_path)
    assert payloads(store) == ["1"]
    store.close()
