"""What the box tells of itself, put together for the link: states, levels, health, config."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.alerts import timestamp
from agent.health import Counters, Health, State
from agent.records import SourceState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.capture.supervisor import SourceStatus
    from agent.clock import Clock
    from agent.config import PublishSettings
    from agent.mqtt import Link
    from agent.records import Match
    from agent.topics import Topics

SCHEMA = 1
_RECENTLY_S = 60.0


@dataclass(slots=True)
class Tally:
    """What the pipeline counts itself."""

    windows: int = 0
    alerts: int = 0
    reloads: int = 0
    reloads_rejected: int = 0
    store_errors: int = 0
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a health report is made of."""

    state: State
    bundle: str
    descriptions: str
    sources: Sequence[SourceStatus]
    tally: Tally
    windows_dropped: int
    suppressed: int
    outbox_depth: int
    store_trouble: str
    config_error: str


@dataclass(slots=True)
class Reporter:
    """Publishes what changed, and health at least as often as the site asks."""

    link: Link | None
    """``None`` where MQTT is switched off."""
    topics: Topics
    settings: PublishSettings
    clock: Clock
    version: str = field(default_factory=lambda: version("kikimimi"))
    _started_s: float = 0.0
    _health_due_s: float = 0.0
    _level_due_s: float = 0.0
    _said: tuple[object, ...] = ()
    _dropped: int = 0
    _dropped_until_s: float = 0.0

    def __post_init__(self) -> None:
        """The uptime counts from here."""
        self._started_s = self.clock.monotonic()

    def report(self, snapshot: Snapshot) -> None:
        """Publish states, levels and health where they are due."""
        now_s = self.clock.monotonic()
        health = self._health(snapshot, now_s)
        if self.link is None:
            return
        for status in snapshot.sources:
            self.link.state(self.topics.source_state(status.source), status.state.value)
        if now_s >= self._level_due_s:
            self._level_due_s = now_s + self.settings.level_interval_s
            for status in snapshot.sources:
                self.link.live(self.topics.source_level(status.source), _level(status))
        said = (health.state, dict(health.reasons), dict(health.sources), health.descriptions)
        if said != self._said or now_s >= self._health_due_s:
            self._said = said
            self._health_due_s = now_s + self.settings.health_interval_s
            self.link.state(self.topics.health, health.to_json())

    def config(self, descriptions: str, count: int, loaded_at: float, error: str | None) -> None:
        """Publish which descriptions are in force, and why the latest were refused."""
        if self.link is None:
            return
        payload = {
            "schema": SCHEMA,
            "descriptions": descriptions,
            "count": count,
            "loaded_at": timestamp(loaded_at),
            "error": error,
        }
        self.link.state(self.topics.config_state, json.dumps(payload, ensure_ascii=False))

    def scores(self, match: Match) -> None:
        """Publish the scores of one window."""
        if self.link is None:
            return
        payload = {
            "schema": SCHEMA,
            "source": match.source,
            "ts_start": timestamp(match.captured_at),
            "ts_end": timestamp(match.captured_at + match.duration_s),
            "scores": {name: round(score, 3) for name, score in match.scores().items()},
        }
        self.link.live(self.topics.scores, json.dumps(payload, ensure_ascii=False))

    def _health(self, snapshot: Snapshot, now_s: float) -> Health:
        reasons = self._reasons(snapshot, now_s)
        state = snapshot.state
        if state is State.OK and reasons:
            state = State.DEGRADED
        captured = [status.counters for status in snapshot.sources]
        tally = snapshot.tally
        link = None if self.link is None else self.link.status
        counters = Counters(
            windows=tally.windows,
            windows_dropped=snapshot.windows_dropped,
            overflows=sum(one.overflows for one in captured),
            dropped_samples=sum(one.dropped_samples for one in captured),
            non_finite_samples=sum(one.non_finite_samples for one in captured),
            alerts=tally.alerts,
            suppressed=snapshot.suppressed,
            reloads=tally.reloads,
            reloads_rejected=tally.reloads_rejected,
            messages_delivered=link.delivered if link else 0,
            messages_refused=link.refused if link else 0,
            live_discarded=link.live_discarded if link else 0,
            store_errors=tally.store_errors,
        )
        return Health(
            state=state,
            reasons=reasons,
            version=self.version,
            bundle=snapshot.bundle,
            descriptions=snapshot.descriptions,
            lag_s=tally.lag_s,
            clock_synced=self.clock.synced(),
            outbox_depth=snapshot.outbox_depth,
            uptime_s=now_s - self._started_s,
            sources={status.source: status.state.value for status in snapshot.sources},
            counters=counters,
        )

    def _reasons(self, snapshot: Snapshot, now_s: float) -> dict[str, str]:
        reasons = {
            f"source {status.source}": status.reason
            for status in snapshot.sources
            if status.state is not SourceState.OK
        }
        if self.link is not None and self.link.status.reason:
            reasons["broker"] = self.link.status.reason
        if snapshot.store_trouble:
            reasons["store"] = snapshot.store_trouble
        if snapshot.config_error:
            reasons["descriptions"] = snapshot.config_error
        if snapshot.windows_dropped > self._dropped:
            self._dropped = snapshot.windows_dropped
            self._dropped_until_s = now_s + _RECENTLY_S
        if now_s < self._dropped_until_s:
            reasons["inference"] = (
                f"{self._dropped} windows dropped since the start; this machine is too slow for "
                "windows.hop_s and its sources"
            )
        return reasons


def _level(status: SourceStatus) -> str:
    """Level in dBFS with one decimal, ``null`` on digital silence."""
    return "null" if status.level_dbfs is None else f"{status.level_dbfs:.1f}"
