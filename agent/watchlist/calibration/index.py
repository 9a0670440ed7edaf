"""``calibration.json``: what was heard of a site's background, and what was found in it.

Beside it lies a folder of parts, ten minutes each (:mod:`agent.watchlist.calibration.parts`). The
file is replaced as a whole and names every part with its hash: a calibration that was cut off loses
the part that it was at and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from agent.config.reader import Between
from agent.config.record import AtMost, FilledText, record
from agent.core import files, folders
from agent.core.errors import StoreError, failing_as, reason
from agent.watchlist.calibration.threshold import Kind, Rate  # noqa: TC001 - read by the annotations

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 2
FILE = "calibration.json"
MOST_BYTES = 8 << 20
MOST_PARTS = 10_000
MOST_ROWS = 100_000
MOST_SIZE = 1 << 14

_PART_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}\.npz", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REMEDY = "delete it and run 'kikimimi calibrate' again"

_Time: TypeAlias = Annotated[float, Between(-1e12, 1e12)]
_Quantity: TypeAlias = Annotated[float, Between(0.0, 1e12)]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of window embeddings, in the order of time."""

    file: FilledText
    sha256: FilledText
    rows: Annotated[int, Between(1, MOST_ROWS)]
    stream: FilledText
    """Parts of one stream follow on each other."""
    source: FilledText
    recorded: bool
    """Whether it is a recording: its times are then seconds from its start, not UTC."""
    starts_at: _Time
    ends_at: _Time


@dataclass(frozen=True, slots=True)
class Span:
    """Sound that is left out, since a person says that it was a real error."""

    source: FilledText
    starts_at: _Time
    ends_at: _Time


@dataclass(frozen=True, slots=True)
class Finding:
    """What the background says of one description."""

    error_id: FilledText
    wording: FilledText
    """Hash of its texts and of what it is told apart from."""
    key: FilledText
    """Hash of all that the finding follows from; another one has to be found anew."""
    mean: Annotated[float, Between(-2.0, 2.0)]
    """Mean of its margin on this site's background."""
    std: Annotated[float, Between(1e-6, 2.0)]
    """Standard deviation of that margin."""
    kind: Kind
    threshold: Annotated[float, Between(0.0, 1_000.0)]
    wanted: _Quantity
    """False alarms a day that were asked for."""
    rate: Rate | None
    """What to expect at the threshold; ``None`` where nothing can be told."""
    hours: _Quantity
    held: bool = False
    """Whether the threshold is a bound that the operator set."""


@dataclass(frozen=True, slots=True)
class Index:
    """Everything but the embeddings."""

    bundle: FilledText
    """Digest of the bundle whose tower heard it."""
    embedding_size: Annotated[int, Between(1, MOST_SIZE)]
    acoustic_size: Annotated[int, Between(1, MOST_SIZE)]
    hop_s: Annotated[float, Between(0.01, 100.0)]
    sources: Annotated[int, Between(1, 1_000)]
    """Microphones of the box: a false alarm a day is the box's, not that of each."""
    made_at: _Time
    """UTC of the last change."""
    parts: Annotated[tuple[Part, ...], AtMost(MOST_PARTS)] = ()
    hearing: str = ""
    """Stream of a recording that is not heard to its end yet."""
    excluded: Annotated[tuple[Span, ...], AtMost(MOST_PARTS)] = ()
    trim: Annotated[int, Between(0, 1_000)] = 0
    """Loudest events of each description that are taken to have been real."""
    findings: Annotated[tuple[Finding, ...], AtMost(MOST_PARTS)] = ()
    mean: Annotated[tuple[Annotated[float, Between(-1.0, 1.0)], ...], AtMost(MOST_SIZE)] = ()
    """Mean of the embeddings; empty until the findings are made."""
    spread: Annotated[float, Between(0.0, 2.0)] = 0.0
    """How far single windows lie from the mean of the embeddings (``drift.Reference``)."""

    @property
    def heard_hours(self) -> float:
        """Hours of sound, over all sources."""
        return sum(part.rows for part in self.parts) * self.hop_s / 3_600.0

    def finding(self, error_id: str) -> Finding | None:
        """What was found of a description."""
        return next((finding for finding in self.findings if finding.error_id == error_id), None)


def read(folder: Path) -> Index | None:
    """The calibration of a state folder; ``None`` where there is none.

    Raises:
        StoreError: the file cannot be read or is not what this version writes.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"{path}: {reason(error)}; mend its rights") from error
    if len(raw) > MOST_BYTES:
        raise StoreError(f"{path}: over {MOST_BYTES} bytes; {_REMEDY}")
    try:
        return _index(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: {error}; {_REMEDY}") from error


def write(folder: Path, index: Index) -> None:
    """Replace the file as a whole.

    Raises:
        StoreError: the folder cannot be written.
    """
    text = json.dumps({"schema": SCHEMA, **asdict(index)}, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of a calibration, in a folder that is made if missing.

    Raises:
        StoreError: it cannot be written.
    """
    with failing_as(StoreError, path, "make room, or mend the rights"):
        folders.make(path.parent)
        files.write_bytes(path, data)


def set_aside(folder: Path) -> Path | None:
    """Rename a file that is wrong, so that it can be looked at; where it went."""
    path = folder / FILE
    target = path.with_name(path.name + ".broken")
    try:
        path.replace(target)
    except OSError:
        return None
    return target


def _index(raw: object) -> Index:
    """The record of a file's values; whatever is odd raises."""
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"schema {schema!r}, this version reads {SCHEMA}")
    index = record(Index, raw, closed=False, complete=True)
    for part in index.parts:
        if not _PART_NAME.fullmatch(part.file) or not _SHA256.fullmatch(part.sha256):
            raise ValueError(f"names a part {part.file!r} that this version does not write")
    if len({part.file for part in index.parts}) != len(index.parts):
        raise ValueError("names a part twice")
    if len(index.mean) not in (0, index.embedding_size):
        found = f"holds a mean of {len(index.mean)} values"
        raise ValueError(f"{found} for embeddings of {index.embedding_size}")
    return index
