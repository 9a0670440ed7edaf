"""Views of an archive's windows, kept as Parquet: one file a recording, in 16-bit floats."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from agent.archive.writing import keeping
from agent.core import files, folders
from agent.core.errors import ArchiveError, failing_as
from agent.core.names import shown
from agent.core.records import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray, Window

View: TypeAlias = Literal["joint", "acoustic"]
VIEWS: tuple[View, View] = ("joint", "acoustic")
SCHEMA = 1
MANIFEST = "archive.json"
_ENDING = ".views.parquet"
_GROUP = 4_096  # windows that are held until they are written
_NAME = 24  # hexadecimal digits of the path's SHA-256


@dataclass(frozen=True, slots=True)
class Place:
    """A window of a recording; times are seconds from its start."""

    file: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Part:
    """The windows of one recording, as they lie in the archive."""

    path: Path
    stamp: str
    """Size and time of the file: another one where it was written anew."""
    windows: int

    @property
    def name(self) -> str:
        """Of its file."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive of views holds."""

    schema: int
    bundle: str
    """Digest of the bundle that made the views, ``sha256:…``."""
    bundle_name: str
    joint: int
    """Numbers of each joint view."""
    acoustic: int


@dataclass(frozen=True, slots=True)
class ViewArchive:
    """A folder of views, all of them by one bundle."""

    folder: Path
    manifest: Manifest

    @classmethod
    def begin(cls, folder: Path, bundle: Bundle) -> Self:
        """The archive in a folder, made if there is none.

        Raises:
            ArchiveError: it is another bundle's, or cannot be made.
        """
        path = folder / MANIFEST
        if path.is_file():
            return cls.open(folder, bundle)
        sizes = (bundle.manifest.embedding_size, bundle.manifest.acoustic_size)
        manifest = Manifest(SCHEMA, bundle.digest, bundle.title, *sizes)
        with failing_as(ArchiveError, folder, "name a folder that can be written with --embed"):
            folders.make(folder)
            files.write_text(path, json.dumps(asdict(manifest), indent=2) + "\n")
        return cls(folder, manifest)

    @classmethod
    def open(cls, folder: Path, bundle: Bundle) -> Self:
        """The archive in a folder.

        Raises:
            ArchiveError: there is none, or it is another bundle's.
        """
        path = folder / MANIFEST
        with failing_as(ArchiveError, path, "name the folder of kikimimi scan --embed"):
            text = path.read_text(encoding="utf-8", errors="replace")
        try:
            manifest = Manifest(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise ArchiveError(f"{path}: is no archive's; scan it anew with --embed") from error
        if manifest.bundle != bundle.digest:
            raise ArchiveError(
                f"{folder}: was embedded by bundle {manifest.bundle_name} "
                f"({manifest.bundle[:19]}), not by {bundle.title} ({bundle.digest[:19]}); "
                "name that one with --bundle, or scan into another folder"
            )
        return cls(folder, manifest)

    def size(self, view: View) -> int:
        """Numbers of each row of a view."""
        return self.manifest.joint if view == "joint" else self.manifest.acoustic

    def part_of(self, recording: Path) -> Path:
        """Where the views of a recording lie."""
        name = hashlib.sha256(str(recording).encode("utf-8", "surrogateescape")).hexdigest()
        return self.folder / f"{name[:_NAME]}{_ENDING}"

    def parts(self) -> list[Part]:
        """All recordings whose views are there, by name.

        Raises:
            ArchiveError: one cannot be read.
        """
        found = []
        for path in sorted(self.folder.glob("*" + _ENDING)):
            with _readable(path):
                status = path.stat()
                rows = parquet.read_metadata(path).num_rows
            found.append(Part(path, f"{status.st_size}-{status.st_mtime_ns}", rows))
        return found

    def rows(self, part: Part, view: View) -> Iterator[FloatArray]:
        """A view of a part's windows, some at a time, float32, ``(windows, size)``.

        Raises:
            ArchiveError: it cannot be read.
        """
        with _readable(part.path), parquet.ParquetFile(part.path) as file:
            for batch in file.iter_batches(_GROUP, columns=[view]):
                halves = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                yield halves.astype(np.float32).reshape(-1, self.size(view))

    def places(self, part: Part) -> list[Place]:
        """Which windows a part holds, in their order.

        Raises:
            ArchiveError: it cannot be read.
        """
        with _readable(part.path):
            table = parquet.read_table(part.path, columns=["file", "start", "end"])
            return [Place(**row) for row in table.to_pylist()]


@contextmanager
def writing(
    archive: ViewArchive, recording: Path
) -> Iterator[Callable[[Sequence[Window], Views], None]]:
    """Write the views of one recording, whole or not at all.

    Args:
        archive: where they go.
        recording: whose they are; its former views stay until these are safe.

    Yields:
        What takes windows with their views, in their order.

    Raises:
        ArchiveError: they cannot be written.
    """
    path, sizes = archive.part_of(recording), (archive.manifest.joint, archive.manifest.acoustic)
    schema = pa.schema(
        [
            ("file", pa.dictionary(pa.int32(), pa.string())),
            ("start", pa.float64()),
            ("end", pa.float64()),
            *(
                (view, pa.list_(pa.float16(), size))
                for view, size in zip(VIEWS, sizes, strict=True)
            ),
            ("bundle", pa.dictionary(pa.int32(), pa.string())),
        ]
    )
    with (
        keeping(path),
        files.replacing(path, shared=True) as file,
        parquet.ParquetWriter(
            file, schema, compression="zstd", use_dictionary=["file", "bundle"]
        ) as writer,
    ):
        rows = _Rows(writer, shown(recording), archive.manifest.bundle)
        yield rows.add
        rows.flush()


@dataclass(slots=True)
class _Rows:
    """Rows that wait until there are enough of them to be written at once."""

    writer: parquet.ParquetWriter
    file: str
    bundle: str
    spans: list[tuple[float, float]] = field(default_factory=list)
    views: list[Views] = field(default_factory=list)

    def add(self, windows: Sequence[Window], views: Views) -> None:
        self.spans += [(window.captured_at, window.ends_at) for window in windows]
        self.views.append(views.astype(np.float16))
        if len(self.spans) >= _GROUP:
            self.flush()

    def flush(self) -> None:
        if not self.spans:
            return
        count, together = len(self.spans), Views.concatenate(self.views)
        zeros = pa.array(np.zeros(count, np.int32))
        starts, ends = zip(*self.spans, strict=True)
        columns = [
            pa.DictionaryArray.from_arrays(zeros, [self.file]),
            pa.array(starts),
            pa.array(ends),
            *(_lists(rows) for rows in (together.joint, together.acoustic)),
            pa.DictionaryArray.from_arrays(zeros, [self.bundle]),
        ]
        self.writer.write_table(pa.Table.from_arrays(columns, schema=self.writer.schema))
        self.spans.clear()
        self.views.clear()


def _lists(rows: FloatArray) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell which file is damaged.

    Raises:
        ArchiveError: one is.
    """
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArchiveError(
            f"{path}: cannot be read ({found}); delete it and its journal, and scan again"
        ) from error
