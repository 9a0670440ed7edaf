"""What the box listens to: each source is opened and heard."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from agent.capture.build import make_source
from agent.cli.check.machine import source_problem
from agent.cli.doctor.findings import Finding, Outcome, Part, fail, of_problem, ok, warn
from agent.cli.levels import levels
from agent.config import MicrophoneSettings, StdinSettings, StreamSettings
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from agent.capture.level import Level
    from agent.capture.source import Source
    from agent.config import SourceSettings
    from agent.core.clock import Clock

_INTERVAL_S = 1.0
_INTERVALS = 3
"""A sound server that has slept begins with silence."""
_CLIPPED = 0.005
_QUIET_DBFS = -80.0
"""A microphone's own noise is louder, in the quietest of rooms."""


def source(
    settings: SourceSettings, sample_rate_hz: int, clock: Clock, holder: str | None
) -> tuple[Finding, float | None]:
    """Hear a source for a second, or for as long as it takes to be sure that it is silent.

    Args:
        settings: of the source.
        sample_rate_hz: of the bundle.
        clock: passed on.
        holder: the agent that runs and may hold the device alone; ``None`` if none does.

    Returns:
        What was found, and its level in dBFS; ``None`` where none was measured.
    """
    name = {"name": settings.name}
    if (problem := source_problem(settings.name, settings)) is not None:
        return of_problem(Part.SOUND, Outcome.FAIL, problem), None
    if isinstance(settings, StdinSettings):
        return ok(Part.SOUND, "sound_stdin", **name), None
    if not isinstance(settings, MicrophoneSettings | StreamSettings):
        return ok(Part.SOUND, "sound_file", file=str(settings.path), **name), None
    try:
        opened = make_source(settings, sample_rate_hz, clock)
        level = _hear(opened, sample_rate_hz, clock)
    except CaptureError as error:
        if isinstance(settings, MicrophoneSettings) and holder is not None and _is_busy(error):
            return ok(Part.SOUND, "sound_held", holder=holder, **name), None
        code = "microphone" if isinstance(settings, MicrophoneSettings) else "stream"
        return fail(Part.SOUND, f"{code}_unheard", detail=str(error), **name), None
    return _judged(settings, opened, level), None if level is None else level.rms_dbfs


def _hear(opened: Source, sample_rate_hz: int, clock: Clock) -> Level | None:
    """The level of the first second that is not silent, or of the last one."""
    heard, last = 0, None
    with closing(levels(opened, sample_rate_hz, clock, _INTERVAL_S)) as measured:
        for level in measured:
            if level is None:
                continue
            last, heard = level, heard + 1
            if level.rms_dbfs is not None or heard == _INTERVALS:
                break
    return last


def _judged(settings: SourceSettings, opened: Source, level: Level | None) -> Finding:
    name = {"name": settings.name}
    kind = "microphone" if isinstance(settings, MicrophoneSettings) else "stream"
    if level is None:
        return fail(Part.SOUND, f"{kind}_unheard", detail=Reason.of("source_empty"), **name)
    if level.rms_dbfs is None:
        silent = Reason.of("signal_silent", seconds=round(_INTERVALS * _INTERVAL_S))
        detail = Reason.joined([silent, opened.if_silent])
        return fail(Part.SOUND, f"{kind}_silent", detail=detail, **name)
    told = {"level": f"{level.rms_dbfs:.0f}", **name}
    if level.clipped_ratio > _CLIPPED:
        detail = Reason.of("signal_clipped", percent=round(100.0 * level.clipped_ratio, 1))
        return warn(Part.SOUND, "sound_clipped", detail=detail, **name)
    if level.rms_dbfs < _QUIET_DBFS:
        return warn(Part.SOUND, "sound_quiet", **told)
    if opened.remark:
        return warn(Part.SOUND, "sound_remark", detail=opened.remark, **name)
    return ok(Part.SOUND, "sound_heard", **told)


def _is_busy(error: CaptureError) -> bool:
    """Whether a device is there and another program has it."""
    told = str(error)
    return isinstance(told, Reason) and any(part.code == "device_busy" for part in told.parts)
