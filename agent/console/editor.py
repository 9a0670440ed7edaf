"""The descriptions file: shown, checked while somebody writes, and saved whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import stat
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.config import yaml_tree as yamlfile
from agent.core import files
from agent.core.errors import DescriptionsError, Problem, StoreError, failing_as
from agent.core.reasons import Reason
from agent.descriptions import parse
from agent.descriptions.language import foreign
from agent.descriptions.reading import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.descriptions import DescriptionSet

BACKUP = ".previous"
"""What the name of the file before the last save ends in."""

_MOST_TOLD = 50
_LINE = re.compile(r":(\d+)(?: |$)")


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say of a text."""

    problems: tuple[dict[str, Any], ...]
    entries: tuple[dict[str, Any], ...]
    """The descriptions, where nothing is wrong."""
    digest: str
    notes: tuple[dict[str, Any], ...] = ()
    """What is valid and hardly meant."""


class ConflictError(Exception):
    """Somebody else has saved meanwhile."""


class Editor:
    """One descriptions file. Safe to use from several threads."""

    def __init__(
        self, path: Path, threshold: float, languages: Sequence[str] = ("en", "ja")
    ) -> None:
        """Edit a file.

        Args:
            path: the file, or a link to it.
            threshold: of descriptions that leave it to the box (``auto``).
            languages: that the bundle was made for.
        """
        self._path = path
        self._threshold = threshold
        self._languages = languages
        self._lock = threading.Lock()

    def load(self) -> dict[str, Any]:
        """The file as it stands: ``text``, ``digest``, ``name``, whether it can be saved."""
        problems: list[Problem] = []
        data = yamlfile.read(self._path, problems)
        shown = {"name": self._path.name, "writable": self._writable(), "text": "", "digest": ""}
        if data is None:
            listed = [_view(problem, str(self._path)) for problem in problems]
            return {**shown, "problems": listed, "notes": [], "entries": []}
        text = data.decode("utf-8", "replace")
        checked = self.check(text)
        return {
            **shown,
            "text": text,
            "digest": digest(data),
            "problems": checked.problems,
            "notes": checked.notes,
            "entries": checked.entries,
        }

    def check(self, text: str) -> Checked:
        """What is wrong with a text, each with its line."""
        data = text.encode("utf-8", "replace")
        if len(data) > yamlfile.MAX_BYTES:
            found = f"is larger than {yamlfile.MAX_BYTES >> 20} MiB"
            problem = Problem(str(self._path), found, "shorten it or split the site")
            return Checked((_view(problem, str(self._path)),), (), digest(data))
        try:
            described = parse(data, self._path)
        except DescriptionsError as error:
            problems = tuple(
                _view(problem, str(self._path)) for problem in error.problems[:_MOST_TOLD]
            )
            return Checked(problems, (), digest(data))
        notes = [*described.notes, *foreign(described, self._languages)]
        return Checked(
            (),
            tuple(self._entries(described)),
            digest(data),
            tuple(_view(note, str(self._path)) for note in notes[:_MOST_TOLD]),
        )

    def save(self, text: str, base: str) -> str:
        """Replace the file; the one before stays beside it.

        Args:
            text: what it is to hold.
            base: digest of the file that was edited.

        Returns:
            the digest of the new file.

        Raises:
            ValueError: something is wrong with the text.
            ConflictError: the file is another one by now.
            StoreError: it cannot be written.
        """
        if problems := self.check(text).problems:
            count, line = len(problems), problems[0]["line"]
            raise ValueError(Reason.of("text_problems", count=count, line=str(line)))
        data = text.encode("utf-8")
        with self._lock:
            found: list[Problem] = []
            before = yamlfile.read(self._path, found)
            if before is None or digest(before) != base:
                raise ConflictError
            with failing_as(
                StoreError, self._path, "give the console's user the right to write in its folder"
            ):
                self._write(data)
        return digest(data)

    def _write(self, data: bytes) -> None:
        path = self._path.resolve(strict=True)  # what a link stands for; the link stays
        status = path.stat()
        with files.replacing(path, 0o600) as out:
            out.write(data)
            os.fchmod(out.fileno(), stat.S_IMODE(status.st_mode))
            with suppress(PermissionError):  # only root may give a file away
                os.fchown(out.fileno(), status.st_uid, status.st_gid)
            shutil.copy2(path, path.with_name(f"{path.name}{BACKUP}"))

    def _writable(self) -> bool:
        try:
            folder = self._path.resolve(strict=True).parent
        except OSError:
            return False
        return os.access(folder, os.W_OK) and os.access(self._path, os.W_OK)

    def _entries(self, described: DescriptionSet) -> Sequence[dict[str, Any]]:
        return [
            {
                "id": error.error_id,
                "text": error.text,
                "severity": error.severity.value,
                "threshold": self._threshold
                if error.policy.threshold is None
                else error.policy.threshold,
                "auto": error.policy.threshold is None,
                "enabled": error.enabled,
                "line": _line(error.where),
            }
            for error in described.errors
        ]


def _view(problem: Problem, name: str) -> dict[str, Any]:
    where = problem.where.removeprefix(name)
    return {
        "line": _line(where),
        "where": re.sub(r"^:\d+ ?", "", where),
        # Where it is wrong twice, the other place is told by its line too.
        "found": problem.found.replace(f"{name}:", "line "),
        "remedy": problem.remedy.replace(f"{name}:", "line "),
    }


def _line(where: str) -> int | None:
    found = _LINE.search(where)
    return int(found[1]) if found else None
