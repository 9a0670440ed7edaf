"""Reads ``agent.yaml`` and the environment into settings."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import yaml_tree as yamlfile
from agent.config.reader import Place, bare, hints_of, read
from agent.config.settings import Settings
from agent.config.table import Table
from agent.config.values import nearest
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    place = Place(Path() if path is None else path.parent, environ)
    default = Settings(node=socket.gethostname() or "kikimimi", state_dir=_state_dir(environ))
    default = replace(default, descriptions=place.base / default.descriptions)
    settings = read(Table(root, "", problems, notes), default, place)
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
            if _is_file(ENVIRONMENT[name]) and not value.startswith("~"):
                value = str(Path.cwd() / value)
            scalar = yamlfile.Scalar(where, value)
            root = root.put(tuple(ENVIRONMENT[name].split(".")), scalar)
        elif name not in known.values() and (near := nearest(name.removeprefix(_PREFIX), known)):
            problems.append(Problem(where, "is not a setting", f"did you mean {known[near]}?"))
    return root


def _is_file(field: str) -> bool:
    """Whether a setting such as ``mqtt.password_file`` is a path."""
    kind: type = Settings
    for name in field.split("."):
        kind, _ = bare(hints_of(kind)[name])
    return kind is Path


def _state_dir(environ: Mapping[str, str]) -> Path:
    """Where systemd says, else where the user keeps such things."""
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if given := environ.get("XDG_STATE_HOME"):
        return Path(given) / "kikimimi"
    if given := environ.get("HOME"):
        return Path(given) / ".local" / "state" / "kikimimi"
    return Path("/var/lib/kikimimi")
