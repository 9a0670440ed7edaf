"""Keeps one source going for ever, and tells what it is doing."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from agent.capture.baseline import LevelBaseline
from agent.capture.level import LevelMeter, SignalLimits
from agent.capture.source import SourceCounters
from agent.core.errors import CaptureError
from agent.core.reasons import Reason
from agent.core.records import SourceState

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from agent.capture.level import Level
    from agent.capture.source import Source
    from agent.core.clock import Clock
    from agent.core.records import Block

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
    level: Level | None = None
    """Of the last second; ``None`` before there is one."""
    drift_db: float | None = None
    """Decibels by which the last day is beyond this site's usual; ``None`` while that is learnt."""
    remark: str = ""
    """What is not right with the sound although it is sound; empty if nothing is."""
    counters: SourceCounters = field(default_factory=SourceCounters)
    reopenings: int = 0
    """Times that it was lost and opened again."""
    ended: bool = False
    """Whether no more sound will ever come."""
    failed: bool = False
    """Whether it ended by a fault that no other try can heal."""

    @property
    def level_dbfs(self) -> float | None:
        """RMS of the last second; ``None`` on digital silence and before there is one."""
        return None if self.level is None else self.level.rms_dbfs


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
        usual: LevelBaseline | None = None,
        tick_s: float = 0.2,
        quiet_s: float = 5.0,
        overrun_s: float = 10.0,
        hung_s: float = 15.0,
        random: Random | None = None,
    ) -> None:
        """Take over a source that is not open yet.

        Args:
            source: to be kept going.
            sample_rate_hz: of its blocks.
            clock: measures waits and dates the states.
            backoff: waits between tries.
            limits: when a signal is silent or clipped.
            usual: how loud it is on this site; learnt anew at each start if ``None``.
            tick_s: longest time between two values of :meth:`blocks`, and until it notices a stop.
            quiet_s: a source that gives nothing for so long is lost, even if it does not say so.
            overrun_s: how long an overflow is shown as the state.
            hung_s: a source that holds its thread for so long is lost; longer than it may take
                to open or close.
            random: of the jitter.
        """
        self._source = source
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._meter = LevelMeter(sample_rate_hz, limits)
        self._usual = usual or LevelBaseline(None)
        self._tick_s = tick_s
        self._quiet_s = quiet_s
        self._overrun_s = overrun_s
        self._hung_s = hung_s
        # Jitter is no secret.
        self._random = random or Random()  # noqa: S311
        self._failures = 0
        self._openings = 0
        self._opened_s = 0.0
        self._heard_s = 0.0
        self._overflowed_s: float | None = None
        self._asked_s: float | None = None
        self._remarked = ""
        """What the source itself remarked when the status was last made."""
        self._changing = threading.Lock()
        self.status = SourceStatus(
            source.name, SourceState.LOST, Reason.of("source_starting"), clock.now()
        )
        """What the source is doing; may be asked for from any thread."""

    def watch(self) -> None:
        """See whether the source holds its thread; from the thread that reports.

        A library, a driver or a network disk that never returns would otherwise leave the state
        as it was. Such a thread cannot be ended; when it comes back, it tells the state itself.
        """
        asked_s = self._asked_s
        if asked_s is None or self._clock.monotonic() - asked_s < self._hung_s:
            return
        reason = Reason.of("source_hung", seconds=self._hung_s)
        with self._changing:
            before = self.status
            if before.ended or before.reason == reason:
                return
            lost = before.state is SourceState.LOST
            self.status = replace(
                before,
                state=SourceState.LOST,
                reason=reason,
                since=before.since if lost else self._clock.now(),
                level=None,
                remark="",
            )
        self._log_state()

    def blocks(self, stop: threading.Event) -> Iterator[Block | None]:
        """Every block of the source, until it ends or ``stop`` is set.

        ``None`` comes at least every ``tick_s`` while there is nothing, so that the caller can
        publish the state.
        """
        self._asked_s = self._clock.monotonic()
        with closing(self._all_blocks(stop)) as blocks:
            for block in blocks:
                # What the caller does with it is no fault of the source.
                self._asked_s = None
                yield block
                self._asked_s = self._clock.monotonic()
        self._asked_s = None

    def _all_blocks(self, stop: threading.Event) -> Generator[Block | None]:
        while not stop.is_set():
            yield from self._session(stop)
            if self.status.ended:
                return
            yield from self._pause(stop)

    def _session(self, stop: threading.Event) -> Iterator[Block | None]:
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
                    reason = Reason.of("source_ended" if heard else "source_empty")
                    self._set(SourceState.LOST, reason, ended=True)
                    return
                else:
                    self._wait()
                yield block
        except CaptureError as error:
            self._failures += 1
            self._meter.reset()
            # A source that is at its end with an error cannot be healed by another try.
            gone = self._source.ended
            reason = Reason.given(str(error), "source_failed")
            self._set(SourceState.LOST, reason, ended=gone, failed=gone)
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._source.close()
        except CaptureError as error:
            _log.warning(
                "source_not_closed", extra={"source": self._source.name, "reason": str(error)}
            )

    def _pause(self, stop: threading.Event) -> Iterator[None]:
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
        before = self._meter.level
        self._meter.add(block.samples)
        level = self._meter.level
        if level is not None and level is not before:
            self._usual.add(level.rms_dbfs)
        if self._source.counters().overflows > self.status.counters.overflows:
            self._overflowed_s = now_s
        overflowed_s = self._overflowed_s
        if overflowed_s is not None and now_s - overflowed_s < self._overrun_s:
            self._set(SourceState.OVERRUN, Reason.of("source_overrun"))
        elif level is not before or self._meter.state is not SourceState.OK or self._changed:
            self._set(self._meter.state, self._reason())

    @property
    def _changed(self) -> bool:
        """Whether the status is another one by what may change between two levels."""
        status = self.status
        return (
            status.state is not SourceState.OK
            or status.counters != self._source.counters()
            or self._remarked != self._source.remark
        )

    def _reason(self) -> str:
        hint = self._source.if_silent if self._meter.state is SourceState.SILENT else ""
        return Reason.joined([self._meter.reason, hint])

    def _wait(self) -> None:
        quiet_s = self._clock.monotonic() - self._heard_s
        if quiet_s >= self._quiet_s:
            self._meter.reset()
            self._set(SourceState.LOST, Reason.of("source_quiet", seconds=self._quiet_s))

    def _set(
        self, state: SourceState, reason: str, *, ended: bool = False, failed: bool = False
    ) -> None:
        self._remarked = self._source.remark
        remarks = [self._remarked, self._meter.remark, self._usual.reason]
        with self._changing:
            before = self.status
            changed = state is not before.state
            self.status = SourceStatus(
                source=self._source.name,
                state=state,
                reason=reason,
                since=self._clock.now() if changed else before.since,
                level=self._meter.level,
                drift_db=self._usual.drift_db,
                remark=Reason.joined(remarks) if state is not SourceState.LOST else "",
                counters=self._source.counters(),
                reopenings=max(0, self._openings - 1),
                ended=ended,
                failed=failed,
            )
        # A reason that counts seconds is no news; one that another fault takes over is.
        if changed or (state is SourceState.LOST and reason != before.reason):
            self._log_state()

    def _log_state(self) -> None:
        status = self.status
        fine = status.state is SourceState.OK or (status.ended and not status.failed)
        report = _log.info if fine else _log.warning
        report(
            "source_state",
            extra={"source": status.source, "state": status.state.value, "reason": status.reason},
        )
