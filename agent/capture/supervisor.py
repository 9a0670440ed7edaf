"""Keeps one source going for ever, and tells what it is doing."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from agent.capture.level import LevelMeter, SignalLimits
from agent.capture.source import SourceCounters
from agent.errors import CaptureError
from agent.records import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from agent.capture.source import Source
    from agent.clock import Clock
    from agent.records import Block

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a lost source is tried again."""

    first_s: float = 0.5
    most_s: float = 30.0
    jitter: float = 0.25
    """Share of the wait by which it varies, so that many sources do not come at once."""
    steady_s: float = 10.0
    """Seconds of sound after which a source counts as healed."""

    def wait_s(self, failures: int, random: Random) -> float:
        """Seconds before the next try, after so many in a row that failed."""
        wait_s = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return wait_s * (1.0 + self.jitter * random.uniform(-1.0, 1.0))


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What a source is doing now."""

    source: str
    state: SourceState
    reason: str
    """Why it is not ``ok`` and what to do; empty if it is."""
    since: float
    """UTC of the last change of state, seconds since the epoch."""
    level_dbfs: float | None = None
    """RMS of the last second; ``None`` on digital silence and before there is one."""
    counters: SourceCounters = field(default_factory=SourceCounters)
    reopenings: int = 0
    """Times that it was lost and opened again."""
    ended: bool = False
    """Whether no more sound will ever come."""


class Supervisor:
    """Runs a source in the thread that asks for its blocks."""

    def __init__(
        self,
        source: Source,
        *,
        sample_rate_hz: int,
        clock: Clock,
        backoff: Backoff | None = None,
        limits: SignalLimits | None = None,
        tick_s: float = 0.2,
        quiet_s: float = 5.0,
        overrun_s: float = 10.0,
        random: Random | None = None,
    ) -> None:
        """Take over a source that is not open yet.

        Args:
            source: to be kept going.
            sample_rate_hz: of its blocks.
            clock: measures waits and dates the states.
            backoff: waits between tries.
            limits: when a signal is silent or clipped.
            tick_s: longest time between two values of :meth:`blocks`, and until it notices a stop.
            quiet_s: a source that gives nothing for so long is lost, even if it does not say so.
            overrun_s: how long an overflow is shown as the state.
            random: of the jitter.
        """
        self._source = source
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._meter = LevelMeter(sample_rate_hz, limits)
        self._tick_s = tick_s
        self._quiet_s = quiet_s
        self._overrun_s = overrun_s
        # Jitter is no secret.
        self._random = random or Random()  # noqa: S311
        self._failures = 0
        self._openings = 0
        self._opened_s = 0.0
        self._heard_s = 0.0
        self._overflowed_s: float | None = None
        self._status = SourceStatus(
            source.name, SourceState.LOST, "starting: no sound yet", clock.now()
        )

    @property
    def status(self) -> SourceStatus:
        """What the source is doing; may be asked for from any thread."""
        return self._status

    def blocks(self, stop: Event) -> Iterator[Block | None]:
        """Every block of the source, until it ends or ``stop`` is set.

        ``None`` comes at least every ``tick_s`` while there is nothing, so that the caller can
        publish the state.
        """
        while not stop.is_set():
            yield from self._session(stop)
            if self._status.ended:
                return
            yield from self._pause(stop)

    def _session(self, stop: Event) -> Iterator[Block | None]:
        """From one opening to the loss, the end or the stop."""
        try:
            self._source.open()
            self._openings += 1
            self._opened_s = self._heard_s = self._clock.monotonic()
            while not stop.is_set():
                block = self._source.read(self._tick_s)
                if block is not None:
                    self._hear(block)
                elif self._source.ended:
                    heard = self._heard_s > self._opened_s
                    reason = "the sound is at its end" if heard else "no sound came before the end"
                    self._set(SourceState.LOST, reason, ended=True)
                    return
                else:
                    self._wait()
                yield block
        except CaptureError as error:
            self._failures += 1
            self._meter.reset()
            self._set(SourceState.LOST, str(error))
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._source.close()
        except CaptureError as error:
            _log.warning(
                "source_not_closed", extra={"source": self._source.name, "reason": str(error)}
            )

    def _pause(self, stop: Event) -> Iterator[None]:
        """Let the time to the next try pass."""
        if stop.is_set():
            return
        until_s = self._clock.monotonic() + self._backoff.wait_s(self._failures, self._random)
        while not stop.is_set():
            left_s = until_s - self._clock.monotonic()
            if left_s <= 0.0:
                return
            yield None
            stop.wait(min(self._tick_s, left_s))

    def _hear(self, block: Block) -> None:
        now_s = self._heard_s = self._clock.monotonic()
        if self._failures and now_s - self._opened_s >= self._backoff.steady_s:
            self._failures = 0
        self._meter.add(block.samples)
        if self._source.counters().overflows > self._status.counters.overflows:
            self._overflowed_s = now_s
        overflowed_s = self._overflowed_s
        if overflowed_s is not None and now_s - overflowed_s < self._overrun_s:
            self._set(
                SourceState.OVERRUN,
                "sound was lost because this machine is too busy; give it less to do",
            )
        else:
            self._set(self._meter.state, self._meter.reason)

    def _wait(self) -> None:
        quiet_s = self._clock.monotonic() - self._heard_s
        if quiet_s >= self._quiet_s:
            self._meter.reset()
            self._set(SourceState.LOST, f"no sound for {self._quiet_s:g} s; check the sender")

    def _set(self, state: SourceState, reason: str, *, ended: bool = False) -> None:
        before = self._status
        changed = state is not before.state
        level = self._meter.level
        self._status = SourceStatus(
            source=self._source.name,
            state=state,
            reason=reason,
            since=self._clock.now() if changed else before.since,
            level_dbfs=None if level is None else level.rms_dbfs,
            counters=self._source.counters(),
            reopenings=max(0, self._openings - 1),
            ended=ended,
        )
        # A reason that counts seconds is no news; one that another fault takes over is.
        if changed or (state is SourceState.LOST and reason != before.reason):
            report = _log.info if state is SourceState.OK or ended else _log.warning
            report(
                "source_state",
                extra={"source": self._source.name, "state": state.value, "reason": reason},
            )
