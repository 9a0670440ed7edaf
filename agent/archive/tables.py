"""What a scan found, as Parquet: a table of alerts, and one of the files that were heard."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from agent.archive.writing import keeping
from agent.core import files
from agent.core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.archive.records import FileRecord, Identity

_TOGETHER = 1_024  # files whose rows are held and written at once

_CANDIDATE = pa.struct(
    [
        ("error_id", pa.string()),
        ("description", pa.string()),
        ("score", pa.float64()),
        ("threshold", pa.float64()),
    ]
)
ALERTS = pa.schema(
    [
        ("file", pa.string()),
        ("start", pa.float64()),
        ("peak", pa.float64()),
        ("end", pa.float64()),
        ("error_id", pa.string()),
        ("description", pa.string()),
        ("score", pa.float64()),
        ("threshold", pa.float64()),
        ("hits", pa.int32()),
        ("windows", pa.int32()),
        ("severity", pa.string()),
        ("candidates", pa.list_(_CANDIDATE)),
        ("bundle", pa.string()),
        ("descriptions", pa.string()),
    ]
)
"""A row an alert; times are seconds from the file's start."""

FILES = pa.schema(
    [
        ("file", pa.string()),
        ("duration", pa.float64()),
        ("windows", pa.int64()),
        ("alerts", pa.int64()),
        ("suppressed", pa.int64()),
        ("size_bytes", pa.int64()),
        ("modified", pa.timestamp("us", "UTC")),
        ("error", pa.string()),
        ("remarks", pa.list_(pa.string())),
    ]
)
"""A row a file; ``error`` is null where it was heard to its end, ``duration`` in seconds."""


def files_table(out: Path) -> Path:
    """Where the table of files lies: beside that of alerts."""
    return out.with_name(f"{out.stem}.files{out.suffix}")


def write(out: Path, records: Iterable[FileRecord], identity: Identity) -> None:
    """Write both tables, each whole or not at all.

    Args:
        out: path of the table of alerts.
        records: of all files, in the order of their paths.
        identity: what the alerts follow from; goes into the tables' metadata.

    Raises:
        ArchiveError: they cannot be written.
    """
    facts = {f"kikimimi.{name}": str(value) for name, value in asdict(identity).items()}
    with keeping(out), ExitStack() as stack:
        # The table of files is in place first: that of alerts says that the scan is done.
        writers = []
        for path, schema in ((out, ALERTS), (files_table(out), FILES)):
            file = stack.enter_context(files.replacing(path))
            writer = parquet.ParquetWriter(file, schema.with_metadata(facts), compression="zstd")
            writers.append(stack.enter_context(writer))
        alerts: list[dict[str, Any]] = []
        heard: list[dict[str, Any]] = []
        for record in records:
            alerts += map(asdict, record.alerts)
            heard.append(_file_row(record))
            if len(heard) == _TOGETHER:
                _flush(writers, alerts, heard)
        _flush(writers, alerts, heard)


def _flush(
    writers: list[parquet.ParquetWriter], alerts: list[dict[str, Any]], heard: list[dict[str, Any]]
) -> None:
    for writer, rows in zip(writers, (alerts, heard), strict=True):
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, writer.schema))
            rows.clear()


def _file_row(record: FileRecord) -> dict[str, Any]:
    return {
        "file": shown(record.path),
        "duration": record.duration_s,
        "windows": record.windows,
        "alerts": len(record.alerts),
        "suppressed": record.suppressed,
        "size_bytes": record.size_bytes,
        "modified": record.modified_ns // 1_000,
        "error": record.error or None,
        "remarks": list(record.remarks),
    }
