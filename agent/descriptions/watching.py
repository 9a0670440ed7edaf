"""Tells when ``descriptions.yaml`` has changed, however it is saved.

Polling, because it works with every editor, with rename, with symbolic links (Kubernetes'
ConfigMaps) and on network shares, where notifications do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from agent.config import yaml_tree as yamlfile
from agent.core.errors import DescriptionsError, Problem
from agent.descriptions.reading import digest, parse

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.clock import Clock
    from agent.descriptions.records import DescriptionSet

SETTLE_S = 0.3
"""A save counts once the content has stayed the same for this long."""
REREAD_S = 10.0
"""The content is looked at this often even if the file's dates say that it is the same."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The file holds a valid set that was not reported yet."""

    descriptions: DescriptionSet


@dataclass(frozen=True, slots=True)
class Rejected:
    """The file is gone or wrong; what was in force goes on."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read: the bytes, or why there are none."""

    data: bytes | None
    problems: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """Equal for equal contents."""
        return "\n".join(map(str, self.problems)) if self.data is None else digest(self.data)


_Stamp: TypeAlias = tuple[int, ...] | None


class DescriptionsFile:
    """One file, looked at again and again; reports each content once."""

    def __init__(self, path: Path, clock: Clock, current: DescriptionSet | None) -> None:
        """Watch a file.

        Args:
            path: the file, or a link to it.
            clock: only its monotonic time is used.
            current: the set in force, which is not reported again; ``None`` if there is none.
        """
        self._path = path
        self._clock = clock
        self._reported = current.digest if current else None
        self._pending: tuple[str, float] | None = None
        """A content that was not reported yet, and from when on it will count as stable."""
        self._stamp: _Stamp = None
        self._read_at_s = float("-inf")

    def poll(self) -> Changed | Rejected | None:
        """What became of the file since the last call; costs one ``stat`` if nothing did.

        A content is reported once it was the same in two calls at least ``SETTLE_S`` apart, so
        that a file in the middle of being written is left alone.
        """
        now_s = self._clock.monotonic()
        stamp = self._stat()
        fresh = now_s - self._read_at_s < REREAD_S
        if stamp == self._stamp and self._pending is None and fresh:
            return None
        self._stamp = stamp
        self._read_at_s = now_s
        content = self._read()
        if content.key == self._reported:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != content.key:
            self._pending = (content.key, now_s + SETTLE_S)
            return None
        if now_s < self._pending[1]:
            return None
        return self._report(content)

    def reload(self) -> Changed | Rejected:
        """What the file holds now, whether it has changed or not (SIGHUP, ``cmd/reload``)."""
        self._stamp = self._stat()
        self._read_at_s = self._clock.monotonic()
        return self._report(self._read())

    def _stat(self) -> _Stamp:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def _read(self) -> _Content:
        problems: list[Problem] = []
        return _Content(yamlfile.read(self._path, problems), tuple(problems))

    def _report(self, content: _Content) -> Changed | Rejected:
        self._pending = None
        self._reported = content.key
        if content.data is None:
            return Rejected(content.problems)
        try:
            return Changed(parse(content.data, self._path))
        except DescriptionsError as error:
            return Rejected(error.problems)
