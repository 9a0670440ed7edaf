"""Commands that come in by MQTT: checked, limited, carried out once, and always answered.

The dispatcher knows nothing of what a command does. To add one, write a class like
:class:`agent.run.mute_command.MuteCommand`, which reads its fields and acts or raises
``RefusedError``, and name it, with how often it may come, in the table of
:mod:`agent.run.box_commands`.

An accepted ``request_id`` is remembered, for the last ``_REMEMBERED`` of them and until a restart:
when the broker delivers a message twice, the answer is repeated and nothing else happens. After a
restart a command may therefore be carried out again; what must not be recognises that by itself
(a verdict by its ``request_id`` in the store) and is asked each time.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from agent.alerts.alerts import timestamp
from agent.alerts.requests import Done
from agent.config.values import nearest
from agent.core.rate_limit import Bucket, Rate
from agent.core.reasons import Reason
from agent.mqtt import Reply
from agent.mqtt.payload import Fields, RefusedError, parse, shown
from agent.mqtt.topics import RESULT
from agent.run.refusals import STALE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.clock import Clock
    from agent.mqtt import Incoming
    from agent.mqtt.topics import Topics

SCHEMA = 1

_REMEMBERED = 1_000
_MAX_TOPIC_BYTES = 256
_SHOWN_CHARACTERS = 64
_MAX_CORRELATION_BYTES = 256
# What has waited comes as soon as the subscription stands; a minute is long for a week of it.
_WAITED_S = 60.0
ANSWERS = Rate(burst=20, per_minute=60)
"""Refusals that are answered; beyond that they are only counted."""

_DONE = Done()

_log = logging.getLogger(__name__)


class Handler(Protocol):
    """Carries out one kind of command."""

    def __call__(self, fields: Fields) -> Done | bool | None:
        """Read the command's own fields, :meth:`Fields.finish`, and act.

        Returns:
            ``True``, or what says so, where it recognises that this very command was carried out
            before.

        Raises:
            RefusedError: it is not carried out.
        """


@dataclass(frozen=True, slots=True)
class Command:
    """One kind of command: what carries it out, and how often it may come."""

    handler: Handler
    rate: Rate
    recognises: bool = False
    """Whether the handler itself recognises what it carried out before, also after a restart."""
    of_now: bool = False
    """Whether one that has waited at the broker for long is not to be carried out any more."""


@dataclass(frozen=True, slots=True)
class CommandTally:
    """What came of the commands since the start."""

    accepted: int = 0
    refused: int = 0
    """Not carried out for any reason; retained and limited ones count."""
    limited: int = 0
    """Refused for coming faster than their rate allows."""
    duplicated: int = 0
    """Requests delivered again, which were answered again and not carried out again."""
    unanswered: int = 0
    """Refused without an answer, since refusals are answered at a limited rate."""

    def counters(self) -> dict[str, int]:
        """By their names in health."""
        names = CommandTally.__dataclass_fields__
        return {f"commands_{name}": getattr(self, name) for name in names}


class _LimitedError(RefusedError):
    """A command came faster than its rate allows."""


class Commands:
    """Takes every message below ``cmd/``. Used by the link's thread alone."""

    def __init__(self, topics: Topics, commands: Mapping[str, Command], clock: Clock) -> None:
        self._topics = topics
        self._commands = commands
        self._clock = clock
        self._buckets = {name: Bucket(command.rate, clock) for name, command in commands.items()}
        self._answers = Bucket(ANSWERS, clock)
        self._accepted: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        self._counts = {field.name: 0 for field in fields(CommandTally)}

    @property
    def names(self) -> frozenset[str]:
        """Of the commands that are taken."""
        return frozenset(self._commands)

    @property
    def tally(self) -> CommandTally:
        """What came of the commands so far."""
        return CommandTally(**self._counts)

    def handle(self, incoming: Incoming) -> list[Reply]:
        """Carry out a command and say what came of it."""
        if not incoming.payload and incoming.retained:
            return []  # somebody clears a retained command away
        name = incoming.topic.removeprefix(f"{self._topics.commands}/")
        if name.split("/")[0] == RESULT:
            return []  # an answer of ours
        request_id: str | None = None
        response_topic: str | None = None
        try:
            response_topic = self._response_topic(incoming)
            command, payload = self._open(name, incoming)
            request_id = payload.request_id() or None
            done = self._carry_out(command, (name, request_id), payload)
        except RefusedError as error:
            self._counts["refused"] += 1
            self._counts["limited"] += isinstance(error, _LimitedError)
            _log.warning("command_refused", extra={"command": shown(name), "reason": str(error)})
            if self._answers.take():
                self._counts["unanswered"] += 1
                return []
            refusal = Reason.given(str(error), "request_wrong")
            result = self._result(name, request_id, refusal=refusal)
        else:
            self._counts["duplicated" if done.duplicate else "accepted"] += 1
            _log.info("command_accepted", extra={"command": name, "request_id": request_id})
            result = self._result(name, request_id, done)
        correlation = (incoming.correlation or b"")[:_MAX_CORRELATION_BYTES] or None
        replies = [Reply(self._topics.result, result, correlation)]
        if response_topic is not None:
            replies.append(Reply(response_topic, result, correlation, lasting=False))
        return replies

    def _open(self, name: str, incoming: Incoming) -> tuple[Command, Fields]:
        """Find the command and read its payload.

        Raises:
            RefusedError: it is unknown, comes too often, is retained, may be old or cannot be
                read.
        """
        command = self._commands.get(name)
        if command is None:
            near = nearest(name, self._commands)
            if near:
                raise RefusedError(Reason.of("command_misspelt", command=shown(name), near=near))
            known = ", ".join(self._commands)
            raise RefusedError(Reason.of("command_unknown", command=shown(name), known=known))
        if wait_s := self._buckets[name].take():
            seconds = round(max(1.0, wait_s))
            raise _LimitedError(Reason.of("command_too_often", command=name, seconds=seconds))
        if incoming.retained:
            raise RefusedError(Reason.of("command_retained"))
        if command.of_now and not self._clock.synced():
            _refuse_waited(incoming)
        payload = Fields(parse(incoming.payload))
        payload.one("schema", SCHEMA)
        return command, payload

    def _carry_out(self, command: Command, key: tuple[str, str | None], payload: Fields) -> Done:
        """Do what a command asks for, once; whether it had been done before.

        Raises:
            RefusedError: it is not carried out.
        """
        if command.recognises:
            done = command.handler(payload)
            return done if isinstance(done, Done) else Done(bool(done))
        if key in self._accepted:
            self._accepted.move_to_end(key)
            return Done(duplicate=True)
        command.handler(payload)
        self._accepted[key] = None
        if len(self._accepted) > _REMEMBERED:
            self._accepted.popitem(last=False)
        return Done()

    def _response_topic(self, incoming: Incoming) -> str | None:
        """Where else to answer.

        Raises:
            RefusedError: an answer there could pass for something else that boxes say or hear.
        """
        topic, correlation = incoming.response_topic, incoming.correlation or b""
        if len(correlation) > _MAX_CORRELATION_BYTES:
            raise RefusedError(
                Reason.of(
                    "correlation_too_long", size=len(correlation), most=_MAX_CORRELATION_BYTES
                )
            )
        if topic is None:
            return None
        ours = topic.startswith(f"{self._topics.result}/")
        wrong = (
            not topic
            or len(topic.encode("utf-8", "replace")) > _MAX_TOPIC_BYTES
            or topic.startswith("$")
            or not topic.isprintable()
            or any(sign in topic for sign in "+#")
            or (topic.startswith(f"{self._topics.prefix}/") and not ours)
        )
        if wrong:
            raise RefusedError(
                Reason.of(
                    "response_topic",
                    topic=shown(topic),
                    result=self._topics.result,
                    prefix=self._topics.prefix,
                )
            )
        return topic

    def _result(
        self,
        name: str,
        request_id: str | None,
        done: Done = _DONE,
        *,
        refusal: Reason | None = None,
    ) -> str:
        """The JSON of an answer (``docs/mqtt/cmd-result.schema.json``)."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "command": name[:_SHOWN_CHARACTERS],
                "request_id": request_id,
                "accepted": refusal is None,
                "duplicate": done.duplicate,
                "reason": refusal,
                **({} if done.alert_id is None else {"alert_id": done.alert_id}),
                **({} if refusal is None else refusal.parts[0].to_dict()),
                "ts": timestamp(self._clock.now()),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )


def _refuse_waited(incoming: Incoming) -> None:
    """Keep out what may be old, on a box whose clock cannot tell.

    Raises:
        RefusedError: it came soon after the connection, with nothing that says how old it is.
    """
    wait_s = _WAITED_S - incoming.after_connect_s
    bounded = incoming.expires_in_s is not None and incoming.expires_in_s <= STALE_S
    if wait_s > 0 and not bounded:
        seconds = round(max(1.0, wait_s))
        raise RefusedError(Reason.of("command_waited", seconds=seconds, most=STALE_S))
