"""Reads ``agent.yaml`` and the environment into settings."""

from __future__ import annotations

import re
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from agent import fields, yamlfile
from agent.config.settings import (
    DAY_S,
    PORT,
    PORT_TLS,
    EncoderSettings,
    FileSettings,
    LogSettings,
    MicrophoneSettings,
    MqttSettings,
    PublishSettings,
    Settings,
    SourceSettings,
    StdinSettings,
    TlsSettings,
    WindowsSettings,
)
from agent.errors import ConfigError, Problem
from agent.fields import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG_VARIABLE = "KIKIMIMI_CONFIG"
ENVIRONMENT = {
    "KIKIMIMI_SITE": "site",
    "KIKIMIMI_NODE": "node",
    "KIKIMIMI_BUNDLE": "bundle",
    "KIKIMIMI_DESCRIPTIONS": "descriptions",
    "KIKIMIMI_STATE_DIR": "state_dir",
    "KIKIMIMI_MQTT_HOST": "mqtt.host",
    "KIKIMIMI_MQTT_PORT": "mqtt.port",
    "KIKIMIMI_MQTT_USERNAME": "mqtt.username",
    "KIKIMIMI_MQTT_PASSWORD_FILE": "mqtt.password_file",
    "KIKIMIMI_LOG_LEVEL": "log.level",
}
"""Environment variables, and the field of ``agent.yaml`` that each one overrides.

A relative path in the environment starts at the working folder, one in the file at the file's.
"""

_PREFIX = "KIKIMIMI_"
_FILE_VARIABLES = frozenset(
    {
        "KIKIMIMI_BUNDLE",
        "KIKIMIMI_DESCRIPTIONS",
        "KIKIMIMI_STATE_DIR",
        "KIKIMIMI_MQTT_PASSWORD_FILE",
    }
)
_TLS_FILES = ("ca_file", "cert_file", "key_file")
_MAX_SOURCES = 32
_MAX_CHANNEL = 128
_MAX_NAME_CHARACTERS = 64
_NOT_IN_A_TOPIC_LEVEL = re.compile(r"[+#/\s]|^\$")


class _Kind(StrEnum):
    """What stands behind a source."""

    MICROPHONE = "microphone"
    FILE = "file"
    STDIN = "stdin"


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings from a file, the environment and the defaults.

    Args:
        path: ``agent.yaml``; what ``KIKIMIMI_CONFIG`` names, or only defaults, if ``None``.
        environ: the environment variables.

    Raises:
        ConfigError: with every problem that was found.
    """
    problems: list[Problem] = []
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    root: yamlfile.Mapping | None = yamlfile.Mapping("defaults")
    if path is not None:
        data = yamlfile.read(path, problems)
        root = None if data is None else yamlfile.parse(data, str(path), problems)
    if root is None:
        raise ConfigError(problems)
    root = _with_environment(root, environ, problems)
    base = Path() if path is None else path.parent
    settings = _settings(Table(root, "", problems), base, environ)
    if problems:
        raise ConfigError(problems)
    return settings


def _with_environment(
    root: yamlfile.Mapping, environ: Mapping[str, str], problems: list[Problem]
) -> yamlfile.Mapping:
    """The tree with the environment's values in it; a misspelt variable is a problem."""
    known = {name.removeprefix(_PREFIX): name for name in (CONFIG_VARIABLE, *ENVIRONMENT)}
    for name in sorted(name for name in environ if name.startswith(_PREFIX)):
        where = f"environment variable {name}"
        value = environ[name]
        if name in ENVIRONMENT and value:
            if name in _FILE_VARIABLES and not value.startswith("~"):
                value = str(Path.cwd() / value)
            scalar = yamlfile.Scalar(where, value)
            root = root.put(tuple(ENVIRONMENT[name].split(".")), scalar)
        elif name not in known.values() and (
            near := fields.nearest(name.removeprefix(_PREFIX), known)
        ):
            problems.append(Problem(where, "is not a setting", f"did you mean {known[near]}?"))
    return root


def _settings(table: Table, base: Path, environ: Mapping[str, str]) -> Settings:
    file = fields.path(base)
    default = Settings(node=socket.gethostname() or "kikimimi", state_dir=_state_dir(environ))
    settings = Settings(
        node=table.value("node", _topic_level, default.node),
        state_dir=table.value("state_dir", file, default.state_dir),
        site=table.value("site", _topic_level, default.site),
        bundle=table.value("bundle", file, None),
        descriptions=table.value("descriptions", file, base / default.descriptions),
        sources=_sources(table, file) or default.sources,
        windows=_windows(table.table("windows")),
        encoder=_encoder(table.table("encoder")),
        mqtt=_mqtt(table.table("mqtt"), file),
        publish=_publish(table.table("publish")),
        log=_log(table.table("log")),
    )
    table.finish()
    return settings


