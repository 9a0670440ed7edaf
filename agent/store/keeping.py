"""How the box goes on keeping while the disk does not: in memory, until it does again.

What the disk refuses (full, read-only, damaged, gone) waits in a store in memory. Every few
seconds the disk is tried again; once it takes it all, it holds it all. Messages keep their
order on the way: those on the disk are older than those in memory. A process that ends while
the disk refuses takes with it what it could not write, so that state is never shown as ``ok``.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from agent.core.errors import StateInUseError, StoreError
from agent.store import FolderLock, Merged, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from agent.core.clock import Clock
    from agent.core.records import Alert, OutboxMessage

_Found = TypeVar("_Found")

RETRY_S = 5.0
"""How long to wait before the disk is tried again."""

# Sequence numbers are handed out with the place that they belong to in front: each opening of the
# database is another, and each database in memory. An answer to a message of one that was
# replaced meanwhile must not delete one of its successor's.
_PLACE = 1 << 40

_log = logging.getLogger(__name__)


class Keeping:
    """A store on disk with one in memory behind it. Safe to use from several threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Open the database in a folder, or begin in memory.

        Args:
            folder: for the database; made if missing.
            clock: tells when to try again.

        Raises:
            StateInUseError: another agent keeps what it hears in it.
        """
        self._folder = folder
        self._folder_lock = FolderLock(folder)
        self._clock = clock
        self._lock = threading.RLock()
        self._places = count()
        self._memory = Store.in_memory()
        self._memory_place = next(self._places)
        self._disk: Store | None = None
        self._place = 0
        self._forgotten: set[str] = set()
        """Alerts whose clips were deleted, which the disk could not be told."""
        self._writes = 0
        self._acknowledged: set[int] = set()
        """Messages on the disk that arrived, which it could not be told."""
        self._left_over: list[Alert] = []
        self._refused_at_s = 0.0
        self.trouble = ""
        """Why the disk does not keep what comes, and what to do; empty if it does."""
        self.errors = 0
        """Times that it began to refuse."""
        try:
            self._open()
        except StateInUseError:
            self._memory.close()
            raise
        except StoreError as error:
            self._refused("store_unusable", error)

    def waiting(self, limit: int = 100, without: Collection[str] = ()) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            limit: at most so many.
            without: topics to leave out.
        """
        with self._lock:
            older = self._on_disk(limit, without)
            newer = self._memory.waiting(limit=limit - len(older), without=without)
            return [
                replace(one, sequence=place * _PLACE + one.sequence)
                for place, messages in ((self._place, older), (self._memory_place, newer))
                for one in messages
            ]

    def _on_disk(self, limit: int, without: Collection[str]) -> list[OutboxMessage]:
        if self._disk is None:
            return []
        gone = self._acknowledged
        try:
            found = self._disk.waiting(limit=limit + len(gone), without=without)
        except StoreError as error:
            self._unreadable(error)
            return []
        return [one for one in found if one.sequence not in gone][:limit]

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        with self._lock:
            in_memory = []
            for place, sequence in (divmod(one, _PLACE) for one in sequences):
                if place == self._memory_place:
                    in_memory.append(sequence)
                elif place == self._place:
                    self._acknowledged.add(sequence)
            self._memory.delivered(in_memory)
            if self._disk is None or not self._acknowledged or self.trouble:
                return
            try:
                self._forget_acknowledged(self._disk)
            except StoreError as error:
                self._refused("store_failed", error)

    def depth(self) -> int:
        """How many messages wait."""
        with self._lock:
            depth = self._memory.depth()
            if self._disk is not None:
                try:
                    depth += max(0, self._disk.depth() - len(self._acknowledged))
                except StoreError as error:
                    self._unreadable(error)
            return depth

    def take_unfinished(self) -> list[Alert]:
        """Alerts of the run before that have not ended, oldest first; each is given once."""
        with self._lock:
            alerts, self._left_over = self._left_over, []
            return alerts

    @property
    def version(self) -> tuple[int, int]:
        """Another one after each change, also by another process; never goes back."""
        with self._lock:
            if self._disk is None or self.trouble:
                return self._writes, -1
            try:
                return self._writes, self._disk.others_changes
            except StoreError as error:
                self._unreadable(error)
                return self._writes, -1

    @property
    def readable(self) -> bool:
        """Whether all that was ever kept can be looked up now."""
        with self._lock:
            return self._disk is not None

    def mend(self) -> bool:
        """Try the disk again where it refuses and the time has come; whether it works again."""
        with self._lock:
            if not self.trouble or self._clock.monotonic() - self._refused_at_s < RETRY_S:
                return False
            self._refused_at_s = self._clock.monotonic()
            try:
                self._take_back()
            except StoreError as error:
                # The reason may be another than at first.
                self.trouble = _told(error)
                return False
            self.trouble = ""
            _log.info("store_usable", extra={"folder": str(self._folder)})
            return True

    def close(self) -> None:
        """Close the database; what was committed is safe without it."""
        with self._lock:
            if self.trouble and (lost := self._memory.depth()):
                _log.error("store_lost_messages", extra={"messages": lost, "reason": self.trouble})
            self._memory.close()
            if self._disk is not None:
                self._disk.close()
            self._folder_lock.release()

    def _open(self) -> None:
        self._folder_lock.take()
        disk = Store.open(self._folder)
        first = self._place == 0
        try:
            if first:
                self._left_over = disk.unfinished()
        except StoreError:
            disk.close()
            raise
        if self._disk is not None:
            if self._disk.gone:  # it can still be read, but nobody will find it again
                with suppress(StoreError):
                    disk.absorb(self._disk)
            self._disk.close()
        self._disk = disk
        self._place = next(self._places)
        self._acknowledged.clear()

    def _take_back(self) -> None:
        """Write to the disk what waits in memory, and have it forget what has arrived."""
        if self._disk is not None:
            try:
                self._forget_acknowledged(self._disk)
                self._disk.absorb(self._memory, self._forgotten)
            except StoreError:
                pass  # its file may be another one by now
            else:
                self._begin_anew_in_memory()
                return
        self._open()
        if self._disk is not None:
            self._disk.absorb(self._memory, self._forgotten)
            self._begin_anew_in_memory()

    def _begin_anew_in_memory(self) -> None:
        """All of it is on the disk."""
        self._memory.close()
        self._memory = Store.in_memory()
        self._memory_place = next(self._places)
        self._forgotten.clear()
        self._writes += 1

    def _write(self, write: Callable[[Store], _Found]) -> _Found:
        """Do it on the disk, or in memory where that refuses."""
        with self._lock:
            self._writes += 1
            if self._disk is not None and not self.trouble:
                try:
                    return write(self._disk)
                except StoreError as error:
                    self._refused("store_failed", error)
            # What comes after something in memory has to wait behind it.
            return write(self._memory)

    def _read(self, read: Callable[[Merged], _Found]) -> _Found:
        """Look it up in both, or in memory alone where the disk cannot be read."""
        with self._lock:
            try:
                return read(Merged(self._memory, self._disk, self._forgotten))
            except StoreError as error:
                self._unreadable(error)
                return read(Merged(self._memory, None))

    def _forget_acknowledged(self, disk: Store) -> None:
        disk.delivered(self._acknowledged)
        self._acknowledged.clear()

    def _unreadable(self, error: StoreError) -> None:
        """Do without a database that cannot even be read."""
        if self._disk is not None:
            self._disk.close()
        self._disk = None
        self._refused("store_failed", error)

    def _refused(self, event: str, error: StoreError) -> None:
        self.errors += 1
        self.trouble = _told(error)
        self._refused_at_s = self._clock.monotonic()
        _log.error(event, extra={"reason": str(error)})


def _told(error: StoreError) -> str:
    return f"{error}; alerts are kept in memory until then"
