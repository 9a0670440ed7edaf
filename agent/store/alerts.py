"""Alerts, those that await an answer, and the outbox of messages that tell of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.core.answers import OpenAlert, OpenAlerts
from agent.core.records import (
    Alert,
    Candidate,
    Detection,
    Origin,
    OutboxMessage,
    Provenance,
    Severity,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agent.store.database import Connection

_COLUMNS = (
    "alert_id, source, error_id, description, severity, step, starts_at, peaks_at, ends_at, "
    "score, threshold, hits, windows, bundle, descriptions, clock_synced, candidates, origin"
)
_QUALIFIED = ", ".join(f"alerts.{name}" for name in _COLUMNS.split(", "))
_UPSERT = f"""
INSERT INTO alerts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (alert_id) DO UPDATE SET
    step = excluded.step, starts_at = excluded.starts_at, peaks_at = excluded.peaks_at,
    ends_at = excluded.ends_at, score = excluded.score, hits = excluded.hits,
    windows = excluded.windows, severity = excluded.severity, candidates = excluded.candidates
"""  # noqa: S608 - of constants
_REVIEWED = """
UPDATE alerts SET reviewed = EXISTS (
    SELECT 1 FROM verdicts WHERE verdicts.alert_id = alerts.alert_id AND undone_at IS NULL
) WHERE alert_id IN (SELECT value FROM json_each(?))
"""


def put(connection: Connection, alert: Alert) -> None:
    """Write an alert as it now stands."""
    connection.execute(_UPSERT, _row(alert))


def get(connection: Connection, alert_id: str) -> Alert | None:
    """One alert."""
    query = f"SELECT {_COLUMNS} FROM alerts WHERE alert_id = ?"  # noqa: S608 - of constants
    row = connection.execute(query, (alert_id,)).fetchone()
    return None if row is None else _alert(row)


def since(connection: Connection, at: float) -> list[Alert]:
    """All alerts whose sound began since then, in order."""
    query = f"SELECT {_COLUMNS} FROM alerts WHERE starts_at >= ? ORDER BY alert_id"  # noqa: S608
    return [_alert(row) for row in connection.execute(query, (at,))]


def unfinished(connection: Connection) -> list[Alert]:
    """Alerts whose sound has not ended, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM alerts WHERE step NOT IN (?, ?) "  # noqa: S608 - of constants
        "ORDER BY alert_id",
        (Step.END.value, Step.REVIEWED.value),
    ).fetchall()
    return [_alert(row) for row in rows]


def awaiting(connection: Connection, limit: int, without: Collection[str]) -> OpenAlerts:
    """The newest alerts that await an answer, leaving some out.

    What people reported themselves awaits none, also where they took it back.
    """
    left_out = json.dumps(list(without))
    among = (
        "NOT reviewed AND origin = 'detected' "
        "AND alerts.alert_id NOT IN (SELECT value FROM json_each(?))"
    )
    rows = connection.execute(
        f"SELECT {_QUALIFIED}, clips.file FROM alerts "  # noqa: S608 - of constants
        "LEFT JOIN clips ON clips.alert_id = alerts.alert_id "
        f"WHERE {among} ORDER BY alerts.alert_id DESC LIMIT ?",
        (left_out, limit),
    ).fetchall()
    (count,) = connection.execute(
        f"SELECT count(*) FROM alerts WHERE {among}",  # noqa: S608 - of constants
        (left_out,),
    ).fetchone()
    return OpenAlerts(tuple(OpenAlert(_alert(row[:-1]), row[-1]) for row in rows), int(count))


def note_reviewed(connection: Connection, alert_ids: Collection[str]) -> None:
    """Mark alerts by whether an answer to them holds."""
    connection.execute(_REVIEWED, (json.dumps(list(alert_ids)),))


def absorb(connection: Connection, other: Connection) -> set[str]:
    """Take over all alerts and messages of another database; the ids of the alerts."""
    rows = other.execute(
        f"SELECT {_COLUMNS} FROM alerts ORDER BY alert_id"  # noqa: S608 - of constants
    ).fetchall()
    connection.executemany(_UPSERT, rows)
    post(connection, other.execute("SELECT topic, payload FROM outbox ORDER BY sequence"))
    return {row[0] for row in rows}


def ids(connection: Connection) -> set[str]:
    """Of all alerts."""
    return {alert_id for (alert_id,) in connection.execute("SELECT alert_id FROM alerts")}


def post(connection: Connection, messages: Iterable[tuple[str, str]]) -> None:
    """Put (topic, payload) into the outbox."""
    connection.executemany("INSERT INTO outbox (topic, payload) VALUES (?, ?)", list(messages))


def waiting(
    connection: Connection, after: int, limit: int, without: Collection[str]
) -> list[OutboxMessage]:
    """The oldest messages after one, without some topics."""
    rows = connection.execute(
        "SELECT sequence, topic, payload FROM outbox WHERE sequence > ? "
        "AND topic NOT IN (SELECT value FROM json_each(?)) ORDER BY sequence LIMIT ?",
        (after, json.dumps(list(without)), limit),
    ).fetchall()
    return [OutboxMessage(*row) for row in rows]


def _row(alert: Alert) -> tuple[str | float | int, ...]:
    """An alert in the order of the columns."""
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
        json.dumps(
            [
                [one.error_id, one.score, one.threshold, one.description]
                for one in detection.candidates
            ],
            ensure_ascii=False,
        ),
        alert.origin.value,
    )


def _alert(row: tuple[Any, ...]) -> Alert:
    """The alert that :func:`_row` wrote."""
    alert_id, source, error_id, description, severity, step = row[:6]
    detection = Detection(source, error_id, Step(step), *row[6:13])
    candidates = tuple(Candidate(*one) for one in json.loads(row[16]))
    return Alert(
        alert_id=alert_id,
        detection=replace(detection, candidates=candidates),
        description=description,
        severity=Severity(severity),
        provenance=Provenance(bundle=row[13], descriptions=row[14]),
        clock_synced=bool(row[15]),
        origin=Origin(row[17]),
    )
