"""Asks a running agent, which holds the microphone, to learn the next seconds."""

from __future__ import annotations

import json
import queue
import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.alerts.alerts import timestamp
from agent.cli.teach.learnt import Learnt, TeachError
from agent.mqtt import Follower
from agent.mqtt.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config import MqttSettings, Settings
    from agent.core.clock import Clock
    from agent.mqtt import Incoming

SCHEMA = 1
_CONNECT_S = 20.0
_ANSWER_S = 20.0
_KEPT_S = 30.0
"""After the sound."""
_LEARNT_S = 180.0
"""Until the box listens for it, on a slow one with many descriptions."""
_EXPIRES_S = 60


def ask(
    settings: Settings,
    clock: Clock,
    *,
    error_id: str,
    source: str,
    seconds: float,
    operator: str,
    tell: Callable[[str], None],
) -> Learnt:
    """Have the agent learn the next seconds of a source.

    Args:
        settings: of the box.
        clock: says when.
        error_id: of the description.
        source: that hears it.
        seconds: from the moment on at which ``tell`` is told.
        operator: who teaches.
        tell: told, in a line, what goes on.

    Raises:
        TeachError: the agent cannot be asked, refuses, or heard nothing.
    """
    if not settings.mqtt.enabled or not settings.commands.enabled:
        raise TeachError(
            "the running agent holds the microphone, and may not be asked: write mqtt.enabled: "
            "true and commands.enabled: true in agent.yaml, name a --file, or stop the agent first"
        )
    topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
    request_id = f"teach-{uuid.uuid4().hex}"
    answers = _Answers(request_id, topics, clock)
    changed = threading.Event()
    follower = Follower(_login(settings), f"{topics.root}/#", answers.take, changed.set)
    follower.start()
    try:
        changed.wait(_CONNECT_S)
        if follower.trouble:
            raise TeachError(
                f"the running agent holds the microphone, and cannot be asked: {follower.trouble}"
            )
        payload = {
            "schema": SCHEMA,
            "request_id": request_id,
            "error_id": error_id,
            "source": source,
            "seconds": seconds,
            "operator": operator,
            "ts": timestamp(clock.now()),
        }
        follower.send(
            f"{topics.commands}/teach",
            json.dumps(payload, ensure_ascii=False),
            expires_s=_EXPIRES_S,
        )
        result = answers.next(topics.result, _ANSWER_S, "the agent did not answer")
        if not result["accepted"]:
            raise TeachError(f"the agent refuses it: {result['reason']}")
        tell(f"make the sound now: {source} listens for {seconds:g} s")
        kept = answers.next(topics.taught, seconds + _KEPT_S, "nothing was told of the sound")
        if kept["step"] == "failed":
            raise TeachError(str(kept["reason"]))
        tell(f"heard and kept ({kept['alert_id']}); the box learns it")
        return Learnt(answers.next(topics.taught, _LEARNT_S, "the box did not tell what it learnt"))
    finally:
        follower.stop()


class _Answers:
    """What a box says of one request, in order."""

    def __init__(self, request_id: str, topics: Topics, clock: Clock) -> None:
        self._request_id = request_id
        self._topics = topics
        self._clock = clock
        self._heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def take(self, message: Incoming) -> None:
        """Take any message of the box; those of other requests are left out."""
        try:
            fields = json.loads(message.payload)
        except ValueError:
            return  # states of the box are no JSON
        if isinstance(fields, dict) and fields.get("request_id") == self._request_id:
            self._heard.put((message.topic, fields))

    def next(self, topic: str, within_s: float, what: str) -> dict[str, Any]:
        """The next answer on a topic.

        Raises:
            TeachError: there is none in time; tells what did not happen.
        """
        until_s = self._clock.monotonic() + within_s
        while (left_s := until_s - self._clock.monotonic()) > 0:
            try:
                found, fields = self._heard.get(timeout=left_s)
            except queue.Empty:
                break
            if found == topic:
                return fields
        raise TeachError(
            f"{what} within {within_s:g} s; see the agent's log, and whether this login may read "
            f"{self._topics.root}/# (console.username, docs/security.md)"
        )


def _login(settings: Settings) -> MqttSettings:
    """A login that may read what the box publishes: that of the console, where there is one."""
    console = settings.console
    if console.username is None:
        return settings.mqtt
    return replace(settings.mqtt, username=console.username, password_file=console.password_file)
