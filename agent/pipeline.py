"""Builds the stages and runs them: the only file that knows their order.

A thread for each source cuts windows into the backlog; the thread that calls :meth:`Pipeline.run`
scores them and keeps house; a short one builds a new watchlist when the descriptions change; the
link drains the outbox on its own. They meet at the backlog, the store and the link.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent import watchlist
from agent.alerts import AlertBook, alert_payload
from agent.backlog import Backlog
from agent.capture.build import make_source
from agent.capture.supervisor import Supervisor
from agent.config import FileSettings, MicrophoneSettings
from agent.descriptions import Changed, DescriptionsFile
from agent.detector import Detector
from agent.encoder import Encoder
from agent.errors import ConfigError, Problem, StoreError
from agent.features import LogMel
from agent.health import State
from agent.listener import Listener
from agent.mqtt import Link
from agent.records import Provenance, SourceState, Step
from agent.reports import Reporter, Snapshot, Tally
from agent.store import Store
from agent.topics import Topics
from agent.windows import Windower

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from agent.bundle import Bundle
    from agent.clock import Clock
    from agent.config import Settings
    from agent.descriptions import DescriptionSet
    from agent.records import Alert, Detection, Match

_log = logging.getLogger(__name__)

# Windows scored together when the box has to catch up.
_BATCH = 8
_TICK_S = 0.1
_STOP_S = 5.0
_CACHE = "embeddings"


@dataclass(frozen=True, slots=True)
class Requests:
    """What may be asked of a running pipeline from outside, by signals."""

    stop: threading.Event
    reload: threading.Event


class Pipeline:
    """One box from microphone to broker."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        clock: Clock,
        on_match: Callable[[Match], None] | None = None,
    ) -> None:
        """Open what can be opened; what cannot is reported and retried, not fatal.

        Args:
            settings: of this box.
            bundle: the model.
            clock: of the operating system, or a test's.
            on_match: told of every scored window.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
        """
        self._settings = settings
        self._bundle = bundle
        self._clock = clock
        self._on_match = on_match
        self._encoder = Encoder(bundle, threads=settings.encoder.threads)
        self._topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
        self._tally = Tally()
        self._store_trouble = ""
        self._store = self._open_store()
        self._link = self._make_link()
        self._reporter = Reporter(self._link, self._topics, settings.publish, clock)
        self._backlog = Backlog(settings.windows.queue_windows)
        self._book = AlertBook()
        self._listeners = [self._make_listener(index) for index in range(len(settings.sources))]
        self._lost: set[str] = set()
        self._state = State.STARTING
        self._config_error = ""

    def run(self, descriptions: DescriptionSet, requests: Requests) -> int:
        """Listen until a stop is asked for or every source has ended.

        Returns:
            0; 1 if a thread failed.
        """
        self._file = DescriptionsFile(self._settings.descriptions, self._clock, descriptions)
        if self._link is not None:
            self._link.start()
        self._watch = self._build(descriptions)
        self._builder = watchlist.Builder(self._build)
        self._detector = Detector(self._watch.policies, self._sample_rate_hz)
        self._end_alerts_of_the_run_before()
        self._loaded_at = self._clock.now()
        self._state = State.OK
        for listener in self._listeners:
            listener.start()
        _log.info(
            "ready", extra={"descriptions": self._watch.count, "sources": len(self._listeners)}
        )
        try:
            while not requests.stop.is_set() and not self._finished():
                self._score(_TICK_S)
                self._keep_house(requests)
        finally:
            self._shut_down()
        return 1 if any(listener.failure for listener in self._listeners) else 0

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

    def _open_store(self) -> Store:
        try:
            return Store.open(self._settings.state_dir)
        except StoreError as error:
            self._store_trouble = f"{error}; alerts are kept in memory until then"
            _log.error("store_unusable", extra={"reason": str(error)})
            return Store.in_memory()

    def _make_link(self) -> Link | None:
        settings = self._settings
        if not settings.mqtt.enabled:
            return None
        return Link(settings.mqtt, settings.node, self._topics.status, self._store, self._clock)

    def _make_listener(self, position: int) -> Listener:
        source = self._settings.sources[position]
        constants, tuning = self._bundle.manifest.frontend, self._bundle.manifest.tuning
        hop_frames = self._settings.windows.hop_s * constants.frame_rate_hz
        if hop_frames != round(hop_frames):
            step_s = 1.0 / constants.frame_rate_hz
            remedy = f"write a multiple of {step_s:g} s, such as {tuning.hop_frames * step_s:g}"
            found = f"{self._settings.windows.hop_s:g} is not a whole number of frames"
            raise ConfigError([Problem("windows.hop_s", found, remedy)])
        supervisor = Supervisor(
            make_source(source, self._sample_rate_hz, self._clock),
            sample_rate_hz=self._sample_rate_hz,
            clock=self._clock,
        )
        windower = Windower(
            source.name,
            constants,
            tuning.window_frames,
            round(hop_frames),
            LogMel.of(self._bundle),
        )
        live = isinstance(source, MicrophoneSettings) or (
            isinstance(source, FileSettings) and source.realtime
        )
        return Listener(supervisor, windower, self._backlog, live=live)

    def _build(self, descriptions: DescriptionSet) -> watchlist.Watchlist:
        return watchlist.build(self._bundle, descriptions, self._cache)

    @property
    def _cache(self) -> Path | None:
        """Where embeddings are kept; nowhere if the state folder cannot be used."""
        return None if self._store_trouble else self._settings.state_dir / _CACHE

    def _finished(self) -> bool:
        """Whether no source will ever give another window, or one of the threads failed."""
        if any(listener.failure for listener in self._listeners):
            return True
        return all(listener.finished for listener in self._listeners) and self._backlog.empty

    def _score(self, timeout_s: float) -> None:
        windows = self._backlog.take(_BATCH, timeout_s)
        if not windows:
            return
        embeddings = self._encoder.encode(np.stack([window.log_mel for window in windows]))
        for match in self._watch.matcher.match(windows, embeddings):
            self._handle(self._detector.feed(match))
            if self._on_match is not None:
                self._on_match(match)
            if self._settings.publish.scores:
                self._reporter.scores(match)
        self._tally.windows += len(windows)
        self._tally.lag_s = max(0.0, self._clock.now() - windows[-1].ends_at)

    def _handle(self, detections: Iterable[Detection]) -> None:
        """Turn detections into alerts, and write each with its message."""
        provenance = Provenance(self._bundle.digest, self._watch.digest)
        for detection in detections:
            alert = self._book.take(
                detection,
                self._watch.wordings,
                provenance,
                clock_synced=self._clock.synced(),
                now=self._clock.now(),
            )
            self._tally.alerts += detection.step is Step.NEW
            self._record(alert)
            _log.info(
                "alert",
                extra={
                    "step": detection.step.value,
                    "alert_id": alert.alert_id,
                    "error_id": detection.error_id,
                    "score": round(detection.score, 2),
                    "source": detection.source,
                },
            )

    def _record(self, alert: Alert) -> None:
        """Write an alert and its message; in memory where the disk refuses, so none is lost."""
        payload = alert_payload(alert, self._settings.site, self._settings.node)
        messages = [(self._topics.alert, payload)] if self._link is not None else []
        try:
            self._store.record(alert, messages)
        except StoreError as error:
            self._tally.store_errors += 1
            self._store_trouble = f"{error}; alerts are kept in memory until the next start"
            _log.error("store_failed", extra={"reason": str(error)})
            self._store = Store.in_memory()
            self._store.record(alert, messages)
            if self._link is not None:
                self._link.use_outbox(self._store)
        if self._link is not None:
            self._link.notify()

    def _end_alerts_of_the_run_before(self) -> None:
        """After a crash: what was going on then is over, and dashboards have to hear it."""
        for alert in self._store.unfinished():
            ended = replace(alert.detection, step=Step.END)
            self._record(replace(alert, detection=ended))

    def _keep_house(self, requests: Requests) -> None:
        """Everything between two windows: states, reloads, reports."""
        for listener in self._listeners:
            status = listener.status
            if status.state is not SourceState.LOST:
                self._lost.discard(status.source)
            elif status.source not in self._lost:
                self._lost.add(status.source)
                self._handle(self._detector.close(status.source))
        self._reload(requests)
        self._report()

    def _reload(self, requests: Requests) -> None:
        """Follow the descriptions file; what is in force goes on until the new list is ready."""
        found = self._file.poll()
        if requests.reload.is_set():
            requests.reload.clear()
            found = self._file.reload()
        if isinstance(found, Changed):
            self._builder.start(found.descriptions)
        elif found is not None:
            self._reject("\n".join(map(str, found.problems)))
        built = self._builder.take()
        if isinstance(built, watchlist.Watchlist):
            self._handle(self._detector.reconfigure(built.policies))
            self._watch = built
            self._loaded_at = self._clock.now()
            self._config_error = ""
            self._tally.reloads += 1
            _log.info("descriptions_reloaded", extra={"descriptions": built.count})
        elif built is not None:
            self._reject(str(built))

    def _reject(self, reason: str) -> None:
        self._config_error = reason
        self._tally.reloads_rejected += 1
        _log.warning("descriptions_rejected", extra={"reason": reason})

    def _report(self) -> None:
        self._reporter.config(
            self._watch.digest, self._watch.count, self._loaded_at, self._config_error or None
        )
        self._reporter.report(
            Snapshot(
                state=self._state,
                bundle=self._bundle.digest,
                descriptions=self._watch.digest,
                sources=[listener.status for listener in self._listeners],
                tally=self._tally,
                windows_dropped=self._backlog.dropped,
                suppressed=self._detector.suppressed,
                outbox_depth=self._store.depth(),
                store_trouble=self._store_trouble,
                config_error=self._config_error,
            )
        )

    def _shut_down(self) -> None:
        """Stop listening, end what is going on, say goodbye."""
        self._backlog.close()
        for listener in self._listeners:
            listener.stop(_STOP_S)
        self._handle(self._detector.close())
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
            },
        )
