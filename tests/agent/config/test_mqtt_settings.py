"""Secrets in settings: where they may stand, and where they never show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.config import (
    CommandSettings,
    HomeAssistantSettings,
    Language,
    Settings,
    load_settings,
)
from agent.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def _load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def test_files_may_stand_in_the_folder_of_credentials(tmp_path: Path) -> None:
    """The password's, and those of TLS, where systemd has put them."""
    folder = tmp_path / "run" / "credentials" / "kikimimi.service"
    folder.mkdir(parents=True)
    for name in ("password", "ca", "cert", "key"):
        (folder / name).write_text("hunter2\n")
    text = (
        "mqtt:\n  username: press3\n  password_file: ${CREDENTIALS_DIRECTORY}/password\n"
        "  tls:\n    enabled: true\n    ca_file: ${CREDENTIALS_DIRECTORY}/ca\n"
        "    cert_file: ${CREDENTIALS_DIRECTORY}/cert\n    key_file: ${CREDENTIALS_DIRECTORY}/key\n"
    )
    settings = _load(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(folder)})
    assert settings.mqtt.password() == "hunter2"
    assert settings.mqtt.tls is not None
    assert settings.mqtt.tls.key_file == folder / "key"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("path", "environ", "remedy"),
    [
        ("${CREDENTIALS_DIRECTORY}/p", {}, "start it by systemd with LoadCredential="),
        ("${CREDENTIALS_DIRECTORY}/p", {"CREDENTIALS_DIRECTORY": ""}, "LoadCredential="),
        ("${CREDENTIALS_DIRECTORY}/p", {"CREDENTIALS_DIRECTORY": "/nowhere"}, "file that exists"),
        ("${HOME}/p", {"HOME": "/root"}, "write the path out"),
        ("$CREDENTIALS_DIRECTORY/p", {"CREDENTIALS_DIRECTORY": "/x"}, "write the path out"),
        ("/etc/${CREDENTIALS_DIRECTORY}", {"CREDENTIALS_DIRECTORY": "/x"}, "write the path out"),
    ],
)
def test_no_other_variable_is_read(
    tmp_path: Path, path: str, environ: dict[str, str], remedy: str
) -> None:
    """A path says where it leads, and what is missing is told."""
    with pytest.raises(ConfigError, match=r"agent.yaml:3 mqtt.password_file: is") as caught:
        _load(tmp_path, f"mqtt:\n  username: a\n  password_file: {path}\n", environ)
    assert remedy in str(caught.value)


def test_a_password_in_the_file_is_not_shown(tmp_path: Path) -> None:
    """There is no such field, and the message tells its name alone."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "mqtt: {username: a, password: hunter2}\n")
    assert "did you mean 'password_file'?" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_commands_have_bounds(tmp_path: Path) -> None:
    """Switched off, limited, and a mute no longer than a day."""
    text = "commands: {enabled: false, mute_longest_s: 600, per_minute: 5}\n"
    assert _load(tmp_path, text).commands == CommandSettings(False, 600.0, 5.0)
    with pytest.raises(ConfigError, match="write a number from 1 to 86400"):
        _load(tmp_path, "commands: {mute_longest_s: 86401}\n")
    with pytest.raises(ConfigError, match="threshold_lowest: is 13, over threshold_highest"):
        _load(tmp_path, "commands: {threshold_lowest: 13}\n")
    with pytest.raises(ConfigError, match="write a number from 0 to 100"):
        _load(tmp_path, "commands: {threshold_highest: 101}\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prefix: 'home/+'", "prefix: is 'home/+'; write at most 64 characters, without spaces"),
        ("prefix: '#'", "prefix: is '#'; write at most 64 characters, without spaces"),
        ("prefix: ''", "prefix: is empty; write names with one '/' between them"),
        ("birth_topic: a/", "birth_topic: is 'a/'; write names with one '/' between them"),
        ("language: fr", "language: is 'fr'; write one of auto, ja, en"),
        ("dicsovery: true", "did you mean 'discovery'?"),
    ],
)
def test_what_home_assistant_listens_to_is_a_topic(tmp_path: Path, text: str, problem: str) -> None:
    """A prefix with a wildcard would tell it nothing, and one that is empty somebody else."""
    with pytest.raises(ConfigError, match=r"agent.yaml:1 home_assistant\.") as caught:
        _load(tmp_path, f"home_assistant: {{{text}}}\n")
    assert problem in str(caught.value)


def test_home_assistant_is_not_told_unless_asked_for(tmp_path: Path) -> None:
    """Off by default; its prefix may have several levels."""
    assert not _load(tmp_path, "site: a\n").home_assistant.discovery
    told = _load(tmp_path, "home_assistant: {discovery: true, prefix: a/b, language: ja}\n")
    assert told.home_assistant == HomeAssistantSettings(
        True, "a/b", "homeassistant/status", Language.JA
    )
