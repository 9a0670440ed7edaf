"""Files written whole or not at all: what stood there stays until the new one is safe."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED = ".new"
"""How the name of a file ends while it is written; one that was left so was cut off."""


@contextmanager
def replacing(
    path: Path, mode: int = 0o666, *, shared: bool = False, durable: bool = True
) -> Iterator[BinaryIO]:
    """Write a file in the place of another, which stays as it was where the ``with`` raises.

    Args:
        path: of the file, in a folder that is there.
        mode: of the file, without what the process's mask takes away.
        shared: whether several processes may write it at the same time; the last one wins.
        durable: whether it has to be whole after a power cut too, which takes its time.

    Raises:
        OSError: it cannot be written.
    """
    name = f"{path.name}.{secrets.token_hex(4)}" if shared else path.name
    unfinished = path.with_name(name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield cast("BinaryIO", file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if durable:
        _keep_name(path.parent)


def write_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file as :func:`replacing` does."""
    with replacing(path, mode) as file:
        file.write(data)


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a text in UTF-8, its line breaks as they are, as :func:`replacing` does."""
    write_bytes(path, text.encode(), mode)


def _keep_name(folder: Path) -> None:
    """Have the disk know that a file in the folder is another one now."""
    # The file is there all the same where a folder cannot be read, or a network's disk refuses.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
