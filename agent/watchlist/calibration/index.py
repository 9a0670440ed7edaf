"""``calibration.json``: what was heard of a site's background, and what was found in it.

Beside it lies a folder of parts, ten minutes each (:mod:`agent.watchlist.calibration.parts`). The
file is replaced as a whole and names every part with its hash: a calibration that was cut off loses
the part that it was at and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from agent.core import files, folders
from agent.core.errors import StoreError, failing_as, reason
from agent.watchlist.calibration.threshold import Kind, Rate

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
FILE = "calibration.json"
MOST_BYTES = 8 << 20
MOST_PARTS = 10_000
MOST_ROWS = 100_000
MOST_SIZE = 1 << 14

_PART_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}\.npz", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REMEDY = "delete it and run 'kikimimi calibrate' again"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of window embeddings, in the order of time."""

    file: str
    sha256: str
    rows: int
    stream: str
    """Parts of one stream follow on each other."""
    source: str
    recorded: bool
    """Whether it is a recording: its times are then seconds from its start, not UTC."""
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Span:
    """Sound that is left out, since a person says that it was a real error."""

    source: str
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What the background says of one description."""

    error_id: str
    wording: str
    """Hash of its texts and of what it is told apart from."""
    key: str
    """Hash of all that the finding follows from; another one has to be found anew."""
    mean: float
    """Mean of its margin on this site's background."""
    std: float
    """Standard deviation of that margin."""
    kind: Kind
    threshold: float
    wanted: float
    """False alarms a day that were asked for."""
    rate: Rate | None
    """What to expect at the threshold; ``None`` where nothing can be told."""
    hours: float
    held: bool = False
    """Whether the threshold is a bound that the operator set."""


@dataclass(frozen=True, slots=True)
class Index:
    """Everything but the embeddings."""

    bundle: str
    """Digest of the bundle whose tower heard it."""
    embedding_size: int
    hop_s: float
    sources: int
    """Microphones of the box: a false alarm a day is the box's, not that of each."""
    made_at: float
    """UTC of the last change."""
    parts: tuple[Part, ...] = ()
    hearing: str = ""
    """Stream of a recording that is not heard to its end yet."""
    excluded: tuple[Span, ...] = ()
    trim: int = 0
    """Loudest events of each description that are taken to have been real."""
    findings: tuple[Finding, ...] = ()
    mean: tuple[float, ...] = ()
    """Mean of the embeddings; empty until the findings are made."""
    spread: float = 0.0
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
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: {_cause(error)}; {_REMEDY}") from error


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


def _cause(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)


def _index(raw: dict[str, Any]) -> Index:
    """The record of a file's values; whatever is odd raises."""
    if raw["schema"] != SCHEMA:
        raise ValueError(f"schema {raw['schema']!r}, this version reads {SCHEMA}")
    parts = tuple(_part(item) for item in _list(raw["parts"], MOST_PARTS))
    excluded = tuple(_span(item) for item in _list(raw["excluded"], MOST_PARTS))
    if len({part.file for part in parts}) != len(parts):
        raise ValueError("names a part twice")
    size = _whole(raw["embedding_size"], 1, MOST_SIZE)
    mean = tuple(_number(item, -1.0, 1.0) for item in _list(raw["mean"], MOST_SIZE))
    if len(mean) not in (0, size):
        raise ValueError(f"holds a mean of {len(mean)} values for embeddings of {size}")
    return Index(
        bundle=_text(raw["bundle"]),
        embedding_size=size,
        hop_s=_number(raw["hop_s"], 0.01, 100.0),
        sources=_whole(raw["sources"], 1, 1_000),
        made_at=_number(raw["made_at"]),
        parts=parts,
        hearing=str(raw["hearing"]),
        excluded=excluded,
        trim=_whole(raw["trim"], 0, 1_000),
        findings=tuple(_finding(item) for item in _list(raw["findings"], MOST_PARTS)),
        mean=mean,
        spread=_number(raw["spread"], 0.0, 2.0),
    )


def _part(raw: dict[str, Any]) -> Part:
    part = Part(
        file=_text(raw["file"]),
        sha256=_text(raw["sha256"]),
        rows=_whole(raw["rows"], 1, MOST_ROWS),
        stream=_text(raw["stream"]),
        source=_text(raw["source"]),
        recorded=raw["recorded"] is True,
        starts_at=_number(raw["starts_at"]),
        ends_at=_number(raw["ends_at"]),
    )
    if not _PART_NAME.fullmatch(part.file) or not _SHA256.fullmatch(part.sha256):
        raise ValueError(f"names a part {part.file!r} that this version does not write")
    return part


def _span(raw: dict[str, Any]) -> Span:
    return Span(_text(raw["source"]), _number(raw["starts_at"]), _number(raw["ends_at"]))


def _finding(raw: dict[str, Any]) -> Finding:
    rate = raw["rate"]
    return Finding(
        error_id=_text(raw["error_id"]),
        wording=_text(raw["wording"]),
        key=_text(raw["key"]),
        mean=_number(raw["mean"], -2.0, 2.0),
        std=_number(raw["std"], 1e-6, 2.0),
        kind=Kind(raw["kind"]),
        threshold=_number(raw["threshold"], 0.0, 1_000.0),
        wanted=_number(raw["wanted"], 0.0),
        rate=None if rate is None else Rate(*(_number(rate[f.name], 0.0) for f in fields(Rate))),
        hours=_number(raw["hours"], 0.0),
        held=raw["held"] is True,
    )


def _list(raw: object, most: int) -> list[Any]:
    if not isinstance(raw, list) or len(raw) > most:
        raise ValueError("holds something else than a list, or too long a one")
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"holds {raw!r} in the place of a text")
    return raw


def _number(raw: object, least: float = -1e12, most: float = 1e12) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not least <= raw <= most:
        raise ValueError(f"holds {raw!r} in the place of a number from {least:g} to {most:g}")
    return float(raw)


def _whole(raw: object, least: int, most: int) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
        raise ValueError(f"holds {raw!r} in the place of a whole number from {least} to {most}")
    return raw
