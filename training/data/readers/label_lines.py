"""Lines of exported labels, checked one by one; see docs/labels.md."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

import numpy as np

from agent.config import jsonl
from agent.core.errors import Problem
from agent.core.records import FloatArray
from training.data.manifest import ManifestError
from training.data.records import HIGHEST_RATING, LOWEST_RATING

LABELS = "labels.jsonl"
SCHEMA = 1

_LARGEST = 1e9
_NAME_CHARACTERS = 64
_UNIT_LENGTH_TOLERANCE = 1e-2
# As docs/mqtt/alert.schema.json has them.
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_TOPIC_LEVEL = re.compile(rf"[^/+#]{{1,{_NAME_CHARACTERS}}}")
_NAMED = re.compile(rf".{{1,{_NAME_CHARACTERS}}}")
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)


class Verdict(StrEnum):
    """What a person answered to an alert."""

    CONFIRM = "confirm"
    REJECT = "reject"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Label:
    """One person's answer to one alert."""

    label_id: str
    """ULID."""
    clip: str | None
    """FLAC file, relative to the folder; ``None`` where the sound may not be kept."""
    started_at: datetime
    """UTC, of the alert."""
    site: str
    node: str
    source: str
    error_id: str
    description: str
    """The text that the sound was compared with."""
    language: str
    verdict: Verdict | None
    relevance: float | None
    """0 to 100."""
    operator: str
    judged_at: datetime
    """UTC."""
    score: float | None
    """``None`` where the description did not alarm, as is ``threshold``."""
    threshold: float | None
    bundle: str
    descriptions: str
    where: str
    """File and line."""
    embedding: FloatArray | None = field(default=None, compare=False)
    """Unit length, in the joint space of the bundle."""

    @property
    def place(self) -> str:
        """Where and on which day (UTC) it was heard."""
        return f"{self.site}/{self.node}/{self.source}/{self.started_at:%Y-%m-%d}"


def read_labels(folder: Path) -> tuple[Label, ...]:
    """The labels of one export as they stand.

    Raises:
        FileNotFoundError: it has no ``labels.jsonl``.
        ManifestError: a line is wrong.
    """
    problems: list[Problem] = []
    labels = parse_labels(folder, problems)
    if problems:
        raise ManifestError(problems)
    return labels


def parse_labels(folder: Path, problems: list[Problem]) -> tuple[Label, ...]:
    """The labels of one export that are right; what is wrong is collected.

    Raises:
        FileNotFoundError: it has no ``labels.jsonl``.
    """
    path = folder / LABELS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: is missing; name a folder that holds exported labels")
    rows = jsonl.rows(path.read_bytes(), str(path), problems)
    read_rows = [(row, _label(row, folder)) for row in rows]
    return tuple(label for row, label in read_rows if row.fine)


def _label(row: jsonl.Row, folder: Path) -> Label:
    schema = row.number("schema", SCHEMA, _LARGEST)
    if schema != SCHEMA:
        row.report("schema", f"is {schema:g}", f"write {SCHEMA}, or read it with a newer Kikimimi")
    label = Label(
        label_id=row.formed("label_id", _ULID, "write a ULID: 26 digits and capital letters"),
        clip=_clip(row, folder),
        started_at=_time(row, "ts_start"),
        site=row.formed("site", _TOPIC_LEVEL, "write at most 64 characters without / + #"),
        node=row.formed("node", _TOPIC_LEVEL, "write at most 64 characters without / + #"),
        source=row.formed("source", _TOPIC_LEVEL, "write at most 64 characters without / + #"),
        error_id=row.formed("error_id", _NAMED, "write at most 64 characters"),
        description=row.text("description"),
        language=row.formed("language", _LANGUAGE, "write two or three letters: ja, en"),
        verdict=None if row.take("verdict") is None else row.choice("verdict", Verdict),
        relevance=None
        if row.take("relevance") is None
        else row.number("relevance", LOWEST_RATING, HIGHEST_RATING),
        operator=row.formed("operator", _NAMED, "write at most 64 characters"),
        judged_at=_time(row, "ts_verdict"),
        score=_number_or_none(row, "score"),
        threshold=_number_or_none(row, "threshold"),
        bundle=row.formed("bundle", _SHA256, "write sha256: and 64 digits a-f 0-9"),
        descriptions=row.formed("descriptions", _SHA256, "write sha256: and 64 digits a-f 0-9"),
        where=row.where,
        embedding=_embedding(row),
    )
    row.finish()
    if row.fine and label.verdict is None and label.relevance is None:
        row.report("verdict", "is null, and relevance too", "write at least one of the two")
    return label


def _number_or_none(row: jsonl.Row, name: str) -> float | None:
    return None if row.take(name) is None else row.number(name, -_LARGEST, _LARGEST)


def _time(row: jsonl.Row, name: str) -> datetime:
    value = row.formed(name, _TIME, "write UTC as 2026-01-02T03:04:05.678Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        if _TIME.fullmatch(value):
            row.report(name, f"is {value!r}", "write a day and a time that exist")
        return datetime.min.replace(tzinfo=UTC)


def _clip(row: jsonl.Row, folder: Path) -> str | None:
    value = row.optional_text("clip")
    if value is None:
        return None
    path = PurePosixPath(value)
    root = folder.resolve()
    # A link that points out of the folder leaves it too.
    inside = (root / value).resolve().is_relative_to(root)
    if path.is_absolute() or ".." in path.parts or "\\" in value or not inside:
        row.report("clip", f"is {value!r}", "write a path inside the folder: clips/….flac")
    elif value and path.suffix != ".flac":
        row.report("clip", f"is {value!r}", "name a FLAC file: clips/….flac")
    return path.as_posix()


def _embedding(row: jsonl.Row) -> FloatArray | None:
    encoded = row.optional_text("embedding")
    if not encoded:
        return None
    remedy = "write base64 of little-endian float32 of length 1, or null"
    try:
        values = np.frombuffer(base64.b64decode(encoded, validate=True), "<f4")
    except (binascii.Error, ValueError) as error:
        row.report("embedding", f"cannot be decoded ({error})", remedy)
        return None
    length = float(np.linalg.norm(values.astype(np.float64)))
    # NaN compares false.
    if not abs(length - 1.0) <= _UNIT_LENGTH_TOLERANCE:
        row.report("embedding", f"is of length {length:g}", remedy)
    return values.astype(np.float32)
