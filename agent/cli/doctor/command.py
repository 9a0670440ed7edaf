"""The command line of ``kikimimi doctor``."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from agent.cli.doctor import machine, site
from agent.cli.doctor.broker import broker
from agent.cli.doctor.findings import Outcome
from agent.cli.doctor.sources import source
from agent.cli.doctor.telling import Telling
from agent.cli.install import environment_of
from agent.cli.words import Language, add_language, language_of
from agent.core import memory
from agent.core.clock import SystemClock
from agent.core.errors import StoreError
from agent.encoder.text import embed_texts
from agent.store import holder_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from agent.cli.doctor.findings import Finding
    from agent.config import Settings

_FINE, _FOUND_PROBLEMS = 0, 1
_RATE_HZ = 32_000
"""At which sources are heard where there is no model to say."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="agent.yaml")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_language(parser, "of what is told; that of the locale by default")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything and tell of it; 1 if something fails."""
    language = Language(arguments.language or language_of(os.environ))
    telling = Telling(language, arguments.config)
    console = Console(highlight=False)
    findings: list[Finding] = []
    for finding in look(arguments.config, environment_of(arguments.config, os.environ)):
        findings.append(finding)
        if not arguments.json:
            # Neither wrapped nor cut: remedies are to be copied.
            console.print(telling.lines(finding), soft_wrap=True)
    count = Counter(finding.outcome for finding in findings)
    failed = count[Outcome.FAIL] > 0
    if arguments.json:
        plain = [telling.plain(finding) for finding in findings]
        print(json.dumps({"ok": not failed, "findings": plain}, ensure_ascii=False))
    else:
        key = "some_fail" if failed else "some_warn" if count[Outcome.WARN] else "all_ok"
        values = {outcome.value: str(count[outcome]) for outcome in Outcome}
        print(f"\n{telling.words(key, **values)}")
    return _FOUND_PROBLEMS if failed else _FINE


def look(path: Path | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that a box needs, one after the other, as far as each can be looked at.

    Args:
        path: ``agent.yaml``, see :func:`agent.config.load_settings`.
        environ: the environment variables.
    """
    clock = SystemClock()
    settings, found = site.configuration(path, environ)
    yield from found
    model, about = site.bundle(settings)
    yield about
    if settings is not None:
        yield from site.descriptions(
            settings, model, lambda bundle, texts: embed_texts(bundle, texts, None)
        )
    if model is not None:
        yield machine.processor(model, settings)
    holder = None if settings is None else _holder(settings)
    yield machine.memory(memory.available_bytes(), agent_runs=holder is not None)
    installed_at = Path(__file__).stat().st_mtime
    yield from machine.clock(clock, settings, environ, installed_at)
    yield machine.telemetry(environ)
    if settings is None:
        return
    yield from machine.state_folder(settings)
    rate_hz = _RATE_HZ if model is None else model.manifest.frontend.sample_rate_hz
    levels = []
    for one in settings.sources:
        about, level_dbfs = source(one, rate_hz, clock, holder)
        levels.append(level_dbfs)
        yield about
    yield from broker(settings, levels[0])


def _holder(settings: Settings) -> str | None:
    """The agent that runs with these settings, if one does."""
    try:
        return holder_of(settings.state_dir)
    except StoreError:
        return None  # that the folder is closed to this user is told where it is looked at
