"""Descriptions that a person has silenced for a while.

A mute keeps back new alerts only: one that is going on is told to its end, and a sound that still
goes on when the mute is over becomes an alert then. What is kept back is counted and logged.
A mute ends by itself, and with the process: a restart forgets all of them.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.core.records import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.core.clock import Clock
    from agent.core.records import Detection

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mute:
    """One silenced description, or all of them."""

    error_id: str | None
    """``None``: all descriptions."""
    until_s: float
    """Monotonic time: a jump of the wall clock neither ends nor prolongs it."""
    until_at: float
    """UTC as it was reckoned when the mute began, for people."""
    operator: str | None


class Mutes:
    """What is silenced now. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._mutes: dict[str | None, Mute] = {}
        self._kept_back: set[tuple[str, str]] = set()
        self.count = 0
        """Alerts that were kept back."""

    def mute(self, error_id: str | None, duration_s: float, operator: str | None = None) -> None:
        """Silence a description, or all (``None``), from now on; 0 s ends its mute, or all."""
        mute = Mute(
            error_id,
            self._clock.monotonic() + duration_s,
            self._clock.now() + duration_s,
            operator,
        )
        with self._lock:
            if duration_s > 0:
                self._mutes[error_id] = mute
            elif error_id is None:
                self._mutes.clear()
            else:
                self._mutes.pop(error_id, None)

    @property
    def active(self) -> tuple[Mute, ...]:
        """The mutes that last, the one of all descriptions first."""
        now_s = self._clock.monotonic()
        with self._lock:
            self._mutes = {key: one for key, one in self._mutes.items() if now_s < one.until_s}
            return tuple(sorted(self._mutes.values(), key=lambda one: one.error_id or ""))

    def silences(self, error_id: str) -> bool:
        """Whether a new alert of a description is kept back."""
        return any(one.error_id in (None, error_id) for one in self.active)

    def pass_on(self, detections: Iterable[Detection]) -> Iterator[Detection]:
        """Detections without what is kept back."""
        for detection in detections:
            key = (detection.source, detection.error_id)
            if detection.step is Step.NEW and self.silences(detection.error_id):
                self._kept_back.add(key)
                self.count += 1
                _log.info("alert_muted", extra={"error_id": key[1], "source": key[0]})
            elif detection.step is Step.NEW or key not in self._kept_back:
                self._kept_back.discard(key)
                yield detection
            elif detection.step is Step.END:
                self._kept_back.discard(key)
            elif not self.silences(detection.error_id):
                self._kept_back.discard(key)
                yield replace(detection, step=Step.NEW)
