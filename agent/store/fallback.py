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
from agent.core.reasons import Reason
from agent.store.lock import FolderLock
from agent.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from agent.core.clock import Clock
    from agent.core.records import Alert, OutboxMessage

_Found = TypeVar("_Found")
_Otherwise = TypeVar("_Otherwise")

RETRY_S = 5.0
"""How long to wait before the disk is tried again."""

# Sequence numbers are handed out with the place that they belong to in front: each opening of the
# database is another, and each database in memory. An answer to a message of one that was
# replaced meanwhile must not delete one of its successor's.
_PLACE = 1 << 40

_log = logging.getLogger(__name__)


class MemoryFallback:
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
        self.lock = threading.RLock()
        """Held over several steps that must see the same; may be taken again within."""
        self._places = count()
        self.memory = Store.in_memory()
        """What the disk did not take, which is newer than all that is on it."""
        self._memory_place = next(self._places)
        self._disk: Store | None = None
        self._place = 0
        self.forgotten: set[str] = set()
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
            self.memory.close()
            raise
        except StoreError as error:
            self._refused("store_unusable", error)

    def waiting(self, limit: int = 100, without: Collection[str] = ()) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            limit: at most so many.
            without: topics to leave out.
        """
        with self.lock:
            gone = self._acknowledged
            most = limit + len(gone)
            found = self.on_disk(lambda disk: disk.waiting(limit=most, without=without), ())
            older = [message for message in found if message.sequence not in gone][:limit]
            newer = self.memory.waiting(limit=limit - len(older), without=without)
            return [
                replace(message, sequence=place * _PLACE + message.sequence)
                for place, messages in ((self._place, older), (self._memory_place, newer))
                for message in messages
            ]

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        with self.lock:
            in_memory = []
            for place, sequence in (divmod(sequence, _PLACE) for sequence in sequences):
                if place == self._memory_place:
                    in_memory.append(sequence)
                elif place == self._place:
                    self._acknowledged.add(sequence)
            self.memory.delivered(in_memory)
            if self._disk is None or not self._acknowledged or self.trouble:
                return
            try:
                self._forget_acknowledged(self._disk)
            except StoreError as error:
                self._refused("store_failed", error)

    def depth(self) -> int:
        """How many messages wait."""
        with self.lock:
            on_disk = self.on_disk(lambda disk: disk.depth(), 0)
            return self.memory.depth() + max(0, on_disk - len(self._acknowledged))

    def take_unfinished(self) -> list[Alert]:
        """Alerts of the run before that have not ended, oldest first; each is given once."""
        with self.lock:
            alerts, self._left_over = self._left_over, []
            return alerts

    @property
    def version(self) -> tuple[int, int]:
        """Another one after each change, also by another process; never goes back."""
        with self.lock:
            if self.trouble:
                return self._writes, -1
            return self._writes, self.on_disk(lambda disk: disk.others_changes, -1)

    @property
    def readable(self) -> bool:
        """Whether all that was ever kept can be looked up now."""
        with self.lock:
            return self._disk is not None

    def retry_disk(self) -> bool:
        """Try the disk again where it refuses and the time has come; whether it works again."""
        with self.lock:
            if not self.trouble or self._clock.monotonic() - self._refused_at_s < RETRY_S:
                return False
            self._refused_at_s = self._clock.monotonic()
            try:
                self._take_back()
            except StoreError as error:
                # The reason may be another than at first.
                self.trouble = _trouble(error)
                return False
            self.trouble = ""
            _log.info("store_usable", extra={"folder": str(self._folder)})
            return True

    def close(self) -> None:
        """Close the database; what was committed is safe without it."""
        with self.lock:
            if self.trouble and (lost := self.memory.depth()):
                _log.error("store_lost_messages", extra={"messages": lost, "reason": self.trouble})
            self.memory.close()
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
                self._disk.absorb(self.memory, self.forgotten)
            except StoreError:
                pass  # its file may be another one by now
            else:
                self._begin_anew_in_memory()
                return
        self._open()
        if self._disk is not None:
            self._disk.absorb(self.memory, self.forgotten)
            self._begin_anew_in_memory()

    def _begin_anew_in_memory(self) -> None:
        """All of it is on the disk."""
        self.memory.close()
        self.memory = Store.in_memory()
        self._memory_place = next(self._places)
        self.forgotten.clear()
        self._writes += 1

    def write(self, write: Callable[[Store], _Found]) -> _Found:
        """Do it on the disk, or in memory where that refuses."""
        with self.lock:
            self._writes += 1
            if self._disk is not None and not self.trouble:
                try:
                    return write(self._disk)
                except StoreError as error:
                    self._refused("store_failed", error)
            # What comes after something in memory has to wait behind it.
            return write(self.memory)

    def on_disk(
        self, look: Callable[[Store], _Found], otherwise: _Otherwise
    ) -> _Found | _Otherwise:
        """Look it up on the disk alone; ``otherwise`` where that cannot be read."""
        with self.lock:
            if self._disk is None:
                return otherwise
            try:
                return look(self._disk)
            except StoreError as error:
                self._unreadable(error)
                return otherwise

    def first(self, look: Callable[[Store], _Found | None]) -> _Found | None:
        """Look it up in memory, then on the disk."""
        with self.lock:
            found = look(self.memory)
            return self.on_disk(look, None) if found is None else found

    def both(self, look: Callable[[Store], Sequence[_Found]]) -> list[_Found]:
        """Look it up on the disk and in memory: what is older comes first, and may come twice."""
        with self.lock:
            return [*self.on_disk(look, ()), *look(self.memory)]

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
        self.trouble = _trouble(error)
        self._refused_at_s = self._clock.monotonic()
        _log.error(event, extra={"reason": str(error)})


def _trouble(error: StoreError) -> str:
    refused = Reason.given(str(error), "store_refuses")
    return Reason.joined([refused, Reason.of("store_in_memory")])
