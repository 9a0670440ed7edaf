"""Keeps alerts and their messages also while the disk does not: in memory, until it does again.

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
from typing import TYPE_CHECKING

from agent.errors import StoreError
from agent.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from agent.clock import Clock
    from agent.records import Alert, OutboxMessage

RETRY_S = 5.0
"""How long to wait before the disk is tried again."""

# Sequence numbers are handed out with the place that they belong to in front: memory is 0, each
# opening of the database another. An answer to a message of a database that was replaced
# meanwhile must not delete one of its successor's.
_PLACE = 1 << 40

_log = logging.getLogger(__name__)


class Keeper:
    """The store of one box, which never fails. Safe to use from several threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Open the database in a folder, or begin in memory.

        Args:
            folder: for the database; made if missing.
            clock: tells when to try again.
        """
        self._folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._memory = Store.in_memory()
        self._disk: Store | None = None
        self._place = 0
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
        except StoreError as error:
            self._refused("store_unusable", error)

    def record(self, alert: Alert, messages: Collection[tuple[str, str]]) -> None:
        """Keep an alert as it now stands, and the (topic, payload) that tell of it."""
        with self._lock:
            if self._disk is not None and not self.trouble:
                try:
                    self._disk.record(alert, messages)
                except StoreError as error:
                    self._refused("store_failed", error)
                else:
                    return
            # What comes after something in memory has to wait behind it.
            self._memory.record(alert, messages)

    def waiting(self, limit: int = 100, without: Collection[str] = ()) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            limit: at most so many.
            without: topics to leave out.
        """
        with self._lock:
            messages = [
                replace(one, sequence=self._place * _PLACE + one.sequence)
                for one in self._on_disk(limit, without)
            ]
            return messages + self._memory.waiting(limit=limit - len(messages), without=without)

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
                if not place:
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

    def _open(self) -> None:
        disk = Store.open(self._folder)
        try:
            if not self._place:
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
        self._place += 1
        self._acknowledged.clear()

    def _take_back(self) -> None:
        """Write to the disk what waits in memory, and have it forget what has arrived."""
        if self._disk is not None:
            try:
                self._disk.absorb(self._memory)
                self._forget_acknowledged(self._disk)
            except StoreError:
                pass  # its file may be another one by now
            else:
                return
        self._open()
        if self._disk is not None:
            self._disk.absorb(self._memory)

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
