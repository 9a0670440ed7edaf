"""Follows alerts and cuts the sound around each, once it is over or lasts too long.

Used by the pipeline's thread alone, which it never holds up: a cut is a copy out of the ring,
and everything else happens in the worker.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.clips.job import Job
from agent.clips.memory import MemoryTally, SoundMemory
from agent.clips.ring import ClipRing
from agent.core.records import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.clips.memory import Cut
    from agent.clips.tally import ClipTally
    from agent.clips.worker import ClipWorker, Errand
    from agent.config import ClipSettings
    from agent.core.clock import Clock
    from agent.core.records import Alert, Block, Views, Window

# Beside a clip of the greatest length: windows that wait to be scored (a full backlog of ten
# seconds), and the quiet ones that end an event.
_LATE_S = 20.0
# A source that is lost gives no more sound: what is there is cut after so long.
_PATIENCE_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    """An alert whose clip is not cut yet."""

    alert: Alert
    anchor: int
    """Index of the sample with which the event began."""
    full: int
    """Index at which the clip has its greatest length."""
    ended_s: float | None = None
    """When it ended, on the monotonic clock."""


@dataclass(slots=True)
class _RecentSound:
    """What is remembered of one source."""

    ring: ClipRing
    views: deque[tuple[int, Views]] = field(default_factory=deque)
    """Index of each window's first sample, and the views of it."""


