"""What ``kikimimi check`` does: everything that can be told wrong before the agent runs.

Problems keep the agent from running as it is configured; warnings do not.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.capture.audiofile import iter_audio
from agent.cli.check_examples import check_examples
from agent.cli.check_texts import Embed, check_texts
from agent.config import FileSettings, MicrophoneSettings, StreamSettings, load_settings
from agent.core import extras, folders
from agent.core.errors import (
    AudioFileError,
    BrokerError,
    BundleError,
    CaptureError,
    ConfigError,
    DescriptionsError,
    KikimimiError,
    Problem,
    reason,
)
from agent.core.extras import Extra
from agent.descriptions.language import foreign
from agent.mqtt import log_in
from agent.watchlist.calibration.applied import check_calibration
from agent.watchlist.site import operator_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import MqttSettings, Settings
    from agent.descriptions import DescriptionSet

FindMicrophone: TypeAlias = Callable[[MicrophoneSettings], object]
"""Finds a microphone; raises CaptureError where there is none."""

_RATE_HZ = 32_000
"""Of the beginning of a sound file, which is read to see whether it can be."""
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    descriptions: int
    """Active descriptions, 0 where the file is wrong."""
    bundle: str
    """Digest of the bundle, empty where it is wrong."""
    notes: tuple[str, ...] = ()
    """What is worth knowing and not wrong."""

    @property
    def ok(self) -> bool:
        """Whether the agent can run as it is configured."""
        return not self.problems

    def lines(self) -> Iterator[str]:
        """One line for each finding, problems first, notes last."""
        yield from (f"problem: {problem}" for problem in self.problems)
        yield from (f"warning: {warning}" for warning in self.warnings)
        yield from (f"note: {note}" for note in self.notes)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values, for a program."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Probes:
    """The parts of the machine that a check may ask; what is ``None`` is not checked."""

    embed: Embed | None = None
    find_microphone: FindMicrophone | None = None
    online: bool = False
    """Whether to connect to the broker."""


def check(
    settings_path: Path | None,
    descriptions_path: Path | None,
    bundle_path: Path | None,
    environ: Mapping[str, str],
    probes: Probes,
) -> Report:
    """Check a site's files and machine as far as each part allows.

    Args:
        settings_path: ``agent.yaml``, see :func:`agent.config.load_settings`.
        descriptions_path: in place of the one that the settings name.
        bundle_path: in place of the one that the settings name.
        environ: the environment variables.
        probes: what else to ask.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    noted: list[Problem] = []
    settings: Settings | None = None
    try:
        settings = load_settings(settings_path, environ, noted)
    except ConfigError as error:
        problems.extend(error.problems)
    bundle: Bundle | None = None
    if settings is not None:
        descriptions_path = descriptions_path or settings.descriptions
        bundle_path = bundle_path or settings.bundle
        _check_machine(settings, probes, problems, warnings)
    if settings is not None or bundle_path is not None:
        bundle = _load_bundle(bundle_path, problems)
    descriptions: DescriptionSet | None = None
    if descriptions_path is not None:
        descriptions = _load_descriptions(descriptions_path, problems, warnings)
    if bundle is not None and descriptions is not None and probes.embed is not None:
        check_texts(descriptions, bundle, probes.embed, problems, warnings)
    if descriptions is not None:
        noted += descriptions.notes
        if bundle is not None:
            noted += foreign(descriptions, bundle.manifest.text.languages)
    wrong = {problem.where for problem in problems}
    notes = [str(note) for note in noted if note.where not in wrong]
    if settings is not None and bundle is not None and descriptions is not None:
        warned, told = check_calibration(settings, bundle, descriptions)
        warnings += warned
        notes += (*told, *map(str, operator_findings(settings, descriptions)))
        if probes.embed is not None and not problems:
            warned, told = check_examples(settings, bundle, descriptions)
            warnings += warned
            notes += told
    return Report(
        problems=tuple(problems),
        warnings=tuple(warnings),
        descriptions=len(descriptions.active) if descriptions else 0,
        bundle=bundle.digest if bundle else "",
        notes=tuple(notes),
    )


def _load_bundle(path: Path | None, problems: list[Problem]) -> Bundle | None:
    try:
        return bundles.load(path)
    except BundleError as error:
        problems.append(_as_problem(error))
        return None


def _as_problem(error: KikimimiError) -> Problem:
    """The three parts of an error's message: ``where: found; remedy``."""
    where, _, _ = str(error).partition(": ")
    return Problem.from_message(where, str(error))


