"""The machine: processor, memory, disk, clock, and that nothing is told to anybody."""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from agent.cli.check.machine import as_problem, existing, open_to_all, unwritable
from agent.cli.doctor.findings import Finding, Outcome, Part, fail, of_problem, ok, warn
from agent.cli.speed import best_ms, hear_stream
from agent.clips import folder_of
from agent.clips.retention import RESERVE_BYTES
from agent.config import shifts
from agent.core.errors import BundleError, ConfigError
from agent.core.telemetry import SWITCHED_OFF
from agent.encoder.audio import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.clock import Clock

_SOUND_S, _ROUNDS = 4.0, 3
_BUSY, _TOO_BUSY = 0.5, 0.9
"""Shares of real time: where another program runs, half of a core is soon gone."""

# The agent takes 103 MiB in the long run (docs/benchmarks.md); the process that reads texts at its
# start takes as much again for a while, and clips in memory 12 MiB a source.
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 400 << 20, 200 << 20
_LEAST_FREE_BYTES = 64 << 20
"""Of the disk, for the database and what is written beside it."""


def processor(bundle: Bundle, settings: Settings | None) -> Finding:
    """One second of sound through the real graph, of all sources, against real time."""
    threads, sources = 1, 1
    hop_s = bundle.manifest.tuning.hop_frames / bundle.manifest.frontend.frame_rate_hz
    if settings is not None:
        threads, sources = settings.encoder.threads, len(settings.sources)
        hop_s = settings.windows.hop_s
    samples = round(_SOUND_S * bundle.manifest.frontend.sample_rate_hz)
    noise = np.random.default_rng(0).normal(0.0, 0.1, samples).astype(np.float32)
    try:
        encoder = Encoder(bundle, threads)
        cost_ms = best_ms(lambda: hear_stream(bundle, encoder, noise, hop_s), _ROUNDS) / _SOUND_S
    except BundleError as error:
        return of_problem(Part.PROCESSOR, Outcome.FAIL, as_problem(error))
    except ConfigError as error:
        return of_problem(Part.PROCESSOR, Outcome.FAIL, error.problems[0])
    share = sources * cost_ms / 1_000.0
    told = {
        "milliseconds": f"{cost_ms:.0f}",
        "share": f"{100.0 * share:.1g}" if share < 0.01 else f"{100.0 * share:.0f}",  # noqa: PLR2004
        "sources": str(sources),
    }
    if share >= _TOO_BUSY:
        return fail(Part.PROCESSOR, "processor_short", **told)
    if share >= _BUSY:
        return warn(Part.PROCESSOR, "processor_busy", **told)
    return ok(Part.PROCESSOR, "processor_keeps_up", **told)


def memory(available_bytes: int | None, *, agent_runs: bool) -> Finding:
    """Whether the agent has enough, or has it already."""
    if available_bytes is None:
        return warn(Part.MEMORY, "memory_unknown")
    told = {"available": _size(available_bytes)}
    if available_bytes < _TOO_LITTLE_BYTES and not agent_runs:
        return fail(Part.MEMORY, "memory_short", **told)
    if available_bytes < _LITTLE_BYTES and not agent_runs:
        return warn(Part.MEMORY, "memory_little", **told)
    return ok(Part.MEMORY, "memory_enough", **told)


def state_folder(settings: Settings) -> Iterator[Finding]:
    """Rights, and room for what is kept."""
    folder = settings.state_dir
    user = _user()
    if (problem := unwritable(folder)) is not None:
        told = {"found": problem.found, "folder": str(folder), "user": user}
        yield fail(Part.STATE, "state_unwritable", **told)
        return
    opened = open_to_all(folder)
    if opened is not None:
        yield warn(Part.STATE, "state_open", found=opened.found, folder=str(folder))
    try:
        there = existing(folder)
        free = shutil.disk_usage(there).free
        held = _held_bytes(folder_of(settings))
    except OSError as error:
        yield fail(Part.STATE, "state_unreadable", folder=str(folder), detail=str(error))
        return
    wanted = max(0, settings.clips.quota_bytes - held) if settings.clips.enabled else 0
    told = {"folder": str(folder), "free": _size(free), "user": user, "disk": str(there)}
    told |= {"wanted": _size(wanted + RESERVE_BYTES)}
    if free < _LEAST_FREE_BYTES:
        yield fail(Part.STATE, "disk_full", **told)
    elif free < wanted + RESERVE_BYTES:
        yield warn(Part.STATE, "disk_little", **told)
    else:
        yield ok(Part.STATE, "state_fine", **told)


def clock(
    now: Clock, settings: Settings | None, environ: Mapping[str, str], installed_at: float
) -> Iterator[Finding]:
    """Whether it is set from a reference, and which time people here go by.

    Args:
        now: the machine's.
        settings: may name a zone.
        environ: the environment variables.
        installed_at: a time that is over for certain, UTC in seconds since the epoch.
    """
    wanted = None if settings is None else settings.report.timezone
    zone, name = _zone(wanted, environ)
    shown = datetime.fromtimestamp(now.now(), zone).strftime("%Y-%m-%d %H:%M")
    told = {"time": shown, "zone": name}
    if now.now() < installed_at:
        yield fail(Part.CLOCK, "clock_behind", **told)
    elif now.synced():
        yield ok(Part.CLOCK, "clock_set", **told)
    else:
        yield warn(Part.CLOCK, "clock_free", **told)
    if name in {"UTC", "Etc/UTC"} and wanted is None:
        # What a machine has whose zone nobody has set; whoever means it says so.
        yield warn(Part.CLOCK, "zone_utc")


def telemetry(environ: Mapping[str, str]) -> Finding:
    """Whether libraries that would tell their makers of their use are kept from it."""
    on = [name for name, value in SWITCHED_OFF if environ.get(name) != value]
    if on:
        return fail(Part.TELEMETRY, "telemetry_on", names=", ".join(on))
    return ok(Part.TELEMETRY, "telemetry_off", names=", ".join(name for name, _ in SWITCHED_OFF))


def _zone(wanted: str | None, environ: Mapping[str, str]) -> tuple[tzinfo, str]:
    if wanted is not None:
        return shifts.zone_named(wanted), wanted
    with suppress(ValueError):
        if (raw := environ.get(shifts.TZ)) is not None:
            return shifts.zone_of_variable(raw)
    return shifts.zone_of_machine()


def _held_bytes(folder: Path) -> int:
    """What the clips take."""
    held = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # deleted meanwhile
            held += path.lstat().st_size
    return held


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user need not have a name
        return str(os.geteuid())


def _size(size_bytes: int) -> str:
    size = size_bytes / 1e6
    return f"{size:.0f} MB" if size < 1_000.0 else f"{size / 1e3:.1f} GB"  # noqa: PLR2004
