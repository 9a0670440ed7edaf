"""When scores become an event: what the step and its form on whole arrays share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from agent.descriptions import DetectionPolicy


@dataclass(frozen=True, slots=True)
class Rule:
    """When scores become an event, apart from the threshold."""

    hits: int
    """Hits that start an event: windows at or over the threshold."""
    windows: int
    """Latest windows among which they have to be. Also how many quiet windows end an event."""
    hysteresis: float
    """An event goes on while a window is at most this far below the threshold."""
    cooldown_s: float
    """After an event has ended, no other starts for this long."""
    update_s: float = 30.0
    """A lasting event is reported again after this long."""

    def __post_init__(self) -> None:
        """Refuse a rule that could never start or never end an event."""
        if not 1 <= self.hits <= self.windows:
            message = f"hits must be from 1 to windows, not {self.hits} of {self.windows}"
            raise ValueError(message)
        if not self.hysteresis >= 0.0:
            raise ValueError(f"hysteresis must be at least 0, not {self.hysteresis}")

    @classmethod
    def of(cls, policy: DetectionPolicy) -> Self:
        """The rule of a description."""
        return cls(policy.hits.hits, policy.hits.windows, policy.hysteresis, policy.cooldown_s)


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule with its threshold: when one description's scores become an event."""

    threshold_on: float
    """A window at or over this score is a hit."""
    rule: Rule

    @property
    def threshold_off(self) -> float:
        """An event goes on while a window is at or over this score."""
        return self.threshold_on - self.rule.hysteresis
