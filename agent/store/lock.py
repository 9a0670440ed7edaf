"""One agent to a state folder: a lock that ends with the process, however that ends."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from agent import folders
from agent.errors import StateInUseError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "agent.lock"

_MODE = 0o640
_MOST_DIGITS = 20

_log = logging.getLogger(__name__)


class FolderLock:
    """Keeps a second agent off a folder. Commands that only look, or write a line, need none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Hold the lock from now on; nothing happens where it is held already.

        Raises:
            StateInUseError: another agent holds it.
            StoreError: its file cannot be made.
        """
        if self._file is not None and self._is_there(self._file):
            return
        try:
            folders.make(self._path.parent)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE)
            file = os.fdopen(descriptor, "r+b", buffering=0)
        except OSError as error:
            message = (
                f"{self._path}: {error.strerror or error}; "
                "make state_dir a folder that this user may write to"
            )
            raise StoreError(message) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(file)
            file.close()
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                # Some file systems of networks know no locks: two agents are a mistake, not to
                # keep anything is a loss.
                _log.warning(
                    "state_folder_not_locked",
                    extra={"file": str(self._path), "reason": error.strerror},
                )
                return
            raise StateInUseError(
                f"{self._path.parent}: another agent ({holder}) uses this state folder; stop it "
                "(systemctl stop kikimimi), or give this one a state_dir and a node of its own"
            ) from None
        self.release()
        self._file = file
        with suppress(OSError):  # on a full disk the lock holds without a name
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Let another agent have the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_there(self, file: IO[bytes]) -> bool:
        """Whether its file still is the one in the folder: another agent would find another."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except OSError:
            return False


def _holder(file: IO[bytes]) -> str:
    """Which process holds the lock, as it has told."""
    with suppress(OSError):
        told = file.read(_MOST_DIGITS).strip()
        if told.isdigit():
            return f"process {told.decode('ascii')}"
    return "its process is not known"
