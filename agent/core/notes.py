"""Notes on a file that is valid and hardly says what was meant: how they are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.errors import Problem

_log = logging.getLogger(__name__)

_MOST_TOLD = 20
"""Of a file that is in another language as a whole."""


def lines(notes: Sequence[Problem]) -> list[str]:
    """A line for each note, and one that counts those that were left out."""
    listed = [str(note) for note in notes[:_MOST_TOLD]]
    if len(notes) > _MOST_TOLD:
        listed.append(f"{len(notes) - _MOST_TOLD} more notes; kikimimi check tells them all")
    return listed


def log(event: str, notes: Sequence[Problem]) -> None:
    """Log notes where there are any."""
    if notes:
        _log.warning(event, extra={"notes": "\n".join(lines(notes))})
