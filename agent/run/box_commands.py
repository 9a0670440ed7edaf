"""The table of all that a box can be asked for by MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.alerts.thresholds import ThresholdCommand
from agent.alerts.verdicts import UndoCommand, VerdictCommand
from agent.core.rate_limit import Rate
from agent.run.commands import Command, Commands
from agent.run.heard_command import HeardCommand
from agent.run.mute_command import MuteCommand
from agent.run.teach_command import TeachCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.alerts.thresholds import Thresholds
    from agent.alerts.verdicts import Verdicts
    from agent.clips import ClipCommand
    from agent.config import CommandSettings
    from agent.core.clock import Clock
    from agent.detector.mutes import Mutes
    from agent.mqtt.payload import Fields
    from agent.mqtt.topics import Topics
    from agent.run.recent_command import RecentCommand
    from agent.run.teaching import Teaching

_BURST = 10
# The broker keeps them for a box that is away: those of a long weekend come all at once.
_BURST_OF_ANSWERS = 1_000


def box_commands(
    topics: Topics,
    settings: CommandSettings,
    *,
    mutes: Mutes,
    verdicts: Verdicts,
    thresholds: Thresholds,
    clock: Clock,
    reload: Callable[[], None],
    known: Callable[[], Mapping[str, str]],
    clip: ClipCommand | None = None,
    teaching: Teaching | None = None,
    recent: RecentCommand | None = None,
) -> Commands:
    """Everything that a box can be asked for.

    Args:
        topics: of the box.
        settings: how much may be asked for.
        mutes: what ``cmd/mute`` changes.
        verdicts: what ``cmd/verdict`` and ``cmd/undo`` change.
        thresholds: what ``cmd/threshold`` and ``cmd/undo`` change.
        clock: says when.
        reload: asks for the descriptions to be read again; called in the link's thread.
        known: words of the descriptions that are listened for, by error id; called there too.
        clip: sends clips; ``None`` where none are kept.
        teaching: takes sounds that raised no alert; ``None`` where no box listens.
        recent: sends what is remembered; likewise.
    """
    rate = Rate(_BURST, settings.per_minute)
    mute = MuteCommand(mutes, known, clock, settings.mute_longest_s)
    answers = Rate(_BURST_OF_ANSWERS, settings.per_minute)
    table = {
        "reload": Command(ReloadCommand(reload), rate),
        "mute": Command(mute, rate, of_now=True),
        "verdict": Command(VerdictCommand(verdicts, known), answers, recognises=True),
        "undo": Command(UndoCommand(verdicts, thresholds), answers, recognises=True),
        "threshold": Command(ThresholdCommand(thresholds, known, clock), answers, recognises=True),
    }
    if teaching is not None:
        table["heard"] = Command(HeardCommand(teaching), rate, recognises=True)
        teach = TeachCommand(teaching, clock)
        table["teach"] = Command(teach, rate, recognises=True, of_now=True)
    if recent is not None:
        table["recent"] = Command(recent, rate)
    if clip is not None:
        table["clip"] = Command(clip, rate)
    return Commands(topics, table, clock)


class ReloadCommand:
    """``cmd/reload``: read the descriptions file again, as on SIGHUP."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask

    def __call__(self, fields: Fields) -> None:
        """Ask for it; what comes of it is told on ``config/state``."""
        fields.text("operator", default="")
        fields.finish()
        self._ask()
