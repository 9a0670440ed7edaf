"""How long to wait before the next attempt: twice as long each time, within a cap, with jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Backoff:
    """Pauses between attempts, in seconds.

    Jitter keeps a factory's boxes from knocking all at once after a power cut.
    """

    first_s: float
    longest_s: float
    chance: Callable[[], float] = random.random
    """A number from 0 to 1."""
    _ceiling_s: float = field(default=0.0, init=False)

    def next(self) -> float:
        """The next pause: from half of it to all of what this attempt may wait."""
        self._ceiling_s = min(2 * self._ceiling_s or self.first_s, self.longest_s)
        return self._ceiling_s * (0.5 + 0.5 * self.chance())

    def reset(self) -> None:
        """Start again: the attempt succeeded."""
        self._ceiling_s = 0.0