def _load_descriptions(
    path: Path, problems: list[Problem], warnings: list[Problem]
) -> DescriptionSet | None:
    try:
        descriptions = descriptions_file.load(path)
    except DescriptionsError as error:
        problems.extend(error.problems)
        return None
    if not descriptions.active:
        warnings.append(Problem(str(path), "has no enabled description", "enable one"))
    for described in descriptions.active:
        for example in described.examples:
            if not example.path.is_file():
                where = f"{described.where}.examples"
                found = f"{example.path} is not there"
                warnings.append(Problem(where, found, "record it again"))
    return descriptions


def _check_machine(
    settings: Settings, probes: Probes, problems: list[Problem], warnings: list[Problem]
) -> None:
    for number, source in enumerate(settings.sources):
        where = f"sources[{number}] {source.name}"
        if isinstance(source, FileSettings) and (trouble := _no_sound(source.path)):
            problems.append(Problem(where, *trouble))
        if isinstance(source, StreamSettings) and shutil.which("ffmpeg") is None:
            problems.append(Problem(where, "ffmpeg is missing", "apt-get install ffmpeg"))
        if isinstance(source, MicrophoneSettings) and probes.find_microphone is not None:
            try:
                probes.find_microphone(source)
            except CaptureError as error:
                warnings.append(Problem(where, str(error), "see 'kikimimi devices'"))
    _check_state_folder(settings.state_dir, warnings)
    _check_integrations(settings, warnings)
    if settings.mqtt.enabled:
        _check_secrecy(settings.mqtt, warnings)
        if probes.online:
            _check_broker(settings.mqtt, warnings)


def _check_integrations(settings: Settings, warnings: list[Problem]) -> None:
    """What attaches to the box, which runs without."""
    if settings.metrics.enabled:
        try:
            extras.require(Extra.METRICS, "metrics.enabled")
        except KikimimiError as error:
            found, _, remedy = str(error).partition("; ")
            warnings.append(Problem("metrics", found, remedy))
    if settings.home_assistant.discovery and not settings.mqtt.enabled:
        found = "is on, but there is no broker to tell it by"
        warnings.append(Problem("home_assistant.discovery", found, "write mqtt.enabled: true"))


def _no_sound(path: Path) -> tuple[str, str] | None:
    """Why a sound file cannot be read and what to do, as far as its beginning tells."""
    if not path.is_file():
        return f"{path} is not there", "name a sound file"
    try:
        with closing(iter_audio(path, _RATE_HZ, _RATE_HZ)) as blocks:
            next(blocks)
    except AudioFileError as error:
        found, _, remedy = str(error).rpartition("; ")
        return found, remedy
    return None


def _check_state_folder(folder: Path, warnings: list[Problem]) -> None:
    """Whether files can be made in the folder, or in the one in which it will be made."""
    existing = folder.absolute()
    try:
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        found = f"{folder} cannot be written ({reason(error).lower()})"
        remedy = "give the agent's user the right to write there, or name another folder"
        warnings.append(Problem("state_dir", found, remedy))
    if folder.is_dir():
        itself = [folder] if folder.stat().st_mode & stat.S_IWOTH else []
        for opened in (*itself, *folders.open_to_others(folder)):
            found = f"{opened} can be written by every user"
            warnings.append(Problem("state_dir", found, f"run chmod -R o-w {folder}"))
            break


def _check_secrecy(mqtt: MqttSettings, warnings: list[Problem]) -> None:
    file = mqtt.password_file
    if file is None:
        return
    try:
        mqtt.password()
    except BrokerError as error:
        warnings.append(_as_problem(error))
    if stat.S_IMODE(file.stat().st_mode) & stat.S_IROTH:
        found = f"{file} can be read by every user"
        warnings.append(Problem("mqtt.password_file", found, f"run chmod o-r {file}"))
    if mqtt.tls is None and mqtt.host not in _LOCAL_HOSTS:
        found = f"the password goes to {mqtt.host} unencrypted"
        warnings.append(Problem("mqtt.tls", found, "write enabled: true, and a port with TLS"))


def _check_broker(mqtt: MqttSettings, warnings: list[Problem]) -> None:
    """Whether the broker shows a certificate that is trusted, and lets this box in."""
    try:
        log_in(mqtt)
    except BrokerError as error:
        warnings.append(_as_problem(error))
