"""Hears the background: the site's own sources for a while, or recordings of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from agent.bundle.loading import sha256_of
from agent.core.errors import AudioFileError, CaptureError, reason
from agent.encoder.audio import Encoder
from agent.hearing.files import FileHearing
from agent.hearing.listener import Listeners

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.capture.supervisor import SourceStatus
    from agent.config import Settings
    from agent.core.clock import Clock
    from agent.watchlist.calibration.parts import PartWriter

_TOGETHER = 16
_TICK_S = 0.2
_STOP_S = 5.0
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Watcher(Protocol):
    """Told of progress."""

    def heard(self, hours: float, statuses: Sequence[SourceStatus]) -> None:
        """So much was heard since the start, over all sources."""


@dataclass(slots=True)
class Took:
    """What came of listening."""

    hours: float = 0.0
    """Of sound that was kept, over all sources."""
    dropped: int = 0
    """Windows that inference was too slow for."""
    known: list[Path] = field(default_factory=list)
    """Recordings that were heard before, by their content."""
    short: list[Path] = field(default_factory=list)
    """Recordings that are shorter than a window."""
    unread: list[AudioFileError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is odd about recordings that were heard all the same."""
    passed_over: list[Path] = field(default_factory=list)
    """What stands beside them in their folders and is no sound file."""


def listen(
    settings: Settings,
    bundle: Bundle,
    clock: Clock,
    *,
    writer: PartWriter,
    hours: float,
    stop: threading.Event,
    watcher: Watcher,
) -> Took:
    """Hear the site's sources until each has given so many hours on average, or a stop.

    Raises:
        CaptureError: a source failed for good.
        StoreError: what was heard cannot be written.
        ConfigError: the hop is no whole number of frames.
    """
    hop_s = settings.windows.hop_s
    listeners = Listeners(settings, bundle, clock)
    encoder = Encoder(bundle, threads=settings.encoder.threads)
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    # In milliseconds: two that follow each other must not write the same files.
    session = f"{int(1_000 * clock.now()):011x}"
    wanted = round(hours * 3_600.0 / hop_s) * len(settings.sources)
    took, rows = Took(), 0
    listeners.start()
    try:
        while rows < wanted and not stop.is_set():
            windows = listeners.backlog.take(_TOGETHER, _TICK_S)
            if windows:
                views = encoder.embed(windows)
                for row, window in enumerate(windows):
                    stream = f"{session}-{_UNSAFE.sub('_', window.source)[:40]}"
                    writer.take(stream, [window], views[row : row + 1], rate_hz)
                rows += len(windows)
            listeners.watch()
            if failure := listeners.failure:
                raise CaptureError(failure)
            if not windows and listeners.finished:
                break
            took.hours = rows * hop_s / 3_600.0
            watcher.heard(took.hours, listeners.statuses)
    finally:
        listeners.stop(_STOP_S)
        writer.finish()
    took.dropped = listeners.backlog.dropped
    return took


def hear_files(
    files: Sequence[Path],
    bundle: Bundle,
    hop_s: float,
    *,
    writer: PartWriter,
    stop: threading.Event,
    watcher: Watcher,
    channels: tuple[int, ...] | None = None,
) -> Took:
    """Hear recordings as the box would, each by itself; one that was heard before is left out.

    Of a recording that was heard by other channels, what was heard then is forgotten.

    Raises:
        StoreError: what was heard cannot be written.
        ConfigError: the hop is no whole number of frames.
    """
    took, rows = Took(), 0
    hearing = FileHearing.of(bundle, hop_s)
    hearing = replace(hearing, channels=channels, remark=took.remarks.append)
    for path in files:
        if stop.is_set():
            break
        try:
            content = sha256_of(path)[:32]
        except OSError as error:
            took.unread.append(AudioFileError(f"{path}: {reason(error)}; mend it"))
            continue
        stream = "-".join((content, *map(str, channels or ())))
        heard_before = {p.stream for p in writer.index.parts if p.stream.startswith(content)}
        if stream in heard_before:
            took.known.append(path)
            continue
        try:
            windows = _keep(hearing, path, stream, writer, stop)
        except AudioFileError as error:
            writer.forget(stream)
            took.unread.append(error)
            continue
        if stop.is_set():
            # Half of a recording would later pass for the whole.
            writer.forget(stream)
            break
        writer.finish(stream)
        for other in heard_before:
            writer.forget(other)
        if not windows:
            took.short.append(path)
        rows += windows
        took.hours = rows * hop_s / 3_600.0
        watcher.heard(took.hours, ())
    return took


def _keep(
    hearing: FileHearing, path: Path, stream: str, writer: PartWriter, stop: threading.Event
) -> int:
    """Keep the windows of a recording; how many there were."""
    rows = 0
    for windows, views in hearing.embedded(path, rest=False):
        if stop.is_set():
            break
        writer.take(stream, windows, views, hearing.rate_hz, recorded=True)
        rows += len(windows)
    return rows
