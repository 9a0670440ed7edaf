"""What a test attaches to a box, to look at it while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.run.attachment import Attachment

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.core.records import Match
    from agent.run.health import Health
    from agent.run.parts import BoxParts


@dataclass
class Watcher(Attachment):
    """Hands every scored window to a test; is its own ``Attach``."""

    on_match: Callable[[Match], None]
    health: Health | None = None
    """The last report."""

    def __call__(self, _parts: BoxParts) -> Watcher:
        """Attach to any box."""
        return self

    def scored(self, match: Match) -> None:
        """A window was scored."""
        self.on_match(match)

    def reported(self, health: Health) -> None:
        """The box was looked at."""
        self.health = health
