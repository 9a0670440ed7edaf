"""A listener for each source of a site: from its settings to windows in the backlog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.capture.build import make_source
from agent.capture.supervisor import Supervisor
from agent.config import FileSettings, MicrophoneSettings, StreamSettings
from agent.core.errors import ConfigError, Problem
from agent.frontend.log_mel import LogMel
from agent.frontend.windows import Windower
from agent.hearing.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.capture.baseline import LevelBaseline
    from agent.config import SourceSettings
    from agent.core.clock import Clock
    from agent.core.records import Block
    from agent.frontend.backlog import Backlog


def hop_frames(bundle: Bundle, hop_s: float) -> int:
    """Frames from the start of a window to that of the next.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    constants, tuning = bundle.manifest.frontend, bundle.manifest.tuning
    frames = hop_s * constants.frame_rate_hz
    if frames != round(frames):
        step_s = 1.0 / constants.frame_rate_hz
        remedy = f"write a multiple of {step_s:g} s, such as {tuning.hop_frames * step_s:g}"
        found = f"{hop_s:g} is not a whole number of frames"
        raise ConfigError([Problem("windows.hop_s", found, remedy)])
    return round(frames)


def make_windower(bundle: Bundle, source: str, hop_s: float) -> Windower:
    """What cuts a source's stream as the box does.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    return Windower(
        source,
        bundle.manifest.frontend,
        bundle.manifest.tuning.window_frames,
        hop_frames(bundle, hop_s),
        LogMel.of(bundle),
    )


def make_listener(
    source: SourceSettings,
    bundle: Bundle,
    hop_s: float,
    *,
    backlog: Backlog,
    clock: Clock,
    usual: LevelBaseline | None = None,
    rest: bool = False,
    on_block: Callable[[Block], None] | None = None,
) -> Listener:
    """A listener that is not started yet.

    Args:
        source: what to listen to.
        bundle: whose windows are cut.
        hop_s: from window to window.
        backlog: where they go.
        clock: of the operating system, or a test's.
        usual: how loud the source is on this site; learnt anew if ``None``.
        rest: whether a source that ends is heard to its end, see
            :class:`agent.hearing.listener.Listener`.
        on_block: told of every block before it is cut.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    supervisor = Supervisor(
        make_source(source, rate_hz, clock), sample_rate_hz=rate_hz, clock=clock, usual=usual
    )
    live = isinstance(source, MicrophoneSettings | StreamSettings) or (
        isinstance(source, FileSettings) and source.realtime
    )
    windower = make_windower(bundle, source.name, hop_s)
    return Listener(supervisor, windower, backlog, live=live, rest=rest, on_block=on_block)
