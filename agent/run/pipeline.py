"""Builds the stages and runs them: the only file that knows their order.

A thread for each source cuts windows into the backlog; the thread that calls :meth:`Pipeline.run`
scores them and keeps house; a short one builds a new watchlist when the descriptions change; the
link drains the outbox on its own. They meet at the backlog, the store and the link.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.capture.baseline import LevelBaseline
from agent.core import memory
from agent.encoder.audio import Encoder
from agent.hearing.listener import Listeners
from agent.hearing.recogniser import Recogniser
from agent.run.attachment import Attachments
from agent.run.commands import CommandTally
from agent.run.health import State
from agent.run.parts import BoxParts
from agent.run.reloading import Reloading
from agent.run.reporter import Reporter, Snapshot
from agent.run.stages import Stages
from agent.run.systemd import Notifier, status_line
from agent.run.tally import Tally
from agent.watchlist.calibration.watch import BackgroundWatch
from agent.watchlist.watchlist import Watchlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.clock import Clock
    from agent.core.records import Detection
    from agent.descriptions import DescriptionSet
    from agent.run.attachment import Attach

_log = logging.getLogger(__name__)

# Windows scored together when the box has to catch up. Eight would be a twentieth faster, and
# onnxruntime's arena would hold on to 16 MiB more from the first time on.
_TOGETHER = 2
_TICK_S = 0.2
# Between two looks at states, answers and files: what they tell need not be told sooner.
_HOUSE_S = 0.25
_REPORT_S = 0.5
_STOP_S = 5.0
_LEVELS = "levels"


@dataclass(slots=True)
class Requests:
    """What may be asked of a running pipeline from outside, by signals.

    Plain flags: a handler that took a lock could meet it in the thread that it interrupts.
    """

    stop: bool = False
    reload: bool = False


class Pipeline:
    """One box from microphone to broker."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        descriptions: DescriptionSet,
        clock: Clock,
        *,
        requests: Requests | None = None,
        notifier: Notifier | None = None,
        attach: Mapping[str, Attach] | None = None,
    ) -> None:
        """Open what can be opened; what cannot is reported and retried, not fatal.

        Args:
            settings: of this box.
            bundle: the model.
            descriptions: what to listen for until their file changes.
            clock: of the operating system, or a test's.
            requests: what is asked for meanwhile.
            notifier: tells the service manager; none is told where ``None``.
            attach: what attaches to the box from outside of its data path, by part of health.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
            StateInUseError: another agent uses the state folder.
        """
        self._clock = clock
        self._requests = requests or Requests()
        self._notifier = notifier or Notifier(None, None, clock)
        encoder = Encoder(bundle, threads=settings.encoder.threads)
        self._parts = BoxParts(settings, bundle, clock)
        self._store, self._link = self._parts.store, self._parts.link
        self._recorder = self._parts.recorder
        self._reporter = Reporter(self._link, self._parts.topics, settings.publish, clock)
        self._background = BackgroundWatch(settings.windows.hop_s)
        self._listeners = Listeners(
            settings,
            bundle,
            clock,
            usual=lambda source: LevelBaseline(settings.state_dir / _LEVELS / f"{source}.json"),
            rest=True,
            on_block=None if self._recorder is None else self._recorder.push,
        )
        self._watch = Watchlist.empty(bundle.manifest.embedding_size)
        self._recogniser = Recogniser(
            self._watch.matcher,
            self._watch.policies,
            bundle.manifest.frontend.sample_rate_hz,
            self._parts.mutes.pass_on,
        )
        self._state = State.STARTING
        self._house_due_s = self._report_due_s = 0.0
        self.tally = Tally()
        """What was done so far."""
        self._reloading = Reloading(
            self._parts, descriptions, self._listen_for, notifier=self._notifier, tally=self.tally
        )
        self._teaching = self._parts.teaching(lambda: self._watch)
        self._commands = self._parts.serve_commands(
            reload=lambda: setattr(self._requests, "reload", True),
            known=lambda: self._reloading.known,
            teaching=self._teaching,
        )
        self._attached = Attachments(attach or {}, self._parts)
        self._listeners.measure(stopwatch := self._attached.stopwatch())
        self._stages = Stages.of(
            encoder,
            self._recogniser,
            self._parts.alert_writer,
            recorder=self._recorder,
            reporter=self._reporter,
            keep_house=self._keep_house,
            stopwatch=stopwatch,
        )

    def run(self) -> int:
        """Listen until a stop is asked for or every source has ended.

        Returns:
            0; 1 if a thread failed.

        Raises:
            KikimimiError: what to listen for cannot be built.
        """
        try:
            return self._run()
        finally:
            self._attached.tell(lambda one: one.close())

    def _run(self) -> int:
        if self._link is not None:
            self._link.start()
        self._notifier.status("starting: reading what to listen for")
        self._reloading.start()
        self._parts.alert_writer.end_left_over()
        self._state = State.OK
        if self._recorder is not None:
            self._recorder.start()
        memory.give_back_what_is_free()  # what reading and embedding took
        self._listeners.start()
        self._notifier.ready()
        counts = {"descriptions": self._watch.count, "sources": len(self._listeners.statuses)}
        _log.info("ready", extra=counts)
        try:
            while not (self._requests.stop or self._listeners.failure or self._listeners.finished):
                self._score()
                self._stages.keep_house()
                # From here alone: a loop that hangs is no longer heard of and started again.
                self._notifier.beat()
        finally:
            self._shut_down()
        failed = any(status.failed for status in self._listeners.statuses)
        return 1 if failed or self._listeners.failure else 0

    @property
    def windows_dropped(self) -> int:
        """Windows that inference was too slow for."""
        return self._listeners.backlog.dropped

    def _listen_for(self, watch: Watchlist) -> None:
        self._handle(self._recogniser.listen_for(watch.matcher, watch.policies))
        self._watch = watch
        self._background.follow(watch.calibration)
        self._teaching.listened_for(watch, self._reloading.recordings)
        self._attached.tell(lambda one: one.listening_for(watch))

    def _score(self) -> None:
        windows = self._listeners.backlog.take(_TOGETHER, _TICK_S)
        if not windows:
            return
        for heard in self._stages.recognise(windows, self._stages.embed(windows)):
            if self._stages.remember is not None:
                self._stages.remember(heard.window, heard.views)
            self._background.feed([heard.match], heard.views.joint)
            self._handle(heard.detections)
            self._attached.scored(heard.match)
            self._stages.publish_scores(heard.match)
        self.tally.windows += len(windows)
        self.tally.lag_s = max(0.0, self._clock.now() - windows[-1].ends_at)

    def _handle(self, detections: Iterable[Detection]) -> None:
        writer = self._parts.alert_writer
        alerts = self._stages.write_alerts(detections, self._watch.wordings, self._watch.digest)
        self.tally.alerts, self.tally.candidates = writer.alerts, self._recogniser.competed
        if self._recorder is not None:
            self._recorder.take(alerts)

    def _keep_house(self) -> None:
        """Everything between two windows: states, reloads, reports; some times a second."""
        now_s = self._clock.monotonic()
        if now_s < self._house_due_s:
            return
        self._house_due_s = now_s + _HOUSE_S
        for source in self._listeners.watch():
            self._handle(self._recogniser.close(source))
        if self._store.retry_disk():
            self._parts.alert_writer.end_left_over()
            if self._link is not None:
                self._link.notify()
        if self._recorder is not None:
            self._recorder.tick()
        if self._requests.reload:
            self._requests.reload = False
            self._reloading.reload()
        self._reloading.poll()
        self._teaching.poll()
        if now_s >= self._report_due_s:
            self._report_due_s = now_s + _REPORT_S
            self._report()

    def _report(self) -> None:
        self.tally.store_errors = self._store.errors
        error, stopped = self._reloading.error, self._state is State.STOPPED
        self._reporter.config(self._watch, self._reloading.loaded_at, error or None)
        snapshot = Snapshot(
            state=self._state,
            bundle=self._parts.bundle.digest,
            descriptions=self._watch.digest,
            sources=self._listeners.statuses,
            tally=self.tally,
            windows_dropped=self.windows_dropped,
            suppressed=self._recogniser.suppressed,
            config_error=error,
            commands=self._commands.tally if self._commands else CommandTally(),
            open_alerts=self._reporter.open_alerts(self._store, at_once=stopped),
            background=self._background.reasons,
            notify_errors=self._notifier.errors,
            troubles=self._attached.troubles(),
            attached=self._attached.figures(),
        )
        health = self._reporter.report(self._parts.completed(snapshot))
        self._attached.tell(lambda one: one.reported(health))
        if self._notifier.status_due:
            self._notifier.status(status_line(health.state, health.sources, health.reasons))

    def _shut_down(self) -> None:
        """Stop listening, end what is going on, say goodbye."""
        self._notifier.stopping()
        self._listeners.stop(_STOP_S)
        self._handle(self._recogniser.close())
        if self._recorder is not None:
            self._recorder.stop(2 * _STOP_S)
        self._reloading.stop(_STOP_S)
        self._state = State.STOPPED
        self._report()
        if self._link is not None:
            self._link.stop(2 * _STOP_S)
        self._store.close()
        counts = {"windows": self.tally.windows, "windows_dropped": self.windows_dropped}
        counts |= {"alerts": self.tally.alerts, "notify_errors": self._notifier.errors}
        _log.info("stopped", extra=counts)
