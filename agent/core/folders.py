"""Names that come from outside, the folders that they must not leave, and who may write there."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODE = 0o750

_log = logging.getLogger(__name__)


def close_new_files() -> None:
    """From now on nothing that this process or its children make can be written by others."""
    os.umask(os.umask(0o022) | 0o022)


def make(folder: Path) -> None:
    """Make a folder, and those above it that are missing, closed to others.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(mode=_MODE, exist_ok=True)


def open_to_others(folder: Path) -> Iterator[Path]:
    """What others may write in a folder, without the folder itself."""
    for parent, names, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*names, *files)):
            try:
                mode = path.lstat().st_mode
            except OSError:  # gone meanwhile
                continue
            if mode & stat.S_IWOTH and not stat.S_ISLNK(mode):
                yield path


def close_to_others(folder: Path) -> None:
    """Take from others the right to write what lies in a folder, as an older version left it."""
    for path in list(open_to_others(folder)):
        extra = {"path": str(path)}
        try:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~stat.S_IWOTH)
        except OSError as error:  # it belongs to somebody else
            extra["reason"] = reason(error)
            _log.warning("state_open_to_others", extra=extra)
        else:
            _log.warning("state_closed_to_others", extra=extra)


def inside(folder: Path, name: str) -> Path | None:
    """The file that a name means in a folder, links followed; ``None`` where it leaves it."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
