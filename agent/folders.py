"""Names that come from outside, and the folders that they must not leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def inside(folder: Path, name: str) -> Path | None:
    """The file that a name means in a folder, links followed; ``None`` where it leaves it."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
