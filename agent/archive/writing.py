"""Files of an archive are written whole or not at all, and a full disk loses nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.core.errors import ArchiveError, KikimimiError, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FREE_IT = "free the disk and type the same again: what was finished stays"


@contextmanager
def keeping(path: Path) -> Iterator[None]:
    """Tell why a file of the archive cannot be written, and that nothing is lost.

    Raises:
        ArchiveError: in place of an ``OSError`` of the operating system; our own pass.
    """
    try:
        yield
    except KikimimiError:  # some are OSErrors: of a sound file that cannot be read
        raise
    except OSError as error:
        raise ArchiveError(f"{path}: {reason(error)}; {FREE_IT}") from error