class Recorder:
    """Cuts clips."""

    def __init__(
        self,
        settings: ClipSettings,
        sources: Iterable[str],
        sample_rate_hz: int,
        worker: ClipWorker,
        clock: Clock,
        *,
        hop_s: float = 0.5,
    ) -> None:
        """Make a ring for each source.

        Args:
            settings: how much to cut.
            sources: their names.
            sample_rate_hz: of their blocks.
            worker: takes the clips.
            clock: says when a source has been silent for too long.
            hop_s: from window to window.
        """
        self._settings = settings
        self._rate_hz = sample_rate_hz
        self._worker = worker
        self._clock = clock
        seconds = settings.longest_s + _LATE_S
        self._recent = {name: _RecentSound(ClipRing(sample_rate_hz, seconds)) for name in sources}
        self._open: dict[str, _Open] = {}
        self.memory: SoundMemory | None = None
        """The last minutes; ``None`` where the site wants none."""
        if settings.memory_s:
            rings = {name: recent.ring for name, recent in self._recent.items()}
            self.memory = SoundMemory(rings, settings.memory_s, hop_s)

    @property
    def tally(self) -> ClipTally:
        """What became of the clips so far."""
        return self._worker.tally

    @property
    def remembered(self) -> MemoryTally:
        """What became of the sound that was to be remembered so far."""
        return MemoryTally() if self.memory is None else self.memory.tally

    def start(self) -> None:
        """Begin to write what is cut."""
        self._worker.start()
        if self.memory is not None:
            self.memory.start()

    def stop(self, timeout_s: float) -> None:
        """Cut everything as far as it was heard, and write it, for at most so long."""
        for recording in self._open.values():
            self._cut(recording)
        self._open.clear()
        if self.memory is not None:
            self.memory.stop()
        self._worker.stop(timeout_s)

    def push(self, block: Block) -> None:
        """Remember a block; called in its source's thread."""
        self._recent[block.source].ring.push(block)

    @property
    def busy(self) -> bool:
        """Whether a clip more would not be written."""
        return self._worker.full

    def attend(self, errand: Errand) -> bool:
        """Have something done with what clears sound of speech; whether it can be."""
        return self._worker.attend(errand)

    def keep(self, alert: Alert, cut: Cut, views: Views) -> None:
        """Have a sound written that a person reported, as any other clip.

        Args:
            alert: of that person, which tells when it was.
            cut: the sound.
            views: of its peak's window alone.
        """
        event, duration_s = alert.detection, len(cut.samples) / self._rate_hz

        def within(at: float) -> float:
            return min(duration_s, max(0.0, at - cut.starts_at))

        self._worker.put(
            Job(
                alert=alert,
                samples=cut.samples,
                sample_rate_hz=self._rate_hz,
                starts_at=cut.starts_at,
                begins_s=within(event.starts_at),
                ends_s=within(event.ends_at),
                peak_s=within(event.peaks_at),
                views=views,
            )
        )

    def scored(self, window: Window, views: Views) -> None:
        """Remember the views of a window."""
        if self.memory is not None:
            self.memory.scored(window, views)
        remembered = self._recent[window.source].views
        remembered.append((window.index, views))
        oldest = window.index - self._samples(self._settings.longest_s + _LATE_S)
        while remembered[0][0] < oldest:
            remembered.popleft()

    def take(self, alerts: Iterable[Alert]) -> None:
        """Follow alerts as they change."""
        for alert in alerts:
            known = self._open.get(alert.alert_id)
            if alert.detection.step is Step.NEW:
                self._begin(alert)
            elif known is not None:
                known.alert = alert
                if alert.detection.step is Step.END:
                    known.ended_s = self._clock.monotonic()

    def tick(self) -> None:
        """Cut what is due."""
        now_s = self._clock.monotonic()
        for alert_id, recording in list(self._open.items()):
            end = self._recent[recording.alert.detection.source].ring.end
            waited_s = 0.0 if recording.ended_s is None else now_s - recording.ended_s
            overdue = waited_s > self._settings.post_roll_s + _PATIENCE_S
            if end >= self._due(recording) or overdue:
                del self._open[alert_id]
                self._cut(recording)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._rate_hz)

    def _begin(self, alert: Alert) -> None:
        ring = self._recent[alert.detection.source].ring
        anchor = ring.index_of(alert.detection.starts_at)
        if anchor is None:
            _log.warning("clip_missed", extra={"alert_id": alert.alert_id})
            self._worker.missed()
            return
        first = anchor - self._samples(self._settings.pre_roll_s)
        self._open[alert.alert_id] = _Open(
            alert, anchor, first + self._samples(self._settings.longest_s)
        )

    def _due(self, recording: _Open) -> int:
        """Index with which the clip ends, as far as that is known."""
        if recording.ended_s is None:
            return recording.full
        detection = recording.alert.detection
        lasted_s = detection.ends_at - detection.starts_at
        last = recording.anchor + self._samples(lasted_s + self._settings.post_roll_s)
        return min(last, recording.full)

    def _cut(self, recording: _Open) -> None:
        # All times of an event are by one clock: seconds after its start give indices, whatever
        # was done to the clock meanwhile.
        detection = recording.alert.detection
        heard = self._recent[detection.source]
        wanted = recording.anchor - self._samples(self._settings.pre_roll_s)
        begin, samples = heard.ring.cut(wanted, self._due(recording))
        if not len(samples):
            _log.warning("clip_missed", extra={"alert_id": recording.alert.alert_id})
            self._worker.missed()
            return
        peak = recording.anchor + self._samples(detection.peaks_at - detection.starts_at)
        last = recording.anchor + self._samples(detection.ends_at - detection.starts_at)
        duration_s = len(samples) / self._rate_hz
        views = _nearest(heard.views, peak, self._rate_hz)
        self._worker.put(
            Job(
                alert=recording.alert,
                samples=samples,
                sample_rate_hz=self._rate_hz,
                starts_at=heard.ring.time_of(begin),
                begins_s=max(0.0, (recording.anchor - begin) / self._rate_hz),
                ends_s=min(duration_s, (last - begin) / self._rate_hz),
                peak_s=min(duration_s, max(0.0, (peak - begin) / self._rate_hz)),
                views=views,
            )
        )


def _nearest(views: Iterable[tuple[int, Views]], index: int, tolerance: int) -> Views | None:
    """Those of the window that starts nearest to a sample; ``None`` if none is near."""
    by_distance: Mapping[int, Views] = {abs(at - index): own for at, own in views}
    nearest = min(by_distance, default=tolerance)
    return by_distance[nearest] if nearest < tolerance else None
