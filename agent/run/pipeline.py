"""Builds the stages and runs them: the only file that knows their order.

A thread for each source cuts windows into the backlog; the thread that calls :meth:`Pipeline.run`
scores them and keeps house; a short one builds a new watchlist when the descriptions change; the
link drains the outbox on its own. They meet at the backlog, the store and the link.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agent import clips
from agent.alerts.verdicts import Verdicts
from agent.alerts.writer import AlertWriter
from agent.capture.baseline import LevelBaseline
from agent.core.records import SourceState
from agent.descriptions import Changed, DescriptionsFile
from agent.detector.detector import Detector
from agent.detector.mutes import Mutes
from agent.encoder.audio import Encoder
from agent.frontend.backlog import Backlog
from agent.hearing.listeners import make_listener
from agent.mqtt import Link
from agent.mqtt.topics import Topics
from agent.run.commands import Commands, CommandTally, box_commands
from agent.run.health import State
from agent.run.reporter import Reporter, Snapshot
from agent.run.systemd import Notifier, status_line
from agent.run.tally import Tally
from agent.store.box import BoxStore
from agent.watchlist import watchlist
from agent.watchlist.calibration.watch import BackgroundWatch
from agent.watchlist.examples import Library
from agent.watchlist.site import listened_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import Settings, SourceSettings
    from agent.core.clock import Clock
    from agent.core.records import Detection, Match
    from agent.descriptions import DescriptionSet
    from agent.hearing.listener import Listener

_log = logging.getLogger(__name__)

# Windows scored together when the box has to catch up. Eight would be a twentieth faster, and
# onnxruntime's arena would hold on to 16 MiB more from the first time on.
_BATCH = 2
_TICK_S = 0.1
_STOP_S = 5.0
_CACHE = "embeddings"
_LEVELS = "levels"
# Of a file with a thousand mistakes; what is published has to stay small.
_MAX_REASON_CHARACTERS = 8_000


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
        clock: Clock,
        on_match: Callable[[Match], None] | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        """Open what can be opened; what cannot is reported and retried, not fatal.

        Args:
            settings: of this box.
            bundle: the model.
            clock: of the operating system, or a test's.
            on_match: told of every scored window.
            notifier: tells the service manager; none is told where ``None``.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
            StateInUseError: another agent uses the state folder.
        """
        self._settings = settings
        self._bundle = bundle
        self._clock = clock
        self._on_match = on_match
        self._notifier = notifier or Notifier(None, None, clock)
        self._encoder = Encoder(bundle, threads=settings.encoder.threads)
        self._topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
        self._tally = Tally()
        self._store = BoxStore(settings.state_dir, clock)
        self._link = self._make_link()
        self._reporter = Reporter(self._link, self._topics, settings.publish, clock)
        self._backlog = Backlog(settings.windows.queue_windows)
        self._background = BackgroundWatch(settings.windows.hop_s)
        self._mutes = Mutes(clock)
        self._alert_writer = AlertWriter(
            bundle_digest=bundle.digest,
            topics=self._topics,
            store=self._store,
            link=self._link,
            mutes=self._mutes,
            clock=clock,
            clips=settings.clips.enabled,
        )
        self._recorder = clips.recorder(settings, bundle, self._store, clock)
        self._verdicts = Verdicts(
            topics=self._topics,
            store=self._store,
            link=self._link,
            clock=clock,
            undo_s=settings.verdicts.undo_s,
        )
        self._library = Library(bundle, self._store, clips.folder_of(settings), clock)
        self._commands: Commands | None = None
        self._listeners = [self._make_listener(source) for source in settings.sources]
        self._lost: set[str] = set()
        self._state = State.STARTING
        self._config_error = ""
        self._newest = ""
        """Digest of the descriptions file as it was last read; empty if it was wrong."""

    def run(self, descriptions: DescriptionSet, requests: Requests) -> int:
        """Listen until a stop is asked for or every source has ended.

        Returns:
            0; 1 if a thread failed.
        """
        self._file = DescriptionsFile(self._settings.descriptions, self._clock, descriptions)
        self._wanted = descriptions
        self._listened_for: Collection[str] = descriptions.policies()
        if self._link is not None:
            self._serve_commands(self._link, requests)
            self._link.start()
        self._notifier.status("starting: reading what to listen for")
        self._watch = self._build(descriptions)
        self._builder = watchlist.Builder(self._build)
        self._background.follow(self._watch.calibration)
        self._detector = Detector(self._watch.policies, self._sample_rate_hz)
        self._alert_writer.end_left_over()
        self._loaded_at = self._clock.now()
        self._state = State.OK
        if self._recorder is not None:
            self._recorder.start()
        for listener in self._listeners:
            listener.start()
        self._notifier.ready()
        _log.info(
            "ready", extra={"descriptions": self._watch.count, "sources": len(self._listeners)}
        )
        try:
            while not requests.stop and not self._finished():
                self._score(_TICK_S)
                self._keep_house(requests)
                # From here alone: a loop that hangs is no longer heard of and started again.
                self._notifier.beat()
        finally:
            self._shut_down()
        failed = any(one.failure or one.status.failed for one in self._listeners)
        return 1 if failed else 0

    @property
    def _sample_rate_hz(self) -> int:
        return self._bundle.manifest.frontend.sample_rate_hz

    @property
    def tally(self) -> Tally:
        """What was done so far."""
        return self._tally

    @property
    def windows_dropped(self) -> int:
        """Windows that inference was too slow for."""
        return self._backlog.dropped

    def _make_link(self) -> Link | None:
        settings = self._settings
        if not settings.mqtt.enabled:
            return None
        return Link(settings.mqtt, settings.node, self._topics.status, self._store, self._clock)

    def _serve_commands(self, link: Link, requests: Requests) -> None:
        """Let people ask for things by MQTT, where the site wants that."""
        if self._settings.commands.enabled:
            self._commands = box_commands(
                self._topics,
                self._settings.commands,
                mutes=self._mutes,
                verdicts=self._verdicts,
                clock=self._clock,
                reload=lambda: setattr(requests, "reload", True),
                known=lambda: self._listened_for,
                clip=self._clip_command(link),
            )
            link.serve(self._topics.command_filter, self._commands.handle)

    def _clip_command(self, link: Link) -> clips.ClipCommand | None:
        if self._recorder is None:
            return None
        folder = clips.folder_of(self._settings)
        return clips.ClipCommand(folder, self._store, partial(link.parcel, self._topics.clip))

    def _make_listener(self, source: SourceSettings) -> Listener:
        return make_listener(
            source,
            self._bundle,
            self._settings.windows.hop_s,
            backlog=self._backlog,
            clock=self._clock,
            usual=LevelBaseline(self._settings.state_dir / _LEVELS / f"{source.name}.json"),
            rest=True,
            on_block=None if self._recorder is None else self._recorder.push,
        )

    def _build(self, descriptions: DescriptionSet) -> watchlist.Watchlist:
        watch = listened_for(
            self._settings,
            self._bundle,
            descriptions,
            self._store,
            self._library,
            cache=self._cache,
            now=self._clock.now(),
        )
        watchlist.log_calibration(watch.calibration)
        return watch

    @property
    def _cache(self) -> Path | None:
        """Where embeddings are kept; nowhere if the state folder cannot be used."""
        return None if self._store.trouble else self._settings.state_dir / _CACHE

    def _finished(self) -> bool:
        """Whether no source will ever give another window, or one of the threads failed."""
        if any(listener.failure for listener in self._listeners):
            return True
        return all(listener.finished for listener in self._listeners) and self._backlog.empty

    def _score(self, timeout_s: float) -> None:
        windows = self._backlog.take(_BATCH, timeout_s)
        if not windows:
            return
        embeddings = self._encoder.embed(windows)
        if self._recorder is not None:
            self._recorder.scored(windows, embeddings)
        matches = self._watch.matcher.match(windows, embeddings)
        self._background.feed(matches, embeddings)
        for match in matches:
            self._handle(self._detector.feed(match))
            if self._on_match is not None:
                self._on_match(match)
            if self._settings.publish.scores:
                self._reporter.scores(match)
        self._tally.windows += len(windows)
        self._tally.lag_s = max(0.0, self._clock.now() - windows[-1].ends_at)

    def _handle(self, detections: Iterable[Detection]) -> None:
        alerts = self._alert_writer.handle(detections, self._watch.wordings, self._watch.digest)
        self._tally.alerts = self._alert_writer.alerts
        if self._recorder is not None:
            self._recorder.take(alerts)

    def _keep_house(self, requests: Requests) -> None:
        """Everything between two windows: states, reloads, reports."""
        for listener in self._listeners:
            listener.watch()
            status = listener.status
            if status.state is not SourceState.LOST:
                self._lost.discard(status.source)
            elif status.source not in self._lost:
                self._lost.add(status.source)
                self._handle(self._detector.close(status.source))
        if self._store.retry_disk():
            self._alert_writer.end_left_over()
            if self._link is not None:
                self._link.notify()
        if self._recorder is not None:
            self._recorder.tick()
        self._reload(requests)
        self._report()

    def _reload(self, requests: Requests) -> None:
        """Follow the descriptions file; what is in force goes on until the new list is ready."""
        found = self._file.poll()
        if requests.reload:
            requests.reload = False
            self._notifier.reloading()
            found = self._file.reload()
        if isinstance(found, Changed):
            self._newest = found.descriptions.digest
            self._wanted = found.descriptions
            self._builder.start(found.descriptions)
        elif found is not None:
            self._newest = ""
            self._reject("\n".join(map(str, found.problems)))
        elif self._library.changed(self._store.version):  # people answered: build it anew
            self._builder.start(self._wanted)
        built = self._builder.take()
        if isinstance(built, watchlist.Watchlist):
            self._handle(self._detector.reconfigure(built.policies))
            self._watch = built
            self._background.follow(built.calibration)
            self._listened_for = built.policies
            self._loaded_at = self._clock.now()
            if built.digest == self._newest:  # else the file holds something wrong by now
                self._config_error = ""
            self._tally.reloads += 1
            self._notifier.ready()
            _log.info("descriptions_reloaded", extra={"descriptions": built.count})
        elif built is not None:
            self._wanted = self._watch.descriptions or self._wanted
            self._reject(str(built))

    def _reject(self, reason: str) -> None:
        self._config_error = reason[:_MAX_REASON_CHARACTERS]
        self._tally.reloads_rejected += 1
        self._notifier.ready()
        _log.warning("descriptions_rejected", extra={"reason": reason})

    def _report(self) -> None:
        self._tally.store_errors = self._store.errors
        self._reporter.config(self._watch, self._loaded_at, self._config_error or None)
        health = self._reporter.report(
            Snapshot(
                state=self._state,
                bundle=self._bundle.digest,
                descriptions=self._watch.digest,
                sources=[listener.status for listener in self._listeners],
                tally=self._tally,
                windows_dropped=self._backlog.dropped,
                suppressed=self._detector.suppressed,
                outbox_depth=self._store.depth(),
                store_trouble=self._store.trouble,
                config_error=self._config_error,
                mutes=self._mutes.active,
                muted=self._mutes.count,
                commands=self._commands.tally if self._commands else CommandTally(),
                verdicts=self._verdicts.given,
                verdicts_undone=self._verdicts.undone,
                open_alerts=self._reporter.open_alerts(
                    self._store, at_once=self._state is State.STOPPED
                ),
                background=self._background.reasons,
                notify_errors=self._notifier.errors,
                clips=clips.ClipTally() if self._recorder is None else self._recorder.tally,
            )
        )
        if self._notifier.status_due:
            self._notifier.status(status_line(health.state, health.sources, health.reasons))

    def _shut_down(self) -> None:
        """Stop listening, end what is going on, say goodbye."""
        self._notifier.stopping()
        self._backlog.close()
        for listener in self._listeners:
            listener.stop(0.0)
        # All at once: many that hang must not take many times as long.
        until_s = self._clock.monotonic() + _STOP_S
        for listener in self._listeners:
            listener.stop(max(0.0, until_s - self._clock.monotonic()))
        self._handle(self._detector.close())
        if self._recorder is not None:
            self._recorder.stop(2 * _STOP_S)
        self._state = State.STOPPED
        self._report()
        if self._link is not None:
            self._link.stop(2 * _STOP_S)
        self._store.close()
        _log.info(
            "stopped",
            extra={
                "windows": self._tally.windows,
                "windows_dropped": self._backlog.dropped,
                "alerts": self._tally.alerts,
                "notify_errors": self._notifier.errors,
            },
        )
