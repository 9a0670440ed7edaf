"""How loud a source is, told while it is listened to, and the bar that shows it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from rich.text import Text

from agent.capture.level import LevelMeter
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Generator

    from agent.capture.level import Level
    from agent.capture.source import Source
    from agent.core.clock import Clock

_TICK_S = 0.1
_PATIENCE_S = 15.0
"""A camera takes some seconds until its first sound; a microphone gives up by itself before."""
_QUIETEST_DBFS, _CELLS = -70.0, 30


def levels(
    source: Source, sample_rate_hz: int, clock: Clock, interval_s: float
) -> Generator[Level | None]:
    """Open a source and measure it, interval after interval; closed with the iterator.

    Args:
        source: what is listened to.
        sample_rate_hz: of its blocks.
        clock: says how long nothing came.
        interval_s: over which each level is measured.

    Yields:
        Each level; ``None``, again and again, while there is none. Ends with the source.

    Raises:
        CaptureError: it cannot be opened, is lost, or gives nothing.
    """
    meter = LevelMeter(sample_rate_hz, interval_s=interval_s)
    with closing(source):
        source.open()
        heard_s = clock.monotonic()
        while True:
            before = meter.level
            block = source.read(_TICK_S)
            now_s = clock.monotonic()
            if block is not None:
                heard_s = now_s
                meter.add(block.samples)
            elif source.ended:
                return
            elif now_s - heard_s > _PATIENCE_S:
                raise CaptureError(Reason.of("source_quiet", seconds=_PATIENCE_S))
            yield meter.level if meter.level is not before else None


def bar(level_dbfs: float | None) -> Text:
    """A level as a bar, full at full scale.

    Args:
        level_dbfs: RMS; ``None`` where there is none.
    """
    share = 0.0 if level_dbfs is None else 1.0 - level_dbfs / _QUIETEST_DBFS
    filled = round(_CELLS * min(1.0, max(0.0, share)))
    text = Text("█" * filled, "green")
    return text.append("░" * (_CELLS - filled), "dim")
