"""WAV headers that do not tell how long the sound is, put right.

A recorder that lost its power leaves the length at 0; a program that writes into a pipe cannot
know it, and writes 0, the highest number or something near 2 GiB. All that follows is sound then.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

ENDLESS_BYTES = 0x7FFF_0000
"""A length from which on a WAV's header is not believed where the file is shorter."""
LONGEST_BYTES = 0xFFFF_FFFF
"""What a WAV's header can tell at most."""

_RIFF, _RF64 = b"RIFF", b"RF64"
_FIRST_CHUNK, _CHUNK_HEADER_BYTES = 12, 8
_DS64_BYTES = 24
# Where damage makes chunks of nothing, the walk over them ends.
_MOST_CHUNKS = 10_000


class PatchedFile(io.RawIOBase):
    """A file of which some bytes read as others."""

    def __init__(self, path: Path, patches: dict[int, bytes]) -> None:
        """Args: of the file, and what stands at which offsets instead."""
        self._file = path.open("rb")
        self._patches = patches

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # any buffer
        """As of any file, with the patches in it."""
        start = self._file.tell()
        count = self._file.readinto(buffer)
        view = memoryview(buffer).cast("B")
        for offset, patch in self._patches.items():
            first, last = max(start, offset), min(start + count, offset + len(patch))
            if first < last:
                view[first - start : last - start] = patch[first - offset : last - offset]
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class UntoldLength:
    """A WAV file whose header does not tell its length."""

    sound_bytes: int
    """From the header to the end of the file."""
    patches: dict[int, bytes]
    """What the header has to say instead, by offset."""


def untold_length(path: Path) -> UntoldLength | None:
    """Look at a header; ``None`` where it tells a length, or is no WAV's.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(_FIRST_CHUNK)
        if start[:4] not in {_RIFF, _RF64} or start[8:] != b"WAVE":
            return None
        position, ds64, stated = _FIRST_CHUNK, None, None
        for _ in range(_MOST_CHUNKS):
            name, size = _chunk(file, position)
            position += _CHUNK_HEADER_BYTES
            if name == b"data":
                stated = size
                break
            if name == b"ds64" and size >= _DS64_BYTES and start[:4] == _RF64:
                ds64 = position
            position += size + size % 2
        rest = end - position
        if stated is None or rest <= 0:
            return None
        if ds64 is not None:
            file.seek(ds64 + 8)
            (stated,) = struct.unpack("<Q", file.read(8))
        empty = stated == 0 and _are_chunks(file, position, end)
        if empty or rest >= stated > 0 or 0 < stated < ENDLESS_BYTES:
            return None
        if ds64 is not None:
            return UntoldLength(rest, {ds64: struct.pack("<QQ", end - 8, rest)})
        return UntoldLength(rest, {position - 4: struct.pack("<I", min(rest, LONGEST_BYTES))})


def _chunk(file: BinaryIO, position: int) -> tuple[bytes, int]:
    """Name and length of the chunk at a position; no name behind the end of the file."""
    file.seek(position)
    header = file.read(_CHUNK_HEADER_BYTES)
    return header[:4], int.from_bytes(header[4:], "little")


def _are_chunks(file: BinaryIO, position: int, end: int) -> bool:
    """Whether all of the rest of a file is chunks, so that there is no sound indeed."""
    while position < end:
        name, size = _chunk(file, position)
        if not (name.isascii() and name.decode("ascii").isprintable() and name):
            return False
        position += _CHUNK_HEADER_BYTES + size + size % 2
    return position - end <= 1
