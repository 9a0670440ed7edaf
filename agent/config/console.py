"""Reads what ``agent.yaml`` says of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config import fields
from agent.config.broker import host_name, readable_file
from agent.config.settings import DAY_S, ConsoleSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.config.fields import Table

_SHORTEST_SESSION_S = 300.0


def read_console(
    table: Table, file: Callable[[str], Path], environ: Mapping[str, str]
) -> ConsoleSettings:
    """The local web page.

    Args:
        table: ``console`` of ``agent.yaml``.
        file: makes a path of a text.
        environ: the environment variables.
    """
    default = ConsoleSettings()
    readable = readable_file(file, environ)
    console = ConsoleSettings(
        host=table.value("host", host_name, default.host),
        port=table.value("port", fields.integer(1, 65_535), default.port),
        names=table.values("names", host_name, default.names),
        cert_file=table.value("cert_file", readable, None),
        key_file=table.value("key_file", readable, None),
        session_s=table.value(
            "session_s", fields.number(_SHORTEST_SESSION_S, 30 * DAY_S), default.session_s
        ),
        username=table.value("username", fields.text(), None),
        password_file=table.value("password_file", readable, None),
        tasks=table.value("tasks", file, None),
        recordings=table.value("recordings", file, None),
        ratings=table.value("ratings", file, None),
    )
    for name, other in (
        ("cert_file", "key_file"),
        ("key_file", "cert_file"),
        ("password_file", "username"),
    ):
        if table.has(name) and not table.has(other):
            table.report(name, f"is given without {other}", f"write console.{other} too")
    table.finish()
    return console
