"""What ``kikimimi check`` and ``doctor`` say of a box's own parts: sources, folder, broker."""

from __future__ import annotations

import shutil
import stat
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING

from agent.capture.audiofile import iter_audio
from agent.cli.check.wording import problem
from agent.config import FileSettings, StreamSettings
from agent.core import extras, folders
from agent.core.errors import AudioFileError, BrokerError, KikimimiError, Problem, reason
from agent.core.extras import Extra

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config import MqttSettings, Settings, SourceSettings

_RATE_HZ = 32_000
"""Of the beginning of a sound file, which is read to see whether it can be."""
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def source_problem(where: str, source: SourceSettings) -> Problem | None:
    """Why a file or a stream cannot be heard, as far as that can be told without opening it."""
    if isinstance(source, FileSettings) and (trouble := _no_sound(where, source.path)):
        return trouble
    if isinstance(source, StreamSettings) and shutil.which("ffmpeg") is None:
        return problem(where, "ffmpeg_absent")
    return None


def existing(folder: Path) -> Path:
    """A folder, or the one above it in which it will be made.

    Raises:
        OSError: one of them may not be looked into.
    """
    found = folder.absolute()
    while not found.exists() and found != found.parent:
        found = found.parent
    return found


def check_integrations(settings: Settings, warnings: list[Problem]) -> None:
    """What attaches to the box, which runs without."""
    if settings.metrics.enabled:
        try:
            extras.require(Extra.METRICS, "metrics.enabled")
        except KikimimiError as error:
            found, _, remedy = str(error).partition("; type: ")
            warnings.append(problem("metrics", "metrics_extra", detail=found, command=remedy))
    if settings.home_assistant.discovery and not settings.mqtt.enabled:
        warnings.append(problem("home_assistant.discovery", "discovery_unheard"))


def _no_sound(where: str, path: Path) -> Problem | None:
    """Why a sound file cannot be read and what to do, as far as its beginning tells."""
    if not path.is_file():
        return problem(where, "file_absent", path=path)
    try:
        with closing(iter_audio(path, _RATE_HZ, _RATE_HZ)) as blocks:
            next(blocks)
    except AudioFileError as error:
        found, _, remedy = str(error).rpartition("; ")
        return Problem(where, found, remedy)
    return None


def check_state_folder(folder: Path, warnings: list[Problem]) -> None:
    """Whether the folder can be written, and by whom."""
    if (found := unwritable(folder)) is not None:
        warnings.append(found)
    if (found := open_to_all(folder)) is not None:
        warnings.append(found)


def unwritable(folder: Path) -> Problem | None:
    """Why no file can be made in the folder, or in the one in which it will be made."""
    try:
        with tempfile.TemporaryFile(dir=existing(folder)):
            return None
    except OSError as error:
        detail = reason(error).lower()
        return problem("state_dir", "folder_unwritable", folder=folder, detail=detail)


def open_to_all(folder: Path) -> Problem | None:
    """What every user may write in the folder, or the folder itself."""
    if not folder.is_dir():
        return None
    itself = [folder] if folder.stat().st_mode & stat.S_IWOTH else []
    for opened in (*itself, *folders.open_to_others(folder)):
        return problem("state_dir", "folder_open", path=opened, folder=folder)
    return None


def check_secrecy(mqtt: MqttSettings, warnings: list[Problem]) -> None:
    """Whether the password can be read, by nobody else, and stays secret on its way."""
    file = mqtt.password_file
    if file is None:
        return
    try:
        mqtt.password()
    except BrokerError as error:
        warnings.append(as_problem(error))
    if stat.S_IMODE(file.stat().st_mode) & stat.S_IROTH:
        warnings.append(problem("mqtt.password_file", "password_open", file=file))
    if mqtt.tls is None and mqtt.host not in _LOCAL_HOSTS:
        warnings.append(problem("mqtt.tls", "password_bare", host=mqtt.host))


def as_problem(error: KikimimiError) -> Problem:
    """The three parts of an error's message: ``where: found; remedy``."""
    where, _, _ = str(error).partition(": ")
    return Problem.from_message(where, str(error))
