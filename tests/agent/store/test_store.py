"""The store: one transaction for an alert and its message, on a real SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from agent.core.errors import StoreError
from agent.core.records import Candidate, Origin, Step
from agent.store import FILE_NAME, Store
from tests.agent.store.records import ALERT, DETECTION

if TYPE_CHECKING:
    from pathlib import Path


def test_an_alert_and_its_message_survive_the_process(tmp_path: Path) -> None:
    """What was recorded by a process that is killed at once is there for the next."""
    program = (
        "import os, signal, sys, pathlib\n"
        "from tests.agent.store.records import ALERT\n"
        "from agent.store import Store\n"
        "Store.open(pathlib.Path(sys.argv[1])).record(ALERT, [('t', 'p')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    store = Store.open(tmp_path)
    assert [(one.topic, one.payload) for one in store.waiting()] == [("t", "p")]
    assert store.unfinished() == [ALERT]
    store.close()


def test_every_field_of_an_alert_is_kept(tmp_path: Path) -> None:
    """Also those that have a default, none of which stands here."""
    candidates = (Candidate("gong", 4.75, 4.0, "銅鑼の音"),)
    detection = replace(DETECTION, candidates=candidates)
    alert = replace(ALERT, detection=detection, clock_synced=False, origin=Origin.MISSED)
    for record in (alert, detection, *candidates, alert.provenance):
        assert [
            one.name for one in fields(record) if getattr(record, one.name) == one.default
        ] == []
    with closing(Store.open(tmp_path)) as store:
        store.record(alert, [])
        assert store.alert(alert.alert_id) == alert


def test_messages_come_in_order_and_leave_when_acknowledged(tmp_path: Path) -> None:
    """The oldest first, after a given one, until the broker has them."""
    store = Store.open(tmp_path)
    for i in range(5):
        store.record(ALERT, [("t", str(i))])
    waiting = store.waiting(limit=3)
    assert [one.payload for one in waiting] == ["0", "1", "2"]
    assert [one.payload for one in store.waiting(after=waiting[-1].sequence)] == ["3", "4"]
    store.delivered([one.sequence for one in waiting])
    assert store.depth() == 2
    assert [one.payload for one in store.waiting()] == ["3", "4"]
    store.close()


def test_sequences_are_never_used_again(tmp_path: Path) -> None:
    """An emptied outbox goes on counting, so a late acknowledgement deletes nothing new."""
    store = Store.open(tmp_path)
    store.record(ALERT, [("t", "first")])
    (first,) = store.waiting()
    store.delivered([first.sequence])
    store.record(ALERT, [("t", "second")])
    (second,) = store.waiting()
    assert second.sequence > first.sequence
    store.close()


def test_an_ended_alert_is_finished(tmp_path: Path) -> None:
    """Only alerts without an end are handed to the next run."""
    store = Store.open(tmp_path)
    store.record(ALERT, [])
    ended = replace(ALERT, detection=replace(DETECTION, step=Step.END, score=6.0))
    store.record(ended, [])
    assert store.unfinished() == []
    store.close()


def test_a_refused_transaction_leaves_neither_alert_nor_message(tmp_path: Path) -> None:
    """Where the message cannot be written the alert is not either."""
    store = Store.open(tmp_path)
    with pytest.raises(StoreError, match=FILE_NAME):
        store.record(ALERT, [("t", "p"), ("t", None)])  # type: ignore[list-item]
    assert store.unfinished() == []
    assert store.depth() == 0
    store.record(ALERT, [("t", "p")])
    assert store.depth() == 1
    store.close()


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    """A state folder that cannot be made names the setting to mend."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreError, match="make state_dir a folder"):
        Store.open(tmp_path / "state")


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    """A file that is no database is an error that names it."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=FILE_NAME):
        Store.open(tmp_path)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """An older program does not write into what it does not understand."""
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store.open(tmp_path)


def test_reading_beside_an_agent_sees_what_it_wrote_and_waits_for_nothing(tmp_path: Path) -> None:
    """Also while the agent is in the middle of a transaction."""
    agent = Store.open(tmp_path)
    agent.record(ALERT, [("t", "p")])
    with agent._transaction() as connection, closing(Store.reading(tmp_path)) as store:
        connection.execute("DELETE FROM alerts")
        assert store.alert(ALERT.alert_id) == ALERT
        with pytest.raises(StoreError, match="readonly"):
            store.record(ALERT, [])
    with closing(Store.reading(tmp_path)) as store:
        assert store.alert(ALERT.alert_id) is None
        assert agent.clear_journal()  # nothing is held while nothing is read
    agent.close()


@pytest.mark.parametrize("killed", [False, True])
def test_reading_leaves_no_trace(tmp_path: Path, killed: bool) -> None:
    """Neither where the agent was stopped, nor where it was killed and left its journal."""
    state, copy = tmp_path / "state", tmp_path / "copy"
    agent = Store.open(state)
    agent.record(ALERT, [])
    if killed:
        shutil.copytree(state, copy)  # as it lies there when the power fails
    agent.close()
    folder = copy if killed else state
    (folder / f"{FILE_NAME}-shm").unlink(missing_ok=True)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert (f"{FILE_NAME}-wal" in before) == killed
    with closing(Store.reading(folder)) as store:
        assert store.alert(ALERT.alert_id) == ALERT
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    after.pop(f"{FILE_NAME}-shm", None)
    assert after == before


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """No folder, no database; and one that its agent is just making is empty yet."""
    with closing(Store.reading(tmp_path / "state")) as store:
        assert store.alerts_since() == []
    assert not (tmp_path / "state").exists()
    (tmp_path / FILE_NAME).touch()
    with closing(Store.reading(tmp_path)) as store:
        assert store.clips() == []
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("version", "told"), [(1, "older version .* start the agent once"), (99, "newer version")]
)
def test_reading_another_version_is_refused(tmp_path: Path, version: int, told: str) -> None:
    """It is not brought up to date from beside."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=told):
        Store.reading(tmp_path)


@pytest.mark.parametrize("damage", ["no database", "a folder"])
def test_reading_what_is_no_database_is_told(tmp_path: Path, damage: str) -> None:
    """By name."""
    path = tmp_path / FILE_NAME
    if damage == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=FILE_NAME):
        Store.reading(tmp_path)
