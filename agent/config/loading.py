"""Reads ``agent.yaml`` and the environment into settings."""

from __future__ import annotations

import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import channels, fields
from agent.config import yaml_tree as yamlfile
from agent.config.broker import read_commands, read_mqtt, read_verdicts, topic_level
from agent.config.clips import read_clips
from agent.config.console import read_console
from agent.config.fields import Table
from agent.config.report import read_report
from agent.config.settings import (
    HIGHEST_RATE_HZ,
    LOWEST_RATE_HZ,
    MOST_CHANNELS,
    STREAM_SCHEMES,
    EncoderSettings,
    Encoding,
    FileSettings,
    LogSettings,
    MicrophoneSettings,
    PublishSettings,
    Settings,
    SourceSettings,
    StdinSettings,
    StreamSettings,
    WindowsSettings,
)
from agent.core.errors import ConfigError, Problem

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
_MAX_SOURCES = 32
_MAX_TRACK = 64


class _Kind(StrEnum):
    """What stands behind a source."""

    MICROPHONE = "microphone"
    FILE = "file"
    STDIN = "stdin"
    STREAM = "stream"


def load_settings(
    path: Path | None, environ: Mapping[str, str], notes: list[Problem] | None = None
) -> Settings:
    """The settings from a file, the environment and the defaults.

    Args:
        path: ``agent.yaml``; what ``KIKIMIMI_CONFIG`` names, or only defaults, if ``None``.
        environ: the environment variables.
        notes: collects what is valid and hardly meant, such as a name that loses its end to a
            comment.

    Raises:
        ConfigError: with every problem that was found.
    """
    problems: list[Problem] = []
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    root = yamlfile.Mapping("defaults") if path is None else yamlfile.load(path, problems)
    root = _with_environment(root, environ, problems)
    base = Path() if path is None else path.parent
    settings = _settings(Table(root, "", problems, notes), base, environ)
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
        node=table.value("node", topic_level, default.node),
        state_dir=table.value("state_dir", file, default.state_dir),
        site=table.value("site", topic_level, default.site),
        bundle=table.value("bundle", file, None),
        descriptions=table.value("descriptions", file, base / default.descriptions),
        sources=_sources(table, file) or default.sources,
        windows=_windows(table.table("windows")),
        encoder=_encoder(table.table("encoder")),
        mqtt=read_mqtt(table.table("mqtt"), file, environ),
        commands=read_commands(table.table("commands")),
        verdicts=read_verdicts(table.table("verdicts")),
        clips=read_clips(table.table("clips")),
        publish=_publish(table.table("publish")),
        log=_log(table.table("log")),
        console=read_console(table.table("console"), file, environ),
        report=read_report(table.table("report")),
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
    name = table.required("name", topic_level) or default_name
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
            speed=table.value("speed", fields.number(0.1, 100.0), default=1.0),
            channels=channels.read(table),
        )
        if not source.realtime and table.has("speed"):
            table.report("speed", "is given, but realtime is false", "leave one of them out")
    elif kind is _Kind.STDIN:
        stdin = StdinSettings(name)
        source = StdinSettings(
            name=name,
            format=table.value("format", fields.choice(Encoding), stdin.format),
            rate_hz=table.value(
                "rate_hz", fields.integer(LOWEST_RATE_HZ, HIGHEST_RATE_HZ), stdin.rate_hz
            ),
            channel_count=table.value(
                "channel_count", fields.integer(1, MOST_CHANNELS), stdin.channel_count
            ),
            channels=channels.read(table),
        )
    elif kind is _Kind.STREAM:
        source = StreamSettings(
            name=name,
            url=_url(table),
            track=table.value("track", fields.integer(1, _MAX_TRACK), default=1),
            channels=channels.read(table),
        )
    else:
        default = MicrophoneSettings(name)
        source = MicrophoneSettings(
            name=name,
            device=table.value("device", fields.text(), default.device),
            channels=channels.read(table) or default.channels,
        )
    table.finish()
    return source


def _url(table: Table) -> str:
    """Where a stream comes from; a wrong one is not shown, since it may hold a password."""
    url = table.required("url", fields.text()) or ""
    scheme, _, rest = url.partition("://")
    if url and (scheme not in STREAM_SCHEMES or not rest or " " in url):
        remedy = f"write one such as rtsp://camera/audio ({', '.join(STREAM_SCHEMES)})"
        table.report("url", "is no URL of a stream", remedy)
    return url


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
