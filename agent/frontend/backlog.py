"""Windows that wait for inference: bounded, the oldest dropped first, every drop counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.core.records import Window


class Backlog:
    """A bounded queue between the listeners' threads and the one that scores."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: deque[Window] = deque()
        self._dropped = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def dropped(self) -> int:
        """Windows dropped because inference was too slow."""
        with self._changed:
            return self._dropped

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        with self._changed:
            return not self._windows

    def holds(self, source: str) -> bool:
        """Whether windows of a source wait."""
        with self._changed:
            return any(window.source == source for window in self._windows)

    def put(self, windows: list[Window], *, wait: bool = False) -> None:
        """Add windows; where there is no room the oldest go, since the news matters most.

        Args:
            windows: in the order of time.
            wait: for room instead: the sound is in no hurry (a file that is read as fast as it
                can be scored).
        """
        if not windows:
            return
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: len(self._windows) < self._limit or self._closed)
            self._windows.extend(windows)
            while len(self._windows) > self._limit and not wait:
                self._windows.popleft()
                self._dropped += 1
            self._changed.notify_all()

    def take(self, limit: int, timeout_s: float) -> list[Window]:
        """Up to ``limit`` windows, oldest first; empty after ``timeout_s`` without any."""
        with self._changed:
            self._changed.wait_for(lambda: self._windows or self._closed, timeout_s)
            taken = [self._windows.popleft() for _ in range(min(limit, len(self._windows)))]
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Let a waiting ``take`` return at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
