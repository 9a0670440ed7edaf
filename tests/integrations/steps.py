"""How long the steps of a page of docs take, so that the page can say so."""

from __future__ import annotations

import time


class Steps:
    """From its making on, one step after the other."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()
        self._taken: list[tuple[str, float]] = []

    def done(self, step: str) -> None:
        """A step ends; the next one begins."""
        now_s = time.monotonic()
        self._taken.append((step, now_s - self._begun_s))
        self._begun_s = now_s

    def __str__(self) -> str:
        return "\n".join(f"{step}: {taken_s:.1f} s" for step, taken_s in self._taken)
