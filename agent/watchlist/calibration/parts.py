"""The background as it is kept: the views of each window, a kilobyte, and its time.

Embeddings rather than scores, so that a description that is reworded tomorrow is calibrated on
what was heard today; embeddings rather than sound, so that nobody's words are kept. In half
precision a cosine is off by less than 0.001.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from agent.core.errors import StoreError, failing_as
from agent.core.records import Views
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.index import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from agent.core.records import Window
    from agent.detector.events import Seconds
    from agent.watchlist.calibration.index import Index

FOLDER = "calibration"
PART_ROWS = 1_200
"""Windows of a part: ten minutes at the usual hop."""
KEEP_HOURS = 60.0
"""What is kept at most, the latest: enough to count out one false alarm a day."""

_LENGTH_TOLERANCE = 0.01
_REMEDY = "run 'kikimimi calibrate --fresh'"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Windows of one part, without those that are left out."""

    part: Part
    position_s: Seconds
    """Start of each in its stream."""
    starts_at: Seconds
    """UTC, or seconds from the start of a recording."""
    views: Views
    """Float32, shape ``(windows, dim)``."""


def stretches(folder: Path, index: Index) -> Iterator[Stretch]:
    """What was heard, part by part, streams one after the other.

    Args:
        folder: the state folder.
        index: of the calibration in it.

    Raises:
        StoreError: a part is missing, damaged or not what the index says.
    """
    order = {part.stream: number for number, part in reversed(list(enumerate(index.parts)))}
    for part in sorted(index.parts, key=lambda part: order[part.stream]):
        stretch = _read(
            folder / FOLDER / part.file, part, (index.embedding_size, index.acoustic_size)
        )
        kept = np.ones(len(stretch.starts_at), bool)
        for span in index.excluded:
            if span.source == part.source:
                inside = stretch.starts_at >= span.starts_at
                kept &= ~(inside & (stretch.starts_at <= span.ends_at))
        if kept.all():
            yield stretch
        elif kept.any():
            yield Stretch(
                part, stretch.position_s[kept], stretch.starts_at[kept], stretch.views[kept]
            )


def _read(path: Path, part: Part, sizes: tuple[int, int]) -> Stretch:
    with failing_as(StoreError, path, _REMEDY):
        raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != part.sha256:
        raise StoreError(f"{path}: is not what was written; {_REMEDY}")
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
            position_s, starts_at = archive["position_s"], archive["starts_at"]
            views = Views(archive["embeddings"], archive["acoustic"]).astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path}: cannot be read ({error}); {_REMEDY}") from error
    times = position_s.shape == starts_at.shape == (part.rows,)
    shapes = [views.joint.shape, views.acoustic.shape]
    if not times or shapes != [(part.rows, size) for size in sizes]:
        found = f"{shapes[0]} and {shapes[1]}, not {part.rows} rows of {sizes[0]} and {sizes[1]}"
        raise StoreError(f"{path}: holds views of shape {found}; {_REMEDY}")
    sane = np.isfinite(position_s).all() and np.isfinite(starts_at).all()
    sane = sane and (np.diff(position_s) > 0.0).all()
    for view in (views.joint, views.acoustic):
        lengths = np.linalg.norm(view, axis=1)
        sane = sane and (np.abs(lengths - 1.0) <= _LENGTH_TOLERANCE).all()
    if not sane:
        raise StoreError(f"{path}: holds no unit views in order of time; {_REMEDY}")
    return Stretch(part, position_s, starts_at, views)


@dataclass(slots=True)
class _Open:
    """A part that is being filled."""

    windows: list[tuple[float, float]] = field(default_factory=list)
    views: list[Views] = field(default_factory=list)
    number: int = 0


class PartWriter:
    """Writes parts as windows come in; each is safe on disk before the index names it."""

    def __init__(
        self, folder: Path, index: Index, now: Callable[[], float], keep_hours: float = KEEP_HOURS
    ) -> None:
        """Go on with a calibration.

        Args:
            folder: the state folder.
            index: what is known so far; without parts for a fresh one.
            now: UTC, seconds since the epoch.
            keep_hours: of all sources; what is older goes.
        """
        self._folder = folder
        self._now = now
        self._keep_rows = round(keep_hours * 3_600.0 / index.hop_s * index.sources)
        self._open: dict[tuple[str, str, bool], _Open] = {}
        self.index = index
        """As it was last written."""
        if index.hearing:
            self.forget(index.hearing)

    def take(
        self,
        stream: str,
        windows: Sequence[Window],
        views: Views,
        rate_hz: int,
        *,
        recorded: bool = False,
    ) -> None:
        """Keep windows of a stream.

        Raises:
            StoreError: they cannot be written.
        """
        for row, window in enumerate(windows):
            key = (stream, window.source, recorded)
            part = self._open.setdefault(key, _Open())
            part.windows.append((window.index / rate_hz, window.captured_at))
            part.views.append(views[row : row + 1].astype(np.float16))
            if len(part.windows) >= PART_ROWS:
                self._write(key, part, hearing=stream if recorded else "")

    def finish(self, stream: str | None = None) -> None:
        """Write what a stream, or each, has not filled.

        Raises:
            StoreError: it cannot be written.
        """
        for key in [key for key in self._open if stream in (None, key[0])]:
            part = self._open[key]
            if part.windows:
                self._write(key, part)
            elif self.index.hearing == key[0]:
                self.save(replace(self.index, hearing=""))
            del self._open[key]

    def forget(self, stream: str) -> None:
        """Keep nothing of a stream: a recording that was cut off is heard again as a whole.

        Raises:
            StoreError: the index cannot be written.
        """
        self._open = {key: part for key, part in self._open.items() if key[0] != stream}
        parts = tuple(part for part in self.index.parts if part.stream != stream)
        if parts != self.index.parts or self.index.hearing:
            self.save(replace(self.index, parts=parts, hearing=""))

    def save(self, index: Index) -> None:
        """Write the index, then delete the parts that it no longer names.

        Raises:
            StoreError: it cannot be written.
        """
        indices.write(self._folder, index)
        self.index = index
        named = {part.file for part in index.parts}
        for path in (self._folder / FOLDER).glob("*.npz*"):
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _write(self, key: tuple[str, str, bool], filled: _Open, hearing: str = "") -> None:
        stream, source, recorded = key
        buffer = io.BytesIO()
        position_s, starts_at = np.array(filled.windows, np.float64).T
        views = Views.concatenate(filled.views)
        np.savez(
            buffer,
            position_s=position_s,
            starts_at=starts_at,
            embeddings=views.joint,
            acoustic=views.acoustic,
        )
        data = buffer.getvalue()
        file = f"{stream}-{filled.number:05}.npz"
        indices.write_whole(self._folder / FOLDER / file, data)
        part = Part(
            file=file,
            sha256=hashlib.sha256(data).hexdigest(),
            rows=len(views),
            stream=stream,
            source=source,
            recorded=recorded,
            starts_at=float(starts_at[0]),
            ends_at=float(starts_at[-1]),
        )
        self._open[key] = _Open(number=filled.number + 1)
        parts = [*self.index.parts, part]
        # The latest count: a hall changes.
        rows = sum(part.rows for part in parts)
        while len(parts) > 1 and (rows > self._keep_rows or len(parts) > indices.MOST_PARTS):
            rows -= parts.pop(0).rows
        made_at = self._now()
        self.save(replace(self.index, parts=tuple(parts), hearing=hearing, made_at=made_at))
