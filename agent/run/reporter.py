"""What the box tells of itself, put together for the link: states, levels, health, config."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp
from agent.alerts.open_alerts import OpenAlertsPublisher
from agent.capture.source import SourceCounters
from agent.clips.memory import MemoryTally
from agent.clips.tally import ClipTally
from agent.core import notes
from agent.core.reasons import Reason
from agent.core.records import SourceState
from agent.mqtt import LinkStatus
from agent.mqtt.messages import level_payload
from agent.run.commands import CommandTally
from agent.run.health import Health, Signal, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.capture.supervisor import SourceStatus
    from agent.config import PublishSettings
    from agent.core.clock import Clock
    from agent.core.records import Match
    from agent.detector.mutes import Mute
    from agent.mqtt import Link
    from agent.mqtt.topics import Topics
    from agent.run.tally import Tally
    from agent.store.box import BoxStore
    from agent.watchlist.watchlist import Watchlist

SCHEMA = 1
_RECENTLY_S = 60.0
_MOST_BYTES = 32 << 10
"""Of the thresholds of very many descriptions: a broker may refuse what is twice as large."""
_NUMBER = re.compile(r"[0-9.]+")
_BACKGROUND = {"calibration": "calibration_trouble", "background": "background_shifted"}
"""Codes of what the background's watch tells, by part."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a health report is made of."""

    state: State
    bundle: str
    descriptions: str
    sources: Sequence[SourceStatus]
    tally: Tally
    windows_dropped: int
    """Windows that inference was too slow for."""
    suppressed: int
    """Events that a cooldown kept back."""
    config_error: str
    outbox_depth: int = 0
    store_trouble: str = ""
    mutes: Sequence[Mute] = ()
    muted: int = 0
    """Alerts that a mute kept back."""
    commands: CommandTally = field(default_factory=CommandTally)
    verdicts: int = 0
    """Answers to alerts that were kept."""
    verdicts_undone: int = 0
    """Of these, taken back by whoever gave them."""
    open_alerts: int = 0
    notify_errors: int = 0
    """Messages that the service manager did not take."""
    background: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with calibration and background, by part."""
    clips: ClipTally = field(default_factory=ClipTally)
    memory: MemoryTally = field(default_factory=MemoryTally)
    missed: int = 0
    """Sounds that people reported because they had raised no alert."""
    taught: int = 0
    """Sounds that people taught."""
    troubles: Mapping[str, Reason] = field(default_factory=dict)
    """What is wrong with what attaches to the box, by part."""
    attached: Mapping[str, int] = field(default_factory=dict)
    """What the attachments tell of themselves now, by name."""


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
    _watch: Watchlist | None = None
    _config: tuple[float, str | None] | None = None
    _publisher: OpenAlertsPublisher = field(init=False)
    _dropped: int = 0
    _dropped_until_s: float = 0.0

    def __post_init__(self) -> None:
        """The uptime counts from here."""
        self._started_s = self.clock.monotonic()
        self._publisher = OpenAlertsPublisher(self.link, self.topics, self.clock)

    def report(self, snapshot: Snapshot) -> Health:
        """Publish states, levels and health where they are due; the health of now."""
        now_s = self.clock.monotonic()
        health = self._health(snapshot, now_s)
        if self.link is None:
            return health
        for status in snapshot.sources:
            self.link.state(self.topics.source_state(status.source), status.state.value)
        if now_s >= self._level_due_s:
            self._level_due_s = now_s + self.settings.level_interval_s
            for status in snapshot.sources:
                level = level_payload(status.level_dbfs)
                self.link.live(self.topics.source_level(status.source), level)
        news = (
            health.state,
            # A reason that counts seconds is no news.
            {part: _NUMBER.sub("#", reason) for part, reason in health.reasons.items()},
            dict(health.sources),
            health.descriptions,
            tuple(health.mutes),
        )
        if news != self._said or now_s >= self._health_due_s:
            self._said = news
            self._health_due_s = now_s + self.settings.health_interval_s
            self.link.state(self.topics.health, health.to_json())
        return health

    def config(self, watch: Watchlist, loaded_at: float, error: str | None) -> None:
        """Publish which descriptions are in force, and why the latest were refused."""
        if watch is self._watch and (loaded_at, error) == self._config:
            return
        if self._watch is None or watch.notes != self._watch.notes:
            notes.log("descriptions_noted", watch.notes)
        self._watch, self._config = watch, (loaded_at, error)
        if self.link is None:
            return
        thresholds = {
            name: round(policy.threshold_on, 3) for name, policy in watch.policies.items()
        }
        operator = {
            name: {"operator": said.operator, "ts": timestamp(said.given_at)}
            for name, said in watch.operator.items()
            if name in thresholds
        }
        payload = {
            "schema": SCHEMA,
            "descriptions": watch.digest,
            "count": watch.count,
            "loaded_at": timestamp(loaded_at),
            "error": error,
            "notes": notes.lines(watch.notes),
            "thresholds": thresholds if len(json.dumps(thresholds)) <= _MOST_BYTES else None,
            "operator_thresholds": operator
            if len(json.dumps([thresholds, operator])) <= _MOST_BYTES
            else None,
        }
        self.link.state(self.topics.config_state, json.dumps(payload, ensure_ascii=False))

    def open_alerts(self, store: BoxStore, *, at_once: bool = False) -> int:
        """Publish which alerts await an answer where that may have changed; how many do."""
        return self._publisher.publish(store, at_once=at_once)

    def scores(self, match: Match) -> None:
        """Publish the scores of one window, if they are wanted."""
        if self.link is None or not self.settings.scores:
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
        return Health(
            state=state,
            reasons=reasons,
            version=self.version,
            bundle=snapshot.bundle,
            descriptions=snapshot.descriptions,
            lag_s=snapshot.tally.lag_s,
            clock_synced=self.clock.synced(),
            outbox_depth=snapshot.outbox_depth,
            open_alerts=snapshot.open_alerts,
            uptime_s=now_s - self._started_s,
            sources={status.source: status.state.value for status in snapshot.sources},
            signals={status.source: _signal(status) for status in snapshot.sources},
            mutes=snapshot.mutes,
            attached=snapshot.attached,
            counters=_counters(snapshot, self.link),
        )

    def _reasons(self, snapshot: Snapshot, now_s: float) -> dict[str, Reason]:
        reasons = {
            f"source {status.source}": Reason.given(status.reason, "source_failed")
            for status in snapshot.sources
            if status.state is not SourceState.OK
        }
        reasons |= {
            f"signal {status.source}": Reason.given(status.remark)
            for status in snapshot.sources
            if status.remark
        }
        link = None if self.link is None else self.link.status
        troubles = [
            ("broker", link.reason if link else "", _broker_code(link)),
            ("store", snapshot.store_trouble, "store_refuses"),
            ("clips", snapshot.clips.trouble, "other"),
            *((part, text, _BACKGROUND[part]) for part, text in snapshot.background.items()),
            ("descriptions", snapshot.config_error, "descriptions_refused"),
        ]
        reasons |= {part: Reason.given(text, code) for part, text, code in troubles if text}
        reasons |= snapshot.troubles
        if snapshot.mutes:
            # A box that was told not to hear must not look like one that hears nothing.
            silenced = [mute.error_id or "everything" for mute in snapshot.mutes]
            reasons["muted"] = (
                Reason.of("muted_all")
                if snapshot.mutes[0].error_id is None and len(silenced) == 1
                else Reason.of("muted", descriptions=", ".join(silenced))
            )
        if snapshot.windows_dropped > self._dropped:
            self._dropped = snapshot.windows_dropped
            self._dropped_until_s = now_s + _RECENTLY_S
        if now_s < self._dropped_until_s:
            reasons["inference"] = Reason.of("inference_slow", dropped=self._dropped)
        return reasons


def _counters(snapshot: Snapshot, link: Link | None) -> dict[str, int]:
    """What each part has counted; that of all sources together."""
    captured = [status.counters for status in snapshot.sources]
    return {
        "windows_dropped": snapshot.windows_dropped,
        "suppressed": snapshot.suppressed,
        "muted": snapshot.muted,
        "verdicts": snapshot.verdicts,
        "verdicts_undone": snapshot.verdicts_undone,
        "notify_errors": snapshot.notify_errors,
        **snapshot.tally.counters(),
        **(LinkStatus() if link is None else link.status).counters(),
        **snapshot.commands.counters(),
        **snapshot.clips.counters(),
        **snapshot.memory.counters(),
        "reported_missed": snapshot.missed,
        "reported_taught": snapshot.taught,
        **{
            name: sum(getattr(counters, name) for counters in captured)
            for name in SourceCounters.__dataclass_fields__
        },
    }


def _broker_code(link: LinkStatus | None) -> str:
    """Of what the link tells: there is no connection, or one that does not take everything."""
    return "broker_refuses" if link and link.connected else "broker_away"


def _signal(status: SourceStatus) -> Signal:
    level = status.level
    return Signal(
        level_dbfs=status.level_dbfs,
        peak=None if level is None else level.peak,
        dc=None if level is None else level.dc,
        clipped_ratio=None if level is None else level.clipped_ratio,
        drift_db=status.drift_db,
        overflows=status.counters.overflows,
        dropped_samples=status.counters.dropped_samples,
        reopenings=status.reopenings,
    )
