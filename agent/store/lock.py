"""One agent to a state folder: a lock that ends with the process, however that ends."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.core import folders
from agent.core.errors import StateInUseError, StoreError, failing_as, reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCK_NAME = "agent.lock"

_MODE = 0o640
_MOST_DIGITS = 20

_log = logging.getLogger(__name__)


class FolderLock:
    """Keeps a second agent off a folder. Commands that only look, or write a line, need none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._descriptor = -1
        self._close: Callable[[], object] = lambda: None

    def take(self) -> None:
        """Hold the lock from now on; nothing happens where it is held already.

        Raises:
            StateInUseError: another agent holds it.
            StoreError: its file cannot be made.
        """
        if self._is_there():
            return
        with failing_as(
            StoreError, self._path, "make state_dir a folder that this user may write to"
        ):
            folders.make(self._path.parent)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                # Some file systems of networks know no locks: two agents are a mistake, not to
                # keep anything is a loss.
                extra = {"file": str(self._path), "reason": reason(error)}
                _log.warning("state_folder_not_locked", extra=extra)
                return
            raise StateInUseError(
                f"{self._path.parent}: another agent ({holder}) uses this state folder; stop it "
                "(systemctl stop kikimimi), or give this one a state_dir and a node of its own"
            ) from None
        self.release()
        self._descriptor = descriptor
        # Whoever forgets to release it holds it no longer than they live.
        self._close = weakref.finalize(self, os.close, descriptor)
        with suppress(OSError):  # on a full disk the lock holds without a name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let another agent have the folder."""
        self._close()
        self._descriptor = -1

    def _is_there(self) -> bool:
        """Whether it is held, by the file that is in the folder: another agent would find that."""
        try:
            return self._descriptor >= 0 and os.path.samestat(
                os.fstat(self._descriptor), self._path.stat()
            )
        except OSError:
            return False


def holder_of(folder: Path) -> str | None:
    """Which agent uses a folder now, such as ``process 123``; ``None`` if none does.

    Makes nothing and takes nothing, so that any user may ask who can read the folder.

    Raises:
        StoreError: it cannot be told.
    """
    path = folder / LOCK_NAME
    remedy = "ask as a user who may read it (sudo)"
    with failing_as(StoreError, path, remedy):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(descriptor)
        finally:
            os.close(descriptor)
    return None


def _holder(descriptor: int) -> str:
    """Which process holds the lock, as it has told."""
    with suppress(OSError):
        written = os.pread(descriptor, _MOST_DIGITS, 0).strip()
        if written.isdigit():
            return f"process {written.decode('ascii')}"
    return "its process is not known"
