"""The files that a scan has heard, one line each: what makes it go on where it was.

Each line carries its own checksum. A line that was cut off, by a kill or a full disk, counts for
nothing: its file is heard again. Of a file that was heard twice the last line counts.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from agent.archive.records import SCHEMA, FileRecord, Identity
from agent.archive.writing import keeping
from agent.core.errors import ArchiveError, failing_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDING = ".journal"
_MODE = 0o640
_CHECKSUM = 8  # hexadecimal digits of CRC-32


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the record of a file stands, and what tells whether it is still of that file."""

    offset: int
    size_bytes: int
    modified_ns: int
    failed: bool


class Journal:
    """An open journal; no other scan can open it meanwhile."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._places: dict[str, _Place] = {}
        self._end = 0
        self.damaged = 0
        """Lines that were not whole, of files that are heard again."""

    @classmethod
    def open(cls, path: Path, identity: Identity) -> Self:
        """Open a journal, or begin one.

        Args:
            path: of the journal.
            identity: of the scan.

        Raises:
            ArchiveError: another scan has it open, it is one of another identity, or it cannot be
                read or written.
        """
        with failing_as(ArchiveError, path, "name an --out that can be written"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _MODE)
        journal = cls(path, descriptor)
        try:
            journal._lock()
            journal._read(identity)
        except BaseException:
            journal.close()
            raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another scan open it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __len__(self) -> int:
        return len(self._places)

    def heard(self, path: Path) -> bool:
        """Whether a file was heard to its end, and is the same still."""
        place = self._places.get(str(path))
        if place is None or place.failed:
            return False
        try:
            found = path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (place.size_bytes, place.modified_ns)

    def add(self, record: FileRecord) -> None:
        """Keep what is known of a file: all of it or, where the disk is full, nothing.

        Raises:
            ArchiveError: it cannot be kept.
        """
        offset = self._append(asdict(record))
        self._know(record, offset)

    def records(self) -> Iterator[FileRecord]:
        """All files in the order of their paths, the last record of each."""
        for _, place in sorted(self._places.items()):
            yield FileRecord.from_json(self._line(place.offset))

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise ArchiveError(
                    f"{self.path}: another scan writes it; wait for its end or name another --out"
                ) from None
            # Some file systems of networks know no locks; to refuse them would help nobody.

    def _read(self, identity: Identity) -> None:
        """Know what stands there; begins with the identity where nothing does."""
        first = True
        for offset, values in self._lines():
            if first:
                self._check(values, identity)
                first = False
                continue
            try:
                record = FileRecord.from_json(values)
            except TypeError:
                self.damaged += 1
            else:
                self._know(record, offset)
        if first:
            if self._end > 0 or self.damaged:
                with keeping(self.path):
                    os.ftruncate(self._descriptor, 0)
                self._end = self.damaged = 0
            self._append(asdict(identity))

    def _check(self, values: dict[str, Any], identity: Identity) -> None:
        """Refuse a journal of another identity.

        Raises:
            ArchiveError: it is one.
        """
        remedy = "name another --out, or delete it to begin anew"
        if values.get("schema") != SCHEMA:
            raise ArchiveError(f"{self.path}: was made by another version of kikimimi; {remedy}")
        try:
            before = Identity(**values)
        except TypeError as error:
            raise ArchiveError(f"{self.path}: is no journal of a scan; {remedy}") from error
        if differs := before.unlike(identity):
            raise ArchiveError(f"{self.path}: {differs}; {remedy}")

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Whole lines with where they begin; cuts off what follows the last line break."""
        offset = 0
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            for line in file:
                if line.endswith(b"\n"):
                    try:
                        yield offset, _parsed(line)
                    except ValueError:
                        self.damaged += 1
                    offset += len(line)
        self._end = offset
        with keeping(self.path):
            os.ftruncate(self._descriptor, offset)

    def _line(self, offset: int) -> dict[str, Any]:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(offset)
            return _parsed(file.readline())

    def _append(self, values: dict[str, Any]) -> int:
        """Write a line; where it begins."""
        # Names that are no UTF-8 are written as JSON's escapes, and read back as they were.
        text = json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        line = b"%08x %b\n" % (zlib.crc32(text), text)
        with keeping(self.path):
            try:
                written = 0
                while written < len(line):
                    written += os.pwrite(self._descriptor, line[written:], self._end + written)
            except OSError:
                os.ftruncate(self._descriptor, self._end)
                raise
        offset = self._end
        self._end += len(line)
        return offset

    def _know(self, record: FileRecord, offset: int) -> None:
        self._places[record.path] = _Place(
            offset, record.size_bytes, record.modified_ns, failed=bool(record.error)
        )


def of(out: Path) -> Path:
    """Where the journal of a table of alerts lies: beside it."""
    return out.with_name(out.name + ENDING)


def _parsed(line: bytes) -> dict[str, Any]:
    """What a line holds.

    Raises:
        ValueError: it is not as it was written.
    """
    text = line[_CHECKSUM + 1 : -1]
    if line[: _CHECKSUM + 1] != b"%08x " % zlib.crc32(text):
        raise ValueError("damaged")
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("no object")  # noqa: TRY004 # of the file, not of the program
    return values
