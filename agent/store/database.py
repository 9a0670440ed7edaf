"""One SQLite file: opening, bringing up to date, and transactions that are whole or nothing.

The database is in WAL mode and synchronises on each commit: what was committed survives
``kill -9`` and a power cut. Other processes may read and write it meanwhile; what is deleted is
overwritten with zeros.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeAlias

from agent.core import folders
from agent.core.errors import StoreError, failing_as
from agent.store.schema import SCHEMA_VERSION, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_NAME = "kikimimi.sqlite3"

# How long to wait for another process that is just writing.
_BUSY_S = 5.0
# What is asked for all the time is small; more would only be memory that grows with the database.
_CACHE_KIB = 512

Connection: TypeAlias = sqlite3.Connection


class Database:
    """One database. Safe to use from several threads."""

    def __init__(self, connection: Connection, where: str) -> None:
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
        with failing_as(StoreError, folder, "make state_dir a folder that this user may write to"):
            folders.make(folder)
            # SQLite gives its journal and shared memory the mode of the database.
            path.touch(mode=0o640)
        return cls._connect(str(path))

    @classmethod
    def reading(cls, folder: Path) -> Self:
        """Look into the database of a folder beside its agent: nothing is written, nobody waits.

        Empty where there is none yet.

        Raises:
            StoreError: it cannot be read, or is of another version.
        """
        path = folder / FILE_NAME
        with failing_as(StoreError, path, "run this as a user who may read it"):
            if not path.exists():
                return cls.in_memory()
            with path.open("rb"):
                pass
            # A journal is there while an agent runs, and after one that was killed. Where there is
            # none, SQLite would make one even to read: unless it is told that nothing changes.
            alone = not path.with_name(f"{FILE_NAME}-wal").exists()
        uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
        try:
            connection = sqlite3.connect(
                uri, timeout=_BUSY_S, check_same_thread=False, isolation_level=None, uri=True
            )
            try:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version == 0:  # its agent is just making it
                    connection.close()
                    return cls.in_memory()
                _refuse_newer(version, str(path))
                if version < SCHEMA_VERSION:
                    raise StoreError(
                        f"{path}: written by an older version (schema {version}, this one reads "
                        f"{SCHEMA_VERSION}); start the agent once, which brings it up to date"
                    )
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}; name the box's own state_dir") from error
        return cls(connection, str(path))

    @classmethod
    def in_memory(cls) -> Self:
        """A database that lasts as long as the process, for when the folder cannot be used."""
        return cls._connect(":memory:")

    @classmethod
    def _connect(cls, where: str) -> Self:
        try:
            connection = sqlite3.connect(
                where, timeout=_BUSY_S, check_same_thread=False, isolation_level=None
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                # A file that lost a part only says so when that part is read.
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise sqlite3.DatabaseError(f"damaged ({found})")
                _bring_up_to_date(connection, where)
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

    @property
    def gone(self) -> bool:
        """Whether its file was deleted, moved or replaced.

        SQLite would go on with the file that it has open, which the next start does not find.
        """
        return _identity(self._where) != self._file

    @property
    def others_changes(self) -> int:
        """A number that is another one once another process has changed the database.

        Raises:
            StoreError: it cannot be read.
        """
        with self._reading() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def clear_journal(self) -> bool:
        """Write the journal's content into the database and empty it, for what was deleted.

        Returns:
            whether it is empty; not where another process reads or writes just now.

        Raises:
            StoreError: the database refused.
        """
        with self._reading() as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Close the database; what was committed is safe without it."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock, self._naming_the_file():
            yield self._connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._lock, self._naming_the_file():
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
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message = f"{self._where}: {error}; free the disk or mend state_dir"
            raise StoreError(message) from error


def _bring_up_to_date(connection: Connection, where: str) -> None:
    """Make what this version has and an older one, or an empty file, has not.

    Raises:
        StoreError: a newer version wrote it.
    """
    # Within one transaction: another process may be about to do the same.
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(version, where)
    for statements in VERSIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    # Also where nothing is new: a read-only file only says so when it is written to.
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _refuse_newer(version: int, where: str) -> None:
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{where}: written by a newer version (schema {version}, this one reads "
            f"{SCHEMA_VERSION}); upgrade kikimimi or name another state_dir"
        )


def _identity(where: str) -> tuple[int, int] | None:
    """Device and number of a file; ``None`` if there is none, as for a database in memory."""
    try:
        status = os.stat(where)  # noqa: PTH116 - the name may be SQLite's own, no path
    except OSError:
        return None
    return status.st_dev, status.st_ino
