"""The values of the metrics, read from the box when they are asked for.

Nothing is counted here: what the box counts for its health is told under other names. This is
the only module that needs ``prometheus_client``; it uses a registry of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from agent.core.records import SourceState
from agent.integrations.metrics import definitions as names
from agent.integrations.metrics.definitions import Definition, Kind
from agent.integrations.metrics.stage_times import BOUNDS_S
from agent.run.health import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from enum import StrEnum

    from prometheus_client import Metric

    from agent.core.stopwatch import Stage
    from agent.integrations.metrics.recent_state import RecentState
    from agent.integrations.metrics.stage_times import Histogram
    from agent.run.health import Health, Signal


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same as long as the agent runs."""

    site: str
    node: str
    version: str
    bundle_name: str
    bundle_version: str
    bundle_digest: str


@dataclass(slots=True)
class _Family:
    """One metric and its values, by the values of its labels."""

    definition: Definition
    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def to_metric(self) -> Metric:
        one = self.definition
        kind = CounterMetricFamily if one.kind is Kind.COUNTER else GaugeMetricFamily
        metric = kind(one.name, one.help, labels=one.labels)
        for labels, value in self.values.items():
            metric.add_metric(labels, value)
        return metric


class BoxCollector(Collector):
    """Makes metrics of a box's last report."""

    def __init__(
        self, recent: RecentState, identity: Identity, requests_refused: Callable[[], int]
    ) -> None:
        self._recent, self._identity, self._requests_refused = recent, identity, requests_refused

    def collect(self) -> Iterator[Metric]:
        """Those that have a value now."""
        health = self._recent.health
        for family in (
            *self._of_the_program(),
            *([_one_hot(names.STATE, State, State.STARTING)] if health is None else ()),
            *(() if health is None else _of_the_box(health)),
            *(() if health is None else _of_the_sources(health)),
            *(() if health is None else self._of_the_scores(health)),
        ):
            if family.values:
                yield family.to_metric()
        if stages := self._recent.stage_times.read():
            yield _histogram(names.STAGE, stages)

    def _of_the_program(self) -> Iterator[_Family]:
        who = self._identity
        yield _Family(names.INFO, {(who.site, who.node, who.version): 1})
        bundle = (who.bundle_name, who.bundle_version, who.bundle_digest)
        yield _Family(names.BUNDLE_INFO, {bundle: 1})
        yield _Family(names.REQUESTS_REFUSED, {(): self._requests_refused()})

    def _of_the_scores(self, health: Health) -> Iterator[_Family]:
        last, peak = _Family(names.SCORE), _Family(names.SCORE_PEAK)
        for source, state in health.sources.items():
            found = self._recent.of(source)
            if found is None or state == SourceState.LOST:  # scores of a while ago are none of now
                continue
            for row, error_id in enumerate(found.error_ids):
                last.values[source, error_id] = float(found.last[row])
                peak.values[source, error_id] = float(found.peak[row])
        yield from (last, peak)
        policies = self._recent.policies.items()
        yield _Family(names.SCORE_THRESHOLD, {(key,): one.threshold_on for key, one in policies})


class Exposition:
    """What is sent to whoever asks for the metrics."""

    def __init__(self, collector: BoxCollector) -> None:
        """Join the box's own and those of its process."""
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics as they are now.

        Args:
            accept: the request's header of that name; chooses between the text formats.

        Returns:
            the body and its content type.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


def _histogram(definition: Definition, found: Mapping[Stage, Histogram]) -> Metric:
    metric = HistogramMetricFamily(definition.name, definition.help, labels=definition.labels)
    bounds = (*(str(one) for one in BOUNDS_S), "+Inf")
    for stage, one in found.items():
        buckets = list(zip(bounds, one.up_to, strict=True))
        metric.add_metric((stage.value,), buckets, one.sum_s)
    return metric


def _one_hot(definition: Definition, states: type[StrEnum], now: str, *labels: str) -> _Family:
    return _Family(definition, {(*labels, state.value): float(state == now) for state in states})


def _of_the_box(health: Health) -> Iterator[_Family]:
    yield _Family(names.DESCRIPTIONS_INFO, {(health.descriptions,): 1})
    yield _one_hot(names.STATE, State, health.state)
    codes = [(part, one.code) for part, reason in health.reasons.items() for one in reason.parts]
    yield _Family(names.REASON, dict.fromkeys(codes, 1.0))
    for definition, value in (
        (names.CLOCK_SYNCED, health.clock_synced),
        (names.LAG, health.lag_s),
        (names.UPTIME, health.uptime_s),
        (names.OUTBOX, health.outbox_depth),
        (names.OPEN_ALERTS, health.open_alerts),
        (names.MUTES, len(health.mutes)),
    ):
        yield _Family(definition, {(): float(value)})
    for counter, definition in names.COUNTERS.items():
        yield _Family(definition, {(): health.counters[counter]})


def _of_the_sources(health: Health) -> Iterator[_Family]:
    states = _Family(names.SOURCE_STATE)
    for source, state in health.sources.items():
        states.values |= _one_hot(names.SOURCE_STATE, SourceState, state, source).values
    yield states
    for definition, read in _SIGNALS.items():
        values = {(source,): read(signal) for source, signal in health.signals.items()}
        yield _Family(definition, {key: one for key, one in values.items() if one is not None})


_SIGNALS: Mapping[Definition, Callable[[Signal], float | None]] = {
    names.SOURCE_LEVEL: lambda signal: signal.level_dbfs,
    names.SOURCE_PEAK: lambda signal: signal.peak,
    names.SOURCE_DC: lambda signal: signal.dc,
    names.SOURCE_CLIPPED: lambda signal: signal.clipped_ratio,
    names.SOURCE_DRIFT: lambda signal: signal.drift_db,
    names.SOURCE_OVERFLOWS: lambda signal: signal.overflows,
    names.SOURCE_DROPPED: lambda signal: signal.dropped_samples,
    names.SOURCE_REOPENINGS: lambda signal: signal.reopenings,
}