def _sources(table: Table, file: Callable[[str], Path]) -> tuple[SourceSettings, ...]:
    """The sources, none where the field is left out or wrong."""
    tables = table.tables("sources")
    if len(tables) > _MAX_SOURCES:
        table.report("sources", f"has {len(tables)} sources", f"write at most {_MAX_SOURCES}")
        return ()
    sources: list[SourceSettings] = []
    for number, one in enumerate(tables, start=1):
        source = _source(one, f"mic{number}", file)
        if any(source.name == other.name for other in sources):
            one.report("name", f"is {source.name!r} again", "give each source its own name")
        stdin_taken = any(isinstance(other, StdinSettings) for other in sources)
        if isinstance(source, StdinSettings) and stdin_taken:
            one.report("kind", "is stdin again", "keep one source on standard input")
        sources.append(source)
    return tuple(sources)


def _source(table: Table, default_name: str, file: Callable[[str], Path]) -> SourceSettings:
    name = table.required("name", _topic_level) or default_name
    kind = table.value("kind", fields.choice(_Kind), None)
    source: SourceSettings
    if kind is None and table.has("kind"):
        # Which fields belong to it cannot be told.
        return MicrophoneSettings(name)
    if kind is _Kind.FILE:
        source = FileSettings(
            name=name,
            path=table.required("path", file) or Path(),
            loop=table.value("loop", fields.switch, default=False),
            realtime=table.value("realtime", fields.switch, default=True),
        )
    elif kind is _Kind.STDIN:
        source = StdinSettings(name=name)
    else:
        default = MicrophoneSettings(name)
        channel = fields.integer(1, _MAX_CHANNEL)
        source = MicrophoneSettings(
            name=name,
            device=table.value("device", fields.text(), default.device),
            channels=table.values("channels", channel, default.channels),
        )
        if len(set(source.channels)) != len(source.channels) or not source.channels:
            table.report("channels", "does not name each channel once", "write 1 or [1, 2]")
    table.finish()
    return source


def _windows(table: Table) -> WindowsSettings:
    default = WindowsSettings()
    windows = WindowsSettings(
        hop_s=table.value("hop_s", fields.number(0.1, 10.0), default.hop_s),
        queue_windows=table.value(
            "queue_windows", fields.integer(1, 10_000), default.queue_windows
        ),
    )
    table.finish()
    return windows


def _encoder(table: Table) -> EncoderSettings:
    default = EncoderSettings()
    encoder = EncoderSettings(
        threads=table.value("threads", fields.integer(1, 64), default.threads)
    )
    table.finish()
    return encoder


def _mqtt(table: Table, file: Callable[[str], Path]) -> MqttSettings:
    default = MqttSettings()
    readable = _readable(file)
    tls = _tls(table.table("tls"), readable)
    mqtt = MqttSettings(
        enabled=table.value("enabled", fields.switch, default.enabled),
        host=table.value("host", _host, default.host),
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


def _publish(table: Table) -> PublishSettings:
    seconds = fields.number(0.1, 3_600.0)
    default = PublishSettings()
    publish = PublishSettings(
        scores=table.value("scores", fields.switch, default.scores),
        level_interval_s=table.value("level_interval_s", seconds, default.level_interval_s),
        health_interval_s=table.value("health_interval_s", seconds, default.health_interval_s),
    )
    table.finish()
    return publish


def _log(table: Table) -> LogSettings:
    default = LogSettings()
    log = LogSettings(
        level=table.value("level", fields.choice(type(default.level)), default.level),
        format=table.value("format", fields.choice(type(default.format)), default.format),
    )
    table.finish()
    return log


def _state_dir(environ: Mapping[str, str]) -> Path:
    """Where systemd says, else where the user keeps such things."""
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if given := environ.get("XDG_STATE_HOME"):
        return Path(given) / "kikimimi"
    if given := environ.get("HOME"):
        return Path(given) / ".local" / "state" / "kikimimi"
    return Path("/var/lib/kikimimi")


def _topic_level(raw: str) -> str:
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
    return "/".join(map(_topic_level, levels))


def _host(raw: str) -> str:
    host = fields.text(253)(raw)
    if "/" in host or " " in host:
        raise ValueError("write a host name or an address, without 'mqtt://'")
    return host


def _readable(file: Callable[[str], Path]) -> Callable[[str], Path]:
    """A path to a file that can be read now."""

    def convert(raw: str) -> Path:
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
