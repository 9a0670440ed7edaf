"""The files of a site: configuration, model, descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.bundle import loading as bundles
from agent.cli.check.checking import Found, check_descriptions
from agent.cli.check.machine import as_problem, check_integrations
from agent.cli.doctor.findings import Finding, Outcome, Part, fail, of_problem, ok, warn
from agent.config import CONFIG_VARIABLE, load_settings
from agent.core.errors import BundleError, ConfigError, Problem
from agent.encoder.choice import as_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.cli.check.meaning import Embed
    from agent.config import Settings

_MOST_TOLD = 10
"""Of one file: who has more to mend asks ``kikimimi check``."""


def configuration(
    path: Path | None, environ: Mapping[str, str]
) -> tuple[Settings | None, list[Finding]]:
    """The settings, and what is wrong with them.

    Args:
        path: ``agent.yaml``, see :func:`agent.config.load_settings`.
        environ: the environment variables.
    """
    noted: list[Problem] = []
    try:
        settings = load_settings(path, environ, noted)
    except ConfigError as error:
        wrong = [
            of_problem(Part.CONFIGURATION, Outcome.FAIL, one) for one in error.problems[:_MOST_TOLD]
        ]
        return None, [*wrong, fail(Part.CONFIGURATION, "configuration_wrong")]
    named = path or environ.get(CONFIG_VARIABLE)
    place = {"site": settings.site, "node": settings.node}
    if named:
        found = [ok(Part.CONFIGURATION, "configuration_read", file=str(named), **place)]
    else:
        found = [warn(Part.CONFIGURATION, "configuration_default", **place)]
    check_integrations(settings, noted)
    found += [of_problem(Part.CONFIGURATION, Outcome.WARN, note) for note in noted]
    return settings, found


def bundle(settings: Settings | None) -> tuple[Bundle | None, Finding]:
    """The model, its files and hashes; the shipped one where the settings are wrong."""
    try:
        found = bundles.load(None if settings is None else settings.bundle)
    except BundleError as error:
        return None, of_problem(Part.BUNDLE, Outcome.FAIL, as_problem(error))
    if settings is not None:
        threads = settings.encoder.threads
        found = as_kept(found, settings.state_dir, threads=threads) or found
    manifest = found.manifest
    told = {
        "name": manifest.name,
        "version": manifest.version,
        "schema": str(manifest.schema),
        "files": str(len(manifest.files)),
        "sha256": found.sha256[:12],
        "tower": found.audio_tower.name,
    }
    if not found.has_own_tower:
        return found, warn(Part.BUNDLE, "bundle_slow", **told)
    return found, ok(Part.BUNDLE, "bundle_whole", **told)


def descriptions(settings: Settings, model: Bundle | None, embed: Embed) -> Iterator[Finding]:
    """What is listened for.

    Args:
        settings: of the site.
        model: that has to read the texts; ``None`` where it is wrong itself.
        embed: its text tower.
    """
    found = Found()
    described = check_descriptions(settings.descriptions, settings, model, embed, found)
    for outcome, problems in ((Outcome.FAIL, found.problems), (Outcome.WARN, found.warnings)):
        yield from (of_problem(Part.DESCRIPTIONS, outcome, one) for one in problems[:_MOST_TOLD])
        if len(problems) > _MOST_TOLD:
            more = str(len(problems) - _MOST_TOLD)
            yield Finding(Part.DESCRIPTIONS, outcome, "descriptions_more", {"count": more})
    if described is not None and described.active and not found.problems:
        values = {"file": str(settings.descriptions), "count": str(len(described.active))}
        yield ok(Part.DESCRIPTIONS, "descriptions_read", **values)
