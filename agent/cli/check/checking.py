"""What ``kikimimi check`` does: everything that can be told wrong before the agent runs.

Problems keep the agent from running as it is configured; warnings do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.cli.check.examples import check_examples
from agent.cli.check.machine import (
    as_problem,
    check_integrations,
    check_secrecy,
    check_state_folder,
    source_problem,
)
from agent.cli.check.meaning import Embed, check_texts
from agent.cli.check.wording import problem, words
from agent.cli.reasons import told
from agent.config import MicrophoneSettings, load_settings
from agent.core.errors import (
    BrokerError,
    BundleError,
    CaptureError,
    ConfigError,
    DescriptionsError,
    Problem,
)
from agent.descriptions.language import foreign
from agent.mqtt import log_in
from agent.watchlist.calibration.applied import check_calibration
from agent.watchlist.site import operator_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.cli.words import Language
    from agent.config import Settings
    from agent.descriptions import DescriptionSet

FindMicrophone: TypeAlias = Callable[[MicrophoneSettings], object]
"""Finds a microphone; raises CaptureError where there is none."""


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

    def lines(self, language: Language) -> Iterator[str]:
        """One line for each finding, problems first, notes last; then whether all is well.

        What came without a code is told in English after a heading of the language.
        """
        say = words(language)
        for key, findings in (("told_problem", self.problems), ("told_warning", self.warnings)):
            for one in findings:
                found, remedy = told(one.found, language), told(one.remedy, language)
                yield say(key, where=one.where, found=found, remedy=remedy)
        yield from (say("told_note", text=told(note, language)) for note in self.notes)
        if self.ok:
            yield say("told_ready", descriptions=self.descriptions, bundle=self.bundle)

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


@dataclass(slots=True)
class Found:
    """What a check has come upon so far."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    noted: list[Problem] = field(default_factory=list)
    """Notes on a place of a file; dropped where there is a problem at the same place."""
    notes: list[str] = field(default_factory=list)

    def told(self) -> tuple[str, ...]:
        """The notes that are worth telling."""
        wrong = {one.where for one in self.problems}
        return (*(str(note) for note in self.noted if note.where not in wrong), *self.notes)


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
    found = Found()
    settings: Settings | None = None
    try:
        settings = load_settings(settings_path, environ, found.noted)
    except ConfigError as error:
        found.problems.extend(error.problems)
    bundle: Bundle | None = None
    if settings is not None:
        descriptions_path = descriptions_path or settings.descriptions
        bundle_path = bundle_path or settings.bundle
        _check_machine(settings, probes, found)
    if settings is not None or bundle_path is not None:
        bundle = _load_bundle(bundle_path, found)
    descriptions: DescriptionSet | None = None
    if descriptions_path is not None:
        descriptions = check_descriptions(descriptions_path, settings, bundle, probes.embed, found)
    return Report(
        problems=tuple(found.problems),
        warnings=tuple(found.warnings),
        descriptions=len(descriptions.active) if descriptions else 0,
        bundle=bundle.digest if bundle else "",
        notes=found.told(),
    )


def check_descriptions(
    path: Path,
    settings: Settings | None,
    bundle: Bundle | None,
    embed: Embed | None,
    found: Found,
) -> DescriptionSet | None:
    """Check what is listened for, and what the site has learnt of it.

    Args:
        path: of the descriptions.
        settings: of the site; ``None`` where they are wrong.
        bundle: the model; ``None`` where it is wrong.
        embed: its text tower; texts and examples are left unchecked where ``None``.
        found: takes what comes up.

    Returns:
        The descriptions; ``None`` where their file is wrong.
    """
    descriptions = _load_descriptions(path, found.problems, found.warnings)
    if descriptions is None:
        return None
    found.noted += descriptions.notes
    if bundle is None:
        return descriptions
    if embed is not None:
        check_texts(descriptions, bundle, embed, found.problems, found.warnings)
    found.noted += foreign(descriptions, bundle.manifest.text.languages)
    if settings is not None:
        warned, told = check_calibration(settings, bundle, descriptions)
        found.warnings += warned
        found.notes += (*told, *map(str, operator_findings(settings, descriptions)))
        if embed is not None and not found.problems:
            warned, told = check_examples(settings, bundle, descriptions)
            found.warnings += warned
            found.notes += told
    return descriptions


def _load_bundle(path: Path | None, found: Found) -> Bundle | None:
    try:
        return bundles.load(path)
    except BundleError as error:
        found.problems.append(as_problem(error))
        return None


def _load_descriptions(
    path: Path, problems: list[Problem], warnings: list[Problem]
) -> DescriptionSet | None:
    try:
        descriptions = descriptions_file.load(path)
    except DescriptionsError as error:
        problems.extend(error.problems)
        return None
    if not descriptions.active:
        warnings.append(problem(str(path), "none_enabled"))
    for described in descriptions.active:
        for example in described.examples:
            if not example.path.is_file():
                where = f"{described.where}.examples"
                warnings.append(problem(where, "example_absent", path=example.path))
    return descriptions


def _check_machine(settings: Settings, probes: Probes, found: Found) -> None:
    for number, source in enumerate(settings.sources):
        where = f"sources[{number}] {source.name}"
        if (wrong := source_problem(where, source)) is not None:
            found.problems.append(wrong)
        if isinstance(source, MicrophoneSettings) and probes.find_microphone is not None:
            try:
                probes.find_microphone(source)
            except CaptureError as error:
                found.warnings.append(problem(where, "microphone_absent", detail=str(error)))
    check_state_folder(settings.state_dir, found.warnings)
    check_integrations(settings, found.warnings)
    if settings.mqtt.enabled:
        check_secrecy(settings.mqtt, found.warnings)
        if probes.online:
            try:
                log_in(settings.mqtt)
            except BrokerError as error:
                found.warnings.append(as_problem(error))
