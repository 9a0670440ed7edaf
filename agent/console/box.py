"""The box as the console knows it: what it published last, and what is asked of it."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.alerts.alerts import timestamp
from agent.console.board import from_message
from agent.console.recent import Recent
from agent.core.errors import BrokerError
from agent.core.reasons import Reason
from agent.mqtt import Follower
from agent.mqtt.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config import Settings
    from agent.console.board import Board
    from agent.console.hub import Hub
    from agent.core.clock import Clock
    from agent.mqtt import Incoming

_SCHEMA = 1
_LOOK_S = 1.0
_MOST_SOURCES = 64
_SHOWN_CHARACTERS = 20
_OFF = Reason.of("mqtt_off")

_log = logging.getLogger(__name__)


class Box:
    """Follows one box and tells the browsers. Used by the event loop's thread alone."""

    def __init__(self, settings: Settings, board: Board, hub: Hub, clock: Clock) -> None:
        self._board = board
        self._hub = hub
        self._clock = clock
        self._topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._follower: Follower | None = None
        self._open_message: dict[str, Any] = {}
        self._listed: dict[str, dict[str, Any]] = {}
        self._count = 0
        self.recent = Recent()
        """What was asked for of the last minutes."""
        self._states: dict[str, Any] = {"status": None, "health": None, "config": None}
        self._sources: dict[str, dict[str, Any]] = {}
        self._takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "health": lambda data: self._state("health", data),
            "config/state": lambda data: self._state("config", data),
            "scores": lambda data: hub.tell("scores", data, score=True),
            "cmd/result": lambda data: hub.tell("result", data),
            "taught": lambda data: hub.tell("taught", data),
            "recent": self._piece,
            "alerts/open": self._open,
            "alert": self._alert,
        }
        mqtt = settings.mqtt
        if mqtt.enabled:
            console = settings.console
            if console.username is not None:
                mqtt = replace(mqtt, username=console.username, password_file=console.password_file)
            self._follower = Follower(
                mqtt, f"{self._topics.root}/#", self._received, lambda: self._call(self._linked)
            )

    async def start(self) -> None:
        """Begin to follow the box."""
        self._loop = asyncio.get_running_loop()
        self._watching = asyncio.create_task(self._watch())
        if self._follower is not None:
            self._follower.start()

    async def stop(self) -> None:
        """End it."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        if self._follower is not None:
            await asyncio.to_thread(self._follower.stop)
        self._loop = None

    @property
    def trouble(self) -> str:
        """Why nothing can be asked of the box; empty if it can."""
        return _OFF if self._follower is None else self._follower.trouble

    def link(self) -> dict[str, Any]:
        """How the console is connected."""
        troubles = {
            "broker": Reason.given(self.trouble, "broker_away"),
            "store": Reason.given(self._board.trouble, "database_unreadable"),
        }
        return {**troubles, "codes": {part: why.to_list() for part, why in troubles.items() if why}}

    def overview(self) -> dict[str, Any]:
        """All that is known of the box now, for a page that is just opened."""
        return {
            **self._states,
            "sources": self._sources,
            "alerts": list(self._listed.values()),
            "count": self._count,
            "link": self.link(),
            "topics": self._topics.root,
        }

    async def ask(
        self, command: str, fields: dict[str, Any], *, expires_s: int | None = None
    ) -> None:
        """Send a command; returns once the broker has it.

        Args:
            command: its name.
            fields: its own.
            expires_s: for how long it may wait at the broker, where it is of now.

        Raises:
            BrokerError: it has not; says what became of it.
        """
        if self._follower is None:
            raise BrokerError(_OFF)
        payload = json.dumps({"schema": _SCHEMA, **fields}, ensure_ascii=False)
        topic = f"{self._topics.commands}/{command}"
        await asyncio.to_thread(self._follower.send, topic, payload, expires_s=expires_s)

    def now(self, ago_s: float = 0.0) -> str:
        """UTC, as commands want it: of now, or of some seconds ago."""
        return timestamp(self._clock.now() - ago_s)

    def _received(self, incoming: Incoming) -> None:
        """On the follower's thread."""
        self._call(lambda: self._take(incoming))

    def _call(self, act: Callable[[], None]) -> None:
        """On the follower's thread: have it done on the loop's."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop ended just now
                loop.call_soon_threadsafe(act)

    def _linked(self) -> None:
        """The connection came or went: how the box is by now, only its own word can tell."""
        if self.trouble:
            self._state("status", None)
        self._hub.tell("link", self.link())

    def _take(self, incoming: Incoming) -> None:
        """One message of the box, which anybody may have written who may write to its topics."""
        topic = incoming.topic.removeprefix(f"{self._topics.root}/")
        text = incoming.payload.decode("utf-8", "replace")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = text[:_SHOWN_CHARACTERS]
        levels = topic.split("/")
        if topic == "status":
            self._state("status", str(data))
        elif levels[0] == "source" and len(levels) == 3:  # noqa: PLR2004 - source/{source}/{what}
            self._source(levels[1], levels[2], data)
        elif topic in self._takers:
            if isinstance(data, dict):
                self._takers[topic](data)
            else:
                _log.warning("message_not_understood", extra={"topic": topic})

    def _piece(self, data: dict[str, Any]) -> None:
        told = self.recent.take(data)
        if told is not None:
            self._hub.tell("recent", told)

    def _open(self, data: dict[str, Any]) -> None:
        self._open_message = data
        self._look.set()

    def _alert(self, data: dict[str, Any]) -> None:
        """Show it at once; the database, which is asked next, has the last word."""
        if data.get("event_type") == "reviewed":
            self._hub.tell("reviewed", data)
        else:
            view = from_message(data)
            if view is not None and (view["step"] == "new" or view["alert_id"] in self._listed):
                known = self._listed.get(view["alert_id"], view)
                view["clip"] = known["clip"]
                self._listed[view["alert_id"]] = view
                self._hub.tell("alert", view)
        self._look.set()

    def _state(self, name: str, value: Any) -> None:
        if self._states[name] != value:
            self._states[name] = value
            self._hub.tell(name, value)

    def _source(self, name: str, what: str, value: Any) -> None:
        if what not in {"state", "level"}:
            return
        if name not in self._sources and len(self._sources) >= _MOST_SOURCES:
            return
        if what == "level" and not (value is None or isinstance(value, int | float)):
            return
        source = self._sources.setdefault(name, {"state": None, "level": None})
        source[what] = value
        self._hub.tell("source", {"name": name, **source})

    async def _watch(self) -> None:
        """Keep the list as the database has it."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _LOOK_S)
            asked = self._look.is_set()
            self._look.clear()
            trouble = self._board.trouble
            try:
                if await asyncio.to_thread(self._board.changed) or asked:
                    await self._refresh()
            except Exception:  # without this task the page would stand still
                _log.exception("list_failed")
            if self._board.trouble != trouble:
                self._hub.tell("link", self.link())

    async def _refresh(self) -> None:
        found = await asyncio.to_thread(self._board.open_alerts, self._open_message)
        after = {view["alert_id"]: view for view in found["alerts"]}
        before, self._listed, self._count = self._listed, after, found["count"]
        for alert_id, view in reversed(after.items()):
            if before.get(alert_id) != view:
                self._hub.tell("alert", view)
        gone = [alert_id for alert_id in before if alert_id not in after]
        if gone:
            self._hub.tell("gone", gone)
        self._hub.tell("count", self._count)
