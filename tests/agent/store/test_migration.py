"""Databases of earlier versions: what they hold is there after an upgrade."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agent.core.answers import OpenAlert
from agent.core.errors import StoreError
from agent.store import FILE_NAME, SCHEMA_VERSION, Store
from agent.store.schema import VERSIONS
from tests.agent.store.records import ALERT

if TYPE_CHECKING:
    from pathlib import Path

# As version 1 of the schema made it, word for word.
V1 = """
CREATE TABLE IF NOT EXISTS alerts (
    alert_id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    error_id TEXT NOT NULL,
    description TEXT NOT NULL,
    severity TEXT NOT NULL,
    step TEXT NOT NULL,
    starts_at REAL NOT NULL,
    peaks_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    score REAL NOT NULL,
    threshold REAL NOT NULL,
    hits INTEGER NOT NULL,
    windows INTEGER NOT NULL,
    bundle TEXT NOT NULL,
    descriptions TEXT NOT NULL,
    clock_synced INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
"""
_ROWS = """
INSERT INTO alerts VALUES ('01KE0000000000000000000000', 'mic1', 'drop', '金属部品が床に落ちた音',
    'MAJOR', 'new', 10.0, 11.0, 13.5, 4.5, 4.0, 2, 3, 'sha256:b', 'sha256:d', 1);
INSERT INTO outbox (topic, payload) VALUES ('t', 'gone'), ('t', 'waits');
DELETE FROM outbox WHERE payload = 'gone';
"""


def version_1(folder: Path) -> None:
    """A database of version 1 with an alert and a message that waits."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL;{V1}{_ROWS}")


def earlier(folder: Path, version: int) -> None:
    """What the program of a version made of a database of version 1."""
    version_1(folder)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        for statements in VERSIONS[1:version]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_database_of_an_earlier_version_keeps_all_it_holds(tmp_path: Path, version: int) -> None:
    """Alert, message and the count of messages; and it takes what is new."""
    earlier(tmp_path, version)
    with closing(Store.open(tmp_path)) as store:
        assert store.unfinished() == [ALERT]
        assert [(one.sequence, one.payload) for one in store.waiting()] == [(2, "waits")]
        assert store.open_alerts(10).newest == (OpenAlert(ALERT, None),)
        store.record(ALERT, [("t", "new")])
        assert [one.sequence for one in store.waiting()] == [2, 3]
        assert (store.answers_since(), store.clips(), store.trail()) == ([], [], [])
        assert store.unfinished()[0].detection.candidates == ()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_upgraded_database_is_the_same_as_a_new_one(tmp_path: Path, version: int) -> None:
    """Whatever version it began as, every table, index and trigger is."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    earlier(old, version)
    made = []
    for folder in (old, new):
        Store.open(folder).close()
        with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
            made.append(
                connection.execute(
                    "SELECT type, name, sql FROM sqlite_master WHERE sql NOT LIKE '%journal%' "
                    "ORDER BY name"
                ).fetchall()
            )
    words = [[(kind, name, sql.split()) for kind, name, sql in one] for one in made]
    for upgraded, fresh in zip(*words, strict=True):
        assert upgraded == fresh


def test_an_upgrade_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    """In one piece: what stands in the way is told, and nothing is half done."""
    version_1(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("CREATE TABLE audit (other TEXT)")
    with pytest.raises(StoreError, match="audit already exists"):
        Store.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM alerts").fetchone() == (1,)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert "verdicts" not in names
        connection.execute("DROP TABLE audit")
    Store.open(tmp_path).close()
