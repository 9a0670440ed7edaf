"""What attaches to a box from outside of its data path, and is told what the box listens for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent.run.parts import BoxParts
    from agent.watchlist.watchlist import Watchlist

_log = logging.getLogger(__name__)


class Attachment(Protocol):
    """Used by the pipeline's thread, which it must not keep waiting."""

    def listening_for(self, watch: Watchlist) -> None:
        """Another watchlist is in force from now on."""

    def figures(self) -> Mapping[str, int]:
        """What it tells of itself now, by name in health."""


Attach: TypeAlias = "Callable[[BoxParts], Attachment | None]"
"""Attaches to a box before it connects to its broker; ``None`` where the site wants none of it."""


class Attachments:
    """All of a box. One that fails is logged: the box goes on listening."""

    def __init__(self, attach: Iterable[Attach], parts: BoxParts) -> None:
        self._all: list[Attachment] = []
        for one in attach:
            try:
                made = one(parts)
            except Exception:
                _log.exception("attachment_failed", extra={"attachment": one.__module__})
            else:
                self._all += [] if made is None else [made]

    def listening_for(self, watch: Watchlist) -> None:
        """Tell each what is listened for."""
        for one in self._all:
            try:
                one.listening_for(watch)
            except Exception:
                _log.exception("attachment_failed", extra={"attachment": type(one).__name__})

    def figures(self) -> dict[str, int]:
        """What they tell of themselves now, by name in health."""
        return {name: figure for one in self._all for name, figure in one.figures().items()}
