"""The box's memory: one SQLite database with the alerts and the outbox of their messages.

An alert and the message that tells of it are written in one transaction, so there is no moment
in which one exists without the other (the transactional outbox pattern). The database is in WAL
mode and synchronises on each commit: what was committed survives ``kill -9`` and a power cut.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from agent.errors import StoreError
from agent.records import Alert, Detection, OutboxMessage, Provenance, Severity, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path


SCHEMA_VERSION = 1
FILE_NAME = "kikimimi.sqlite3"

_SCHEMA = """
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
"""
_UPSERT_ALERT = """
INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (alert_id) DO UPDATE SET
    step = excluded.step, starts_at = excluded.starts_at, peaks_at = excluded.peaks_at,
    ends_at = excluded.ends_at, score = excluded.score, hits = excluded.hits,
    windows = excluded.windows
"""


class Store:
    """The database of one box. Safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection = connection
        self._where = where
        self._file = _identity(where)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open or make the database (mode 0640) in a folder, made too if missing (mode 0750).

        Raises:
            StoreError: the folder or the database cannot be written, or is of a newer version.
        """
        path = folder / FILE_NAME
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            # SQLite gives its journal and shared memory the mode of the database.
            path.touch(mode=0o640)
        except OSError as error:
            message = (
                f"{folder}: {error.strerror or error}; "
                "make state_dir a folder that this user may write to"
            )
            raise StoreError(message) from error
        return cls._connect(str(path))

    @classmethod
    def in_memory(cls) -> Self:
        """A database that lasts as long as the process, for when the folder cannot be used."""
        return cls._connect(":memory:")

    @classmethod
    def _connect(cls, where: str) -> Self:
        try:
            connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version > SCHEMA_VERSION:
                    message = (
                        f"{where}: written by a newer version (schema {version}, this one reads "
                        f"{SCHEMA_VERSION}); upgrade kikimimi or name another state_dir"
                    )
                    raise StoreError(message)
                # A file that lost a part only says so when that part is read.
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise sqlite3.DatabaseError(f"damaged ({found})")
                # A read-only file only says so when it is written to.
                connection.executescript(
                    f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
                )
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            message = (
                f"{where}: {error}; make state_dir a folder that this user may write to, "
                "or move a damaged database away"
            )
            raise StoreError(message) from error
        return cls(connection, where)

    def record(self, alert: Alert, messages: Iterable[tuple[str, str]]) -> None:
        """Write an alert as it now stands and the (topic, payload) that tell of it, or neither.

        Raises:
            StoreError: the database refused (full disk, read-only, damaged).
        """
        with self._transaction() as connection:
            connection.execute(_UPSERT_ALERT, _row(alert))
            connection.executemany(
                "INSERT INTO outbox (topic, payload) VALUES (?, ?)", list(messages)
            )

    def waiting(
        self, after: int = 0, limit: int = 100, without: Collection[str] = ()
    ) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            after: only those after this sequence number.
            limit: at most so many.
            without: topics to leave out, such as those that the broker refuses.
        """
        with self._lock, self._telling_where():
            rows = self._connection.execute(
                "SELECT sequence, topic, payload FROM outbox WHERE sequence > ? "
                "AND topic NOT IN (SELECT value FROM json_each(?)) ORDER BY sequence LIMIT ?",
                (after, json.dumps(list(without)), limit),
            ).fetchall()
        return [OutboxMessage(*row) for row in rows]

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM outbox WHERE sequence = ?", [(one,) for one in sequences]
            )

    def depth(self) -> int:
        """How many messages wait."""
        with self._lock, self._telling_where():
            (count,) = self._connection.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)

    def unfinished(self) -> list[Alert]:
        """Alerts that have not ended, oldest first: after a crash, those of the run before."""
        with self._lock, self._telling_where():
            rows = self._connection.execute(
                "SELECT * FROM alerts WHERE step NOT IN (?, ?) ORDER BY alert_id",
                (Step.END.value, Step.REVIEWED.value),
            ).fetchall()
        return [_alert(row) for row in rows]

    def absorb(self, other: Store) -> None:
        """Take over all that another store holds, after what is here, and empty that one.

        Raises:
            StoreError: this one refused; the other still holds everything.
        """
        with other._lock, other._telling_where():
            alerts = other._connection.execute("SELECT * FROM alerts ORDER BY alert_id").fetchall()
            messages = other._connection.execute(
                "SELECT topic, payload FROM outbox ORDER BY sequence"
            ).fetchall()
            with self._transaction() as connection:
                connection.executemany(_UPSERT_ALERT, alerts)
                connection.executemany(
                    "INSERT INTO outbox (topic, payload) VALUES (?, ?)", messages
                )
            other._connection.executescript("BEGIN;DELETE FROM alerts;DELETE FROM outbox;COMMIT;")

    @property
    def gone(self) -> bool:
        """Whether its file was deleted, moved or replaced.

        SQLite would go on with the file that it has open, which the next start does not find.
        """
        return _identity(self._where) != self._file

    def close(self) -> None:
        """Close the database; what was committed is safe without it."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._telling_where():
            if self.gone:
                raise StoreError(f"{self._where}: deleted or moved away; mend state_dir")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _telling_where(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message = f"{self._where}: {error}; free the disk or mend state_dir"
            raise StoreError(message) from error


def _identity(where: str) -> tuple[int, int] | None:
    """Device and number of a file; ``None`` if there is none, as for a database in memory."""
    try:
        status = os.stat(where)  # noqa: PTH116 - the name may be SQLite's own, no path
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _row(alert: Alert) -> tuple[str | float | int, ...]:
    """An alert in the order of the table's columns."""
    detection = alert.detection
    return (
        alert.alert_id,
        detection.source,
        detection.error_id,
        alert.description,
        alert.severity.value,
        detection.step.value,
        detection.starts_at,
        detection.peaks_at,
        detection.ends_at,
        detection.score,
        detection.threshold,
        detection.hits,
        detection.windows,
        alert.provenance.bundle,
        alert.provenance.descriptions,
        alert.clock_synced,
    )


def _alert(row: tuple[Any, ...]) -> Alert:
    """The alert that :func:`_row` wrote."""
    alert_id, source, error_id, description, severity, step = row[:6]
    return Alert(
        alert_id=alert_id,
        detection=Detection(source, error_id, Step(step), *row[6:13]),
        description=description,
        severity=Severity(severity),
        provenance=Provenance(bundle=row[13], descriptions=row[14]),
        clock_synced=bool(row[15]),
    )
