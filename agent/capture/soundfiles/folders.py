"""The sound files among files and folders that a person named, and what was passed over."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.capture.soundfiles.kinds import ENDINGS
from agent.core.errors import AudioFileError
from agent.core.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk over folders came to."""

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]
    """What stands in the folders and is not taken: other endings, links to folders, and folders
    that may not be read."""


def passed_over_lines(paths: Sequence[Path]) -> list[str]:
    """For people: how many files of each ending were passed over, and the names of the first."""
    if not paths:
        return []
    kinds = Counter(shown(path.suffix.lower()) or "without an ending" for path in paths)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    lines = [f"passed over, by their endings no sound files: {len(paths)} ({counts})"]
    lines += [f"  {shown(path)}" for path in paths[:_MOST_NAMED]]
    if len(paths) > _MOST_NAMED:
        lines.append(f"  and {len(paths) - _MOST_NAMED} more")
    return lines


def find_sounds(named: Sequence[Path]) -> Found:
    """The sound files among files and folders; a folder's in the order of their names.

    A file that is named itself is taken whatever its ending.

    Raises:
        AudioFileError: one is not there, is no file, or a folder holds no sound file.
    """
    files: list[Path] = []
    passed_over: list[Path] = []
    for path in named:
        if path.is_dir():
            inside, others = _walked(path)
            if not inside:
                raise AudioFileError(
                    f"{path}: holds no sound file ({', '.join(sorted(ENDINGS))}), but "
                    f"{len(others)} other files; name another folder"
                )
            files += inside
            passed_over += others
        elif path.is_file():
            files.append(path)
        elif path.exists():
            raise AudioFileError(f"{path}: not a file; name a sound file or a folder of them")
        else:
            raise AudioFileError(f"{path}: no such file; name a sound file or a folder of them")
    return Found(tuple(files), tuple(passed_over))


def _walked(folder: Path) -> tuple[list[Path], list[Path]]:
    """The sound files below a folder, and what else is there; links to folders stay closed."""
    files: list[Path] = []
    others: list[Path] = []

    def closed(error: OSError) -> None:
        others.append(Path(os.fsdecode(error.filename)))

    for where, folders, names in os.walk(folder, onerror=closed):
        paths = [Path(where, name) for name in names]
        others += [Path(where, name) for name in folders if Path(where, name).is_symlink()]
        for path in paths:
            is_sound = path.suffix.lower() in ENDINGS and path.is_file()
            (files if is_sound else others).append(path)
    return sorted(files), sorted(others)
