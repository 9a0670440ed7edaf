"""Reads what ``agent.yaml`` says of the broker and of commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.config import fields
from agent.config.settings import (
    DAY_S,
    PORT,
    PORT_TLS,
    CommandSettings,
    MqttSettings,
    TlsSettings,
    VerdictSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.config.fields import Table

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what ``LoadCredential=`` names."""

_CREDENTIALS_MARK = f"${{{CREDENTIALS}}}"
_TLS_FILES = ("ca_file", "cert_file", "key_file")
_MAX_NAME_CHARACTERS = 64
_NOT_IN_A_TOPIC_LEVEL = re.compile(r"[+#/\s]|^\$")


def read_mqtt(
    table: Table, file: Callable[[str], Path], environ: Mapping[str, str]
) -> MqttSettings:
    """The broker and how to talk to it.

    Args:
        table: ``mqtt`` of ``agent.yaml``.
        file: makes a path of a text.
        environ: the environment variables.
    """
    default = MqttSettings()
    readable = readable_file(file, environ)
    tls = _tls(table.table("tls"), readable)
    mqtt = MqttSettings(
        enabled=table.value("enabled", fields.switch, default.enabled),
        host=table.value("host", host_name, default.host),
        port=table.value("port", fields.integer(1, 65_535), PORT_TLS if tls else PORT),
        prefix=table.value("prefix", _prefix, default.prefix),
        username=table.value("username", fields.text(), None),
        password_file=table.value("password_file", readable, None),
        tls=tls,
        keepalive_s=table.value("keepalive_s", fields.integer(5, 65_535), default.keepalive_s),
        session_expiry_s=table.value(
            "session_expiry_s", fields.integer(0, 365 * DAY_S), default.session_expiry_s
        ),
        protocol=table.value("protocol", fields.choice(type(default.protocol)), default.protocol),
    )
    if mqtt.password_file is not None and mqtt.username is None and not table.has("username"):
        table.report("password_file", "is given without a username", "write mqtt.username too")
    table.finish()
    return mqtt


def _tls(table: Table, readable: Callable[[str], Path]) -> TlsSettings | None:
    enabled = table.value("enabled", fields.switch, default=False)
    tls = TlsSettings(
        ca_file=table.value("ca_file", readable, None),
        cert_file=table.value("cert_file", readable, None),
        key_file=table.value("key_file", readable, None),
        insecure=table.value("insecure", fields.switch, default=False),
    )
    for name, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if table.has(name) and not table.has(other):
            table.report(name, f"is given without {other}", f"write mqtt.tls.{other} too")
    if not enabled and (given := [name for name in _TLS_FILES if table.has(name)]):
        # Whoever names a certificate expects encryption: do not go on in the clear.
        table.report(given[0], "is given, but mqtt.tls.enabled is false", "write enabled: true")
    table.finish()
    return tls if enabled else None


def read_commands(table: Table) -> CommandSettings:
    """What may be asked of this box by MQTT."""
    default = CommandSettings()
    commands = CommandSettings(
        enabled=table.value("enabled", fields.switch, default.enabled),
        mute_longest_s=table.value(
            "mute_longest_s", fields.number(1.0, DAY_S), default.mute_longest_s
        ),
        per_minute=table.value("per_minute", fields.number(1.0, 600.0), default.per_minute),
    )
    table.finish()
    return commands


def read_verdicts(table: Table) -> VerdictSettings:
    """What people may do with their verdicts."""
    default = VerdictSettings()
    verdicts = VerdictSettings(
        undo_s=table.value("undo_s", fields.number(0.0, DAY_S), default.undo_s)
    )
    table.finish()
    return verdicts


def topic_level(raw: str) -> str:
    """A name that stands between two slashes of a topic."""
    name = fields.text()(raw)
    if _NOT_IN_A_TOPIC_LEVEL.search(name) or len(name) > _MAX_NAME_CHARACTERS:
        raise ValueError(
            f"write at most {_MAX_NAME_CHARACTERS} characters, without spaces, '/', '+', '#' "
            "and a '$' in front (MQTT gives them a meaning)"
        )
    return name


def _prefix(raw: str) -> str:
    """One or several levels of a topic."""
    levels = raw.split("/")
    if not all(levels):
        raise ValueError("write names with one '/' between them, none at either end")
    return "/".join(map(topic_level, levels))


def host_name(raw: str) -> str:
    """A host name or an address."""
    host = fields.text(253)(raw)
    if "/" in host or " " in host:
        raise ValueError("write a host name or an address, without 'mqtt://'")
    return host


def readable_file(file: Callable[[str], Path], environ: Mapping[str, str]) -> Callable[[str], Path]:
    """A path to a file that can be read now; may start at systemd's folder of credentials."""

    def convert(raw: str) -> Path:
        if raw.startswith(_CREDENTIALS_MARK):
            folder = environ.get(CREDENTIALS)
            if not folder:
                raise ValueError(
                    f"start it by systemd with LoadCredential=, or set {CREDENTIALS} to try it"
                )
            raw = f"{folder}{raw.removeprefix(_CREDENTIALS_MARK)}"
        elif "$" in raw:
            raise ValueError(f"write the path out: only {_CREDENTIALS_MARK} may stand in front")
        path = file(raw)
        try:
            if not path.is_file():
                raise ValueError("name a file that exists")
            with path.open("rb"):
                return path
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ValueError(f"name a file that can be read ({reason})") from error

    return convert
