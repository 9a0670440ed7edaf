"""Structured logs on standard error: an event's name and its fields, as text or as JSON lines.

A call gives the event as the message and the fields as ``extra``::

    _log.info("alert", extra={"error_id": "metal_part_dropped", "score": 4.1})
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from agent.core.names import shown

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send all logs of the program to one stream.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``text`` for people, ``json`` for collectors.
        stream: where to write; standard error if ``None``.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: shown(value) if isinstance(value, str | Path) else value
        for name, value in vars(record).items()
        if name not in _STANDARD
    }


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """``2026-01-02T03:04:05.678Z warning broker_lost reason="connection reset"``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        words = [_time(record), record.levelname.lower(), record.getMessage()]
        for name, value in _fields(record).items():
            text = json.dumps(value, ensure_ascii=False, default=str)
            words.append(f"{name}={text}")
        line = " ".join(words)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, object] = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)
