"""Thresholds that operators set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.core.answers import Through
from agent.core.operator_thresholds import OperatorThreshold

if TYPE_CHECKING:
    from agent.store.database import Connection

MOST_OF_ONE = 20
"""So many of one description are kept, and as many that hold: a script could set them for ever."""

_COLUMNS = (
    "request_id, error_id, threshold, operator, given_at, received_at, through, undone_at, "
    "undone_request_id"
)
_SELECT = f"SELECT {_COLUMNS} FROM thresholds"  # noqa: S608 - of constants
_UPSERT = f"""
INSERT INTO thresholds ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (request_id) DO UPDATE SET
    undone_at = excluded.undone_at, undone_request_id = excluded.undone_request_id
    WHERE undone_at IS NULL AND excluded.undone_at IS NOT NULL
ON CONFLICT DO NOTHING
"""  # noqa: S608 - of constants
_LATEST = "SELECT max(rowid) FROM thresholds WHERE undone_at IS NULL"
_NEWEST = f"ORDER BY rowid DESC LIMIT {MOST_OF_ONE}"
_FORGET_OLD = f"""
DELETE FROM thresholds WHERE error_id = ?1 AND rowid NOT IN (
    SELECT rowid FROM thresholds WHERE error_id = ?1 {_NEWEST}
) AND rowid NOT IN (
    SELECT rowid FROM thresholds WHERE error_id = ?1 AND undone_at IS NULL {_NEWEST}
)
"""  # noqa: S608 - of constants


def put(connection: Connection, one: OperatorThreshold) -> bool:
    """Write what an operator said, or that it was taken back; whether that is new."""
    new = connection.execute(_UPSERT, _row(one)).rowcount == 1
    connection.execute(_FORGET_OLD, (one.error_id,))
    return new


def of_request(connection: Connection, request_id: str) -> OperatorThreshold | None:
    """What a request set or took back."""
    query = f"{_SELECT} WHERE request_id = ?1 OR undone_request_id = ?1"
    row = connection.execute(query, (request_id,)).fetchone()
    return None if row is None else _threshold(row)


def everything(connection: Connection) -> list[OperatorThreshold]:
    """All that operators said, in the order in which it came in."""
    return [_threshold(row) for row in connection.execute(f"{_SELECT} ORDER BY rowid")]


def forget_operators(connection: Connection, before: float) -> int:
    """Take the names off what came in before then (UTC), and delete of it what is not in force.

    Returns:
        how many lost their name or were deleted.
    """
    named = "WHERE received_at < ? AND operator IS NOT NULL"
    deleted = connection.execute(
        f"DELETE FROM thresholds {named} AND rowid NOT IN ({_LATEST} GROUP BY error_id)",  # noqa: S608
        (before,),
    )
    changed = connection.execute(f"UPDATE thresholds SET operator = NULL {named}", (before,))  # noqa: S608
    return deleted.rowcount + changed.rowcount


def absorb(connection: Connection, other: Connection) -> None:
    """Take over all thresholds of another database."""
    connection.executemany(_UPSERT, other.execute(f"{_SELECT} ORDER BY rowid").fetchall())


def _row(one: OperatorThreshold) -> tuple[str | float | None, ...]:
    """In the order of the columns."""
    return (
        one.request_id,
        one.error_id,
        one.threshold,
        one.operator,
        one.given_at,
        one.received_at,
        one.through.value,
        one.undone_at,
        one.undone_request_id,
    )


def _threshold(row: tuple[Any, ...]) -> OperatorThreshold:
    """What :func:`_row` wrote."""
    request_id, error_id, threshold, operator, given_at, received_at, through = row[:7]
    return OperatorThreshold(
        request_id,
        error_id,
        threshold,
        operator,
        given_at,
        received_at,
        Through(through),
        undone_at=row[7],
        undone_request_id=row[8],
    )
