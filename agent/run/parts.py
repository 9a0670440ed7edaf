"""The parts of a box that stay whatever it listens for, opened together."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from agent import clips
from agent.alerts.reports import Reports
from agent.alerts.thresholds import Thresholds
from agent.alerts.verdicts import Verdicts
from agent.alerts.writer import AlertWriter
from agent.core.records import Origin
from agent.detector.mutes import Mutes
from agent.mqtt import Link
from agent.mqtt.topics import Topics
from agent.run.box_commands import box_commands
from agent.run.recent_command import RecentCommand
from agent.run.reporting import Reporting
from agent.run.teaching import Teaching
from agent.store.box import BoxStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.clock import Clock
    from agent.run.commands import Commands
    from agent.run.reporter import Snapshot
    from agent.watchlist.watchlist import Watchlist

_log = logging.getLogger(__name__)


class BoxParts:
    """What is told of detections, and what people answer."""

    def __init__(self, settings: Settings, bundle: Bundle, clock: Clock) -> None:
        """Open what can be opened; what cannot is reported and retried, not fatal.

        Raises:
            BundleError: the bundle's frontend is damaged.
            StateInUseError: another agent uses the state folder.
        """
        self.settings, self.bundle, self.clock = settings, bundle, clock
        self.topics = topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
        self.store = store = BoxStore(settings.state_dir, clock)
        self.link: Link | None = None
        """``None`` where MQTT is switched off."""
        if settings.mqtt.enabled:
            self.link = Link(settings.mqtt, settings.node, topics.status, store, clock)
        self.offered: frozenset[str] = frozenset()
        """Names of the commands that are taken by MQTT."""
        self.mutes = Mutes(clock)
        self.alert_writer = AlertWriter(
            bundle_digest=bundle.digest,
            topics=topics,
            store=store,
            link=self.link,
            clock=clock,
            clips=settings.clips.enabled,
        )
        self.recorder = clips.recorder(settings, bundle, store, clock)
        """``None`` where the site keeps no clips."""
        self.reports = Reports(topics=topics, store=store, link=self.link, clock=clock)
        self.verdicts = Verdicts(
            topics=topics, store=store, link=self.link, clock=clock, undo_s=settings.verdicts.undo_s
        )
        self.thresholds = Thresholds(
            store=store,
            clock=clock,
            settings=settings.commands,
            undo_s=settings.verdicts.undo_s,
        )

    def teaching(self, watch: Callable[[], Watchlist]) -> Teaching:
        """What takes sounds that raised no alert.

        Args:
            watch: what is listened for now; called in the link's thread too.
        """
        reporting = Reporting(
            recorder=self.recorder,
            reports=self.reports,
            settings=self.settings.clips,
            bundle=self.bundle,
            watch=watch,
        )
        return Teaching(reporting, self.clock, self._tell_taught)

    def _tell_taught(self, payload: str) -> None:
        if self.link is not None and not self.link.parcel(self.topics.taught, iter([payload])):
            _log.warning("message_discarded", extra={"topic": self.topics.taught})

    def completed(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot of the box with what the parts know of themselves now."""
        recorder, verdicts, count = self.recorder, self.verdicts, self.reports.count
        return replace(
            snapshot,
            outbox_depth=self.store.depth(),
            store_trouble=self.store.trouble,
            mutes=self.mutes.active,
            muted=self.mutes.count,
            verdicts=verdicts.given,
            verdicts_undone=verdicts.undone,
            clips=clips.ClipTally() if recorder is None else recorder.tally,
            memory=clips.MemoryTally() if recorder is None else recorder.remembered,
            missed=count(Origin.MISSED),
            taught=count(Origin.TAUGHT),
        )

    def serve_commands(
        self,
        reload: Callable[[], None],
        known: Callable[[], Mapping[str, str]],
        teaching: Teaching,
    ) -> Commands | None:
        """Let people ask for things by MQTT, where the site wants that.

        Args:
            reload: asks for the descriptions to be read again; called in the link's thread.
            known: words of the descriptions that are listened for, by error id; called there too.
            teaching: takes sounds that raised no alert.
        """
        link, settings = self.link, self.settings
        if link is None or not settings.commands.enabled:
            return None
        clip = None
        if self.recorder is not None:
            send = partial(link.parcel, self.topics.clip)
            clip = clips.ClipCommand(clips.folder_of(settings), self.store, send)
        commands = box_commands(
            self.topics,
            settings.commands,
            mutes=self.mutes,
            verdicts=self.verdicts,
            thresholds=self.thresholds,
            clock=self.clock,
            reload=reload,
            known=known,
            clip=clip,
            teaching=teaching,
            recent=RecentCommand(
                teaching.reporting,
                partial(link.parcel, self.topics.recent),
                self.bundle.manifest.frontend.sample_rate_hz,
            ),
        )
        self.offered = commands.names
        link.serve(self.topics.command_filter, commands.handle)
        return commands
