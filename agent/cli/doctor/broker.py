"""The broker: step by step to a login, and what it allows."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from agent.cli.check.machine import check_secrecy
from agent.cli.doctor.findings import Finding, Outcome, Part, fail, of_problem, ok, warn
from agent.mqtt import LoginError, Step, ask_rights
from agent.mqtt.messages import level_payload
from agent.mqtt.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.config import Settings
    from agent.core.errors import Problem

_STEPS = (Step.NAME, Step.PORT, Step.TLS, Step.LOGIN)


def broker(settings: Settings, level_dbfs: float | None) -> Iterator[Finding]:
    """What a box comes upon on its way to the broker.

    Args:
        settings: of the site.
        level_dbfs: of the first source, which is published as its level to see whether that may
            be; ``None`` where none was measured.
    """
    mqtt = settings.mqtt
    if not mqtt.enabled:
        yield warn(Part.BROKER, "broker_off")
        return
    secrecy: list[Problem] = []
    check_secrecy(mqtt, secrecy)
    yield from (of_problem(Part.BROKER, Outcome.WARN, one) for one in secrecy)
    topics = Topics(mqtt.prefix, settings.site, settings.node)
    topic = topics.source_level(settings.sources[0].name)
    where = {"host": mqtt.host, "port": str(mqtt.port)}
    try:
        rights = ask_rights(mqtt, topic, level_payload(level_dbfs), topics.command_filter)
    except LoginError as error:
        if error.step in _STEPS:
            yield from _reached(settings, _STEPS[: _STEPS.index(error.step)])
        detail = str(error).removeprefix("mqtt: ").removeprefix("no connection to ")
        if error.step in {Step.NAME, Step.PORT}:  # for these there is a better remedy
            detail, _, _ = detail.rpartition("; ")
        yield fail(Part.BROKER, f"broker_no_{error.step}", detail=detail, **where)
        return
    yield from _reached(settings, _STEPS[:-1])
    user = mqtt.username or "-"
    yield ok(Part.BROKER, "broker_login", user=user, version=rights.version, **where)
    for refused, why in rights.refused.items():
        code = "broker_deaf" if refused == topics.command_filter else "broker_mute"
        yield fail(Part.BROKER, code, topic=refused, why=why, user=user, root=topics.root)
    if not rights.told:
        yield ok(Part.BROKER, "broker_rights_untold", root=topics.root)
    elif not rights.refused:
        yield ok(Part.BROKER, "broker_rights", root=topics.root)


def _reached(settings: Settings, steps: tuple[Step, ...]) -> Iterator[Finding]:
    """The steps that went well."""
    mqtt = settings.mqtt
    where = {"host": mqtt.host, "port": str(mqtt.port)}
    if Step.NAME in steps and (addresses := _addresses(mqtt.host)) != mqtt.host:
        yield ok(Part.BROKER, "broker_name", addresses=addresses, **where)
    if Step.PORT in steps:
        yield ok(Part.BROKER, "broker_port", **where)
    if Step.TLS in steps and mqtt.tls is not None:
        yield ok(Part.BROKER, "broker_tls", **where)


def _addresses(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # it was there a moment ago
        return host
    return ", ".join(dict.fromkeys(str(address[4][0]) for address in found))
