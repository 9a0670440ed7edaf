"""Windows that wait for inference: bounded, the oldest dropped first, every drop counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.records import Window


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

    def put(self, windows: list[Window]) -> None:
        """Add windows; where there is no room the oldest go, since the news matters most."""
        if not windows:
            return
        with self._changed:
            self._windows.extend(windows)
            while len(self._windows) > self._limit:
                self._windows.popleft()
                self._dropped += 1
            self._changed.notify()

    def take(self, limit: int, timeout_s: float) -> list[Window]:
        """Up to ``limit`` windows, oldest first; empty after ``timeout_s`` without any."""
        with self._changed:
            self._changed.wait_for(lambda: self._windows or self._closed, timeout_s)
            return [self._windows.popleft() for _ in range(min(limit, len(self._windows)))]

    def close(self) -> None:
        """Let a waiting ``take`` return at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
