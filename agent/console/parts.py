"""What the console is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.console.board import Board
    from agent.console.box import Box
    from agent.console.editor import Editor
    from agent.console.hub import Hub
    from agent.console.passwords import Password
    from agent.console.ratings import Ratings
    from agent.console.sessions import Sessions
    from agent.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """What the console is made of."""

    settings: Settings
    clock: Clock
    board: Board
    box: Box
    hub: Hub
    editor: Editor
    ratings: Ratings | None
    """``None`` where there is nothing to rate."""
    sessions: Sessions
    password: Password
    setup_token: str | None
    """With it a password may be set up; ``None`` where none is needed or there is one."""
