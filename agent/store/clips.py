"""What is known of the clips; their sound and pictures lie in a folder beside the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agent.core.answers import KeptClip
from agent.core.records import ClipRecord, Speech, Views

if TYPE_CHECKING:
    from agent.store.database import Connection

CLIPS_FOLDER = "clips"
"""Where their files are, in the folder of the database."""

_COLUMNS = (
    "alert_id, file, picture, starts_at, duration_s, size_bytes, speech, "
    "embedding, acoustic, peak_s"
)
_SELECT = f"SELECT {_COLUMNS} FROM clips"  # noqa: S608 - of constants
_REPLACE = f"""
INSERT OR REPLACE INTO clips ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608 - of constants


def put(connection: Connection, clip: ClipRecord) -> None:
    """Write a clip as it now stands."""
    connection.execute(_REPLACE, _row(clip))


def get(connection: Connection, alert_id: str) -> ClipRecord | None:
    """The clip of an alert."""
    row = connection.execute(f"{_SELECT} WHERE alert_id = ?", (alert_id,)).fetchone()
    return None if row is None else _clip(row)


def kept(connection: Connection) -> list[KeptClip]:
    """All clips, oldest first."""
    rows = connection.execute(
        "SELECT alert_id, coalesce(error_id, ''), clips.starts_at, size_bytes, file, picture, "
        "coalesce(reviewed, 0), coalesce(origin, 'detected') <> 'detected' "
        "FROM clips LEFT JOIN alerts USING (alert_id) "
        "ORDER BY clips.starts_at, alert_id"
    )
    return [
        KeptClip(
            alert_id, error_id, starts_at, size_bytes, file, picture, bool(labelled), bool(reported)
        )
        for alert_id, error_id, starts_at, size_bytes, file, picture, labelled, reported in rows
    ]


def delete(connection: Connection, alert_id: str) -> bool:
    """Forget a clip; whether there was one."""
    return connection.execute("DELETE FROM clips WHERE alert_id = ?", (alert_id,)).rowcount == 1


def ids(connection: Connection) -> set[str]:
    """Of all alerts that have a clip."""
    return {alert_id for (alert_id,) in connection.execute("SELECT alert_id FROM clips")}


def absorb(connection: Connection, other: Connection) -> None:
    """Take over all clips of another database."""
    connection.executemany(_REPLACE, other.execute(_SELECT).fetchall())


def _row(clip: ClipRecord) -> tuple[Any, ...]:
    """A clip in the order of the columns."""
    return (
        clip.alert_id,
        clip.file,
        clip.picture,
        clip.starts_at,
        clip.duration_s,
        clip.size_bytes,
        clip.speech.value,
        None if clip.views is None else clip.views.joint[0].astype("<f4").tobytes(),
        None if clip.views is None else clip.views.acoustic[0].astype("<f4").tobytes(),
        clip.peak_s,
    )


def _clip(row: tuple[Any, ...]) -> ClipRecord:
    """The clip that :func:`_row` wrote."""
    alert_id, file, picture, starts_at, duration_s, size_bytes, speech, *blobs, peak_s = row
    views = None
    if None not in blobs:  # a clip of an older version has no acoustic view
        views = Views(*(np.frombuffer(blob, "<f4").astype(np.float32)[None] for blob in blobs))
    return ClipRecord(
        alert_id,
        file,
        picture,
        starts_at,
        duration_s,
        size_bytes,
        Speech(speech),
        views,
        peak_s,
    )
