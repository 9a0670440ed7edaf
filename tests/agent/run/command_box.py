"""A box that takes commands, on a clock of the test's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from agent.alerts.alerts import timestamp
from agent.alerts.thresholds import Thresholds
from agent.alerts.verdicts import Verdicts
from agent.config import CommandSettings
from agent.detector.mutes import Mutes
from agent.mqtt import Incoming
from agent.mqtt.topics import Topics
from agent.run.box_commands import box_commands
from agent.store.box import BoxStore
from tests.fakes import FakeClock
from tests.schemas import validator

TOPICS = Topics("kikimimi", "plant", "press3")
CMD = "kikimimi/plant/press3/cmd"
RELOAD = {"schema": 1, "request_id": "r1"}


class Box:
    """What a box does with commands, on a clock of the test's."""

    def __init__(
        self,
        per_minute: float = 30.0,
        *,
        synced: bool = True,
        folder: Path = Path(os.devnull),
        clock: FakeClock | None = None,
    ) -> None:
        self.clock = clock or FakeClock(synced=synced)
        self.mutes = Mutes(self.clock)
        # Without a folder all of it is kept in memory.
        self.store = BoxStore(folder, self.clock)
        self.verdicts = Verdicts(
            topics=TOPICS, store=self.store, link=None, clock=self.clock, undo_s=900.0
        )
        settings = CommandSettings(per_minute=per_minute, mute_longest_s=3_600.0)
        self.thresholds = Thresholds(
            store=self.store, clock=self.clock, settings=settings, undo_s=900.0
        )
        self.reloads = 0
        self.commands = box_commands(
            TOPICS,
            settings,
            mutes=self.mutes,
            verdicts=self.verdicts,
            thresholds=self.thresholds,
            clock=self.clock,
            reload=self._reload,
            known=lambda: {
                "metal_part_dropped": "a metal part falls on the floor",
                "siren": "a siren wails",
            },
        )

    def _reload(self) -> None:
        self.reloads += 1

    def send(self, name: str, payload: object, **more: Any) -> dict[str, Any]:
        """Send a command; the answer on ``cmd/result``."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        replies = self.commands.handle(Incoming(f"{CMD}/{name}", raw, **more))
        assert replies[0].topic == f"{CMD}/result"
        result: dict[str, Any] = json.loads(replies[0].payload)
        validator("cmd-result").validate(result)
        return result

    def mute(self, **fields: Any) -> dict[str, Any]:
        """A valid mute, but for what is said."""
        return {
            "schema": 1,
            "request_id": "r1",
            "error_id": "siren",
            "duration_s": 600,
            "ts": timestamp(self.clock.now()),
        } | fields
