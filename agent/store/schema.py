"""The tables of the database, and how one of an older version becomes one of this.

A version is a tuple of statements that turn the version before into it. What was released is
never edited: a change is another version at the end.
"""

from __future__ import annotations

_V1 = (
    """
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
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL,
        payload TEXT NOT NULL
    ) STRICT
    """,
)

_V2 = (
    # The step of an alert stays that of its sound: a sound goes on whatever people say of it.
    "ALTER TABLE alerts ADD COLUMN reviewed INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX alerts_open ON alerts (alert_id) WHERE NOT reviewed",
    """
    CREATE TABLE verdicts (
        label_id TEXT PRIMARY KEY,
        alert_id TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('confirm', 'reject', 'unsure')),
        relevance REAL CHECK (relevance BETWEEN 0 AND 100),
        label TEXT,
        operator TEXT,
        given_at REAL NOT NULL,
        received_at REAL NOT NULL,
        request_id TEXT NOT NULL UNIQUE,
        through TEXT NOT NULL CHECK (through IN ('mqtt', 'console')),
        undone_at REAL,
        undone_request_id TEXT UNIQUE
    ) STRICT
    """,
    "CREATE INDEX verdicts_alert ON verdicts (alert_id)",
    """
    CREATE TABLE clips (
        alert_id TEXT PRIMARY KEY,
        file TEXT,
        picture TEXT,
        starts_at REAL NOT NULL,
        duration_s REAL NOT NULL,
        size_bytes INTEGER NOT NULL,
        speech TEXT NOT NULL,
        embedding BLOB,
        peak_s REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX clips_age ON clips (starts_at, alert_id)",
    """
    CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        what TEXT NOT NULL,
        who TEXT NOT NULL,
        detail TEXT NOT NULL CHECK (json_valid(detail))
    ) STRICT
    """,
    """
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END
    """,
    """
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END
    """,
    # REPLACE deletes without asking the trigger above.
    """
    CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END
    """,
)

_V3 = (
    # What the acoustic view makes of the window whose joint view is the embedding.
    "ALTER TABLE clips ADD COLUMN acoustic BLOB",
    # What else the sound of an alert may be, the best explained first: a JSON array of
    # [error_id, score, threshold, description].
    """
    ALTER TABLE alerts ADD COLUMN candidates TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(candidates))
    """,
    # The description that a sound was instead of the alert's, and its words as they stood then.
    "ALTER TABLE verdicts ADD COLUMN error_id TEXT",
    "ALTER TABLE verdicts ADD COLUMN description TEXT",
    # What people reported or taught stands among the alerts: answers, clips and exports are alike.
    """
    ALTER TABLE alerts ADD COLUMN origin TEXT NOT NULL DEFAULT 'detected'
        CHECK (origin IN ('detected', 'missed', 'taught'))
    """,
)

_V4 = (
    # What operators set of descriptions, which the file need not know any more; NULL is "auto".
    """
    CREATE TABLE thresholds (
        request_id TEXT PRIMARY KEY,
        error_id TEXT NOT NULL,
        threshold REAL CHECK (threshold BETWEEN 0 AND 100),
        operator TEXT,
        given_at REAL NOT NULL,
        received_at REAL NOT NULL,
        through TEXT NOT NULL CHECK (through IN ('mqtt', 'console')),
        undone_at REAL,
        undone_request_id TEXT UNIQUE
    ) STRICT
    """,
)

VERSIONS = (_V1, _V2, _V3, _V4)
SCHEMA_VERSION = len(VERSIONS)
