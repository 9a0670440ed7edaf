"""Hands what happens to every browser that listens (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOST_LISTENERS = 64

_WAITING = 200
"""Events; a browser that is further behind is cut off, and loads everything again."""
_SIGN_OF_LIFE_S = 15.0
_RETRY = b"retry: 1000\n\n"


class Listener:
    """One browser."""

    def __init__(self, *, scores: bool) -> None:
        self.scores = scores
        """Whether it wants the scores of every window too."""
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        """``None``: it is over."""


class Hub:
    """All listening browsers. Used by the event loop's thread alone."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no more may listen."""
        return len(self._listeners) >= MOST_LISTENERS

    def tell(self, event: str, data: Any, *, score: bool = False) -> None:
        """Send an event to all, or to those that want scores."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        message = f"event: {event}\ndata: {text}\n\n".encode()
        for listener in list(self._listeners):
            if score and not listener.scores:
                continue
            try:
                listener.events.put_nowait(message)
            except asyncio.QueueFull:
                self._listeners.discard(listener)
                listener.events.get_nowait()
                listener.events.put_nowait(None)

    async def follow(self, listener: Listener) -> AsyncIterator[bytes]:
        """What to send to a browser, until it goes or all is over."""
        self._listeners.add(listener)
        try:
            yield _RETRY
            while not self._closed:
                try:
                    message = await asyncio.wait_for(listener.events.get(), _SIGN_OF_LIFE_S)
                except TimeoutError:
                    message = b": still here\n\n"
                if message is None:
                    return
                yield message
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End all streams, so that the server can end."""
        self._closed = True
        for listener in self._listeners:
            while listener.events.full():
                listener.events.get_nowait()
            listener.events.put_nowait(None)
