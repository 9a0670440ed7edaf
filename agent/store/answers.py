"""People's answers, and the trail of what was done with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.core.answers import Answer, Entry, Through
from agent.core.records import Verdict

if TYPE_CHECKING:
    from agent.store.database import Connection

_COLUMNS = (
    "label_id, alert_id, verdict, relevance, label, operator, given_at, received_at, "
    "request_id, through, undone_at, undone_request_id, error_id, description"
)
_SELECT = f"SELECT {_COLUMNS} FROM verdicts"  # noqa: S608 - of constants
_UPSERT = f"""
INSERT INTO verdicts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (label_id) DO UPDATE SET
    undone_at = excluded.undone_at, undone_request_id = excluded.undone_request_id
    WHERE undone_at IS NULL AND excluded.undone_at IS NOT NULL
ON CONFLICT DO NOTHING
"""  # noqa: S608 - of constants


def put(connection: Connection, answer: Answer) -> bool:
    """Write an answer, or that it was taken back; whether that is new."""
    return connection.execute(_UPSERT, _row(answer)).rowcount == 1


def of_alert(connection: Connection, alert_id: str) -> list[Answer]:
    """All answers to an alert, in the order in which they came in."""
    query = f"{_SELECT} WHERE alert_id = ? ORDER BY rowid"
    return [_answer(row) for row in connection.execute(query, (alert_id,))]


def since(connection: Connection, at: float) -> list[Answer]:
    """All answers that came in since then, in order."""
    query = f"{_SELECT} WHERE received_at >= ? ORDER BY rowid"
    return [_answer(row) for row in connection.execute(query, (at,))]


def of_request(connection: Connection, request_id: str) -> Answer | None:
    """The answer that a request gave or took back."""
    query = f"{_SELECT} WHERE request_id = ?1 OR undone_request_id = ?1"
    row = connection.execute(query, (request_id,)).fetchone()
    return None if row is None else _answer(row)


def forget_operators(connection: Connection, before: float) -> tuple[int, set[str]]:
    """Take the names off the answers to alerts that began before then.

    Of answers that no longer hold, nothing is left: without the name nobody could tell that
    another one replaced them.

    Returns:
        how many lost their name or were deleted, and the ids of their alerts.
    """
    rows = connection.execute(
        f"{_SELECT} WHERE operator IS NOT NULL AND alert_id IN "  # noqa: S608 - of constants
        "(SELECT alert_id FROM alerts WHERE starts_at < ?) ORDER BY rowid",
        (before,),
    ).fetchall()
    answers = [_answer(row) for row in rows]
    last = {
        (answer.alert_id, answer.operator): answer for answer in answers if answer.undone_at is None
    }
    kept = {answer.label_id for answer in last.values()}
    for answer in answers:
        if answer.label_id in kept:
            statement = "UPDATE verdicts SET operator = NULL, label = NULL WHERE label_id = ?"
        else:
            statement = "DELETE FROM verdicts WHERE label_id = ?"
        connection.execute(statement, (answer.label_id,))
    return len(answers), {answer.alert_id for answer in answers}


def ids(connection: Connection) -> set[str]:
    """Of all alerts that somebody answered to."""
    return {
        alert_id for (alert_id,) in connection.execute("SELECT DISTINCT alert_id FROM verdicts")
    }


def add(connection: Connection, entry: Entry) -> None:
    """Write a line of the trail; its sequence is given by the database."""
    detail = json.dumps(dict(entry.detail), ensure_ascii=False)
    connection.execute(
        "INSERT INTO audit (at, what, who, detail) VALUES (?, ?, ?, ?)",
        (entry.at, entry.what, entry.who, detail),
    )


def trail(connection: Connection, after: int, limit: int) -> list[Entry]:
    """Lines of the trail after one, in order."""
    rows = connection.execute(
        "SELECT sequence, at, what, who, detail FROM audit WHERE sequence > ? "
        "ORDER BY sequence LIMIT ?",
        (after, limit),
    )
    return [
        Entry(at, what, who, json.loads(detail), sequence)
        for sequence, at, what, who, detail in rows
    ]


def absorb(connection: Connection, other: Connection) -> set[str]:
    """Take over all answers and the trail of another database; the ids of their alerts."""
    rows = other.execute(f"{_SELECT} ORDER BY rowid").fetchall()
    connection.executemany(_UPSERT, rows)
    connection.executemany(
        "INSERT INTO audit (at, what, who, detail) VALUES (?, ?, ?, ?)",
        other.execute("SELECT at, what, who, detail FROM audit ORDER BY sequence").fetchall(),
    )
    return {row[1] for row in rows}


def _row(answer: Answer) -> tuple[str | float | None, ...]:
    """An answer in the order of the columns."""
    return (
        answer.label_id,
        answer.alert_id,
        answer.verdict.value,
        answer.relevance,
        answer.label,
        answer.operator,
        answer.given_at,
        answer.received_at,
        answer.request_id,
        answer.through.value,
        answer.undone_at,
        answer.undone_request_id,
        answer.error_id,
        answer.description,
    )


def _answer(row: tuple[Any, ...]) -> Answer:
    """The answer that :func:`_row` wrote."""
    label_id, alert_id, verdict, relevance, label, operator = row[:6]
    return Answer(
        label_id,
        alert_id,
        Verdict(verdict),
        relevance,
        label,
        operator,
        given_at=row[6],
        received_at=row[7],
        request_id=row[8],
        through=Through(row[9]),
        undone_at=row[10],
        undone_request_id=row[11],
        error_id=row[12],
        description=row[13],
    )
