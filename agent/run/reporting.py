"""Makes a report of a while of the last minutes: its sound, and which window tells most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.alerts.alerts import timestamp
from agent.core.errors import AudioFileError, BundleError
from agent.core.reasons import Reason
from agent.core.records import Origin, Provenance
from agent.hearing.windows import holding_sound
from agent.mqtt.payload import RefusedError, refuse_unknown, shown
from agent.watchlist.sureness import most_telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.alerts.reports import Report, Reports
    from agent.bundle.loading import Bundle
    from agent.clips import Cut, Recorder, SoundMemory
    from agent.clips.views_ring import Heard
    from agent.config import ClipSettings
    from agent.core.records import Alert, FloatArray
    from agent.watchlist.watchlist import Watchlist

LONGEST_S = 120.0
"""Of a while that may be reported at once; the box finds the sound in it."""

# Whoever marks what they heard just now is ahead of what the sound card has delivered.
_AHEAD_S = 5.0
_RETRY_S = 10
_AGES = 1e9
_APART_S = 2.0
"""A window's length before a while, in which its sound may begin."""
_LEAST_AROUND = 60
"""Windows around a while from which on they tell what is ordinary there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that was kept, and what was heard then."""

    alert: Alert
    heard: Heard
    row: int
    """Of the window that is the example."""


class Reporting:
    """Takes reports of sounds. Used by the link's thread; listening goes on meanwhile."""

    def __init__(
        self,
        *,
        recorder: Recorder | None,
        reports: Reports,
        settings: ClipSettings,
        bundle: Bundle,
        watch: Callable[[], Watchlist],
    ) -> None:
        """Take them from now on.

        Args:
            recorder: remembers the last minutes, and writes clips; ``None`` where none are kept.
            reports: keeps them.
            settings: how much is cut.
            bundle: that scores.
            watch: what is listened for now.
        """
        self._recorder = recorder
        self._settings = settings
        self._reports = reports
        self._bundle = bundle
        self._watch = watch

    def heard_until(self, source: str) -> float:
        """UTC up to which a source was heard and compared; 0 where nothing was yet."""
        recorder = self._recorder
        memory = None if recorder is None else recorder.memory
        return 0.0 if memory is None else memory.of(source).views.newest_at

    @property
    def reports(self) -> Reports:
        """What keeps them."""
        return self._reports

    def report(self, report: Report, source: str, begin_at: float, end_at: float) -> Kept:
        """Make a report of a while.

        Args:
            report: who says what.
            source: where it was heard.
            begin_at: UTC by the box's clock, seconds since the epoch, as is ``end_at``.
            end_at: likewise.

        Returns:
            what was kept; its clip follows.

        Raises:
            RefusedError: description or source are unknown, the while is not remembered, or it
                holds nothing but digital silence.
        """
        watch = self._watch()
        recorder, memory = self.ready_for(report.error_id, source)
        end_at = self.refuse_outside(memory, source, begin_at, end_at)
        if recorder.busy:
            raise RefusedError(Reason.of("clips_waiting", seconds=_RETRY_S))
        # Of a clip with nothing around it the example has to lie within.
        half_s = _APART_S / 2 if report.origin is Origin.TAUGHT else 0.0
        half_s = half_s if end_at - begin_at > _APART_S else 0.0
        heard = memory.heard(source, begin_at + half_s, end_at - half_s)
        if heard is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        heard = self._sounding(memory, source, heard, begin_at, end_at)
        usual = self._usual(memory, source, begin_at, end_at)
        telling = most_telling(watch, report.error_id, heard.windows, heard.views, usual)
        peak = heard.windows[telling.row]
        middle_at = peak.captured_at + peak.duration_s / 2
        begin, end = self._clip_of(report.origin, begin_at, end_at, middle_at)
        span = memory.of(source).span()
        cut = self.cut(memory, source, max(begin, span[0] if span else begin), end)
        threshold = watch.policies[report.error_id].threshold_on
        alert = self._reports.keep(
            report,
            telling.event(source, report.error_id, threshold, (begin_at, peak.captured_at, end_at)),
            watch.wordings[report.error_id],
            Provenance(self._bundle.digest, watch.digest),
        )
        row = telling.row
        recorder.keep(alert, cut, heard.views[row : row + 1])
        return Kept(alert, heard, row)

    def _sounding(
        self, memory: SoundMemory, source: str, heard: Heard, begin_at: float, end_at: float
    ) -> Heard:
        """The windows that hold sound of a while: of a muted microphone nothing can be learnt.

        Raises:
            RefusedError: none does, or their sound is not remembered.
        """
        cut = self.cut(memory, source, begin_at, end_at)
        rate_hz = memory.of(source).sample_rate_hz
        sounds = holding_sound(heard.windows, cut.samples, rate_hz, cut.starts_at)
        rows = [row for row, one in enumerate(sounds) if one]
        if not rows:
            raise RefusedError(Reason.of("teaching_silent", source=source))
        return heard.of(rows)

    def _usual(
        self, memory: SoundMemory, source: str, begin_at: float, end_at: float
    ) -> FloatArray:
        """Mean joint view of ordinary sound: that around a while, or the bundle's.

        Raises:
            RefusedError: the bundle's cannot be read any more.
        """
        around = memory.heard(source, end_at - _AGES, end_at + _AGES)
        if around is not None:
            starts = np.array([window.captured_at for window in around.windows])
            outside = (starts < begin_at - _APART_S) | (starts > end_at)
            if np.count_nonzero(outside) >= _LEAST_AROUND:
                mean: FloatArray = around.views.joint[outside].mean(axis=0)
                return mean
        try:
            usual: FloatArray = self._bundle.background().joint.mean(axis=0)
        except BundleError as error:  # its file was damaged since the start
            raise RefusedError(str(error)) from error
        return usual

    @property
    def watch(self) -> Watchlist:
        """What is listened for now."""
        return self._watch()

    def memory_of(self, source: str) -> tuple[Recorder, SoundMemory]:
        """What treats sound, and what remembers.

        Raises:
            RefusedError: the source is unknown, or nothing is remembered here.
        """
        recorder = self._recorder
        memory = None if recorder is None else recorder.memory
        if recorder is None or memory is None:
            raise RefusedError(Reason.of("memory_off"))
        if source not in memory.names:
            known = ", ".join(memory.names)
            raise RefusedError(Reason.of("source_unknown", source=shown(source), known=known))
        return recorder, memory

    def ready_for(self, error_id: str, source: str) -> tuple[Recorder, SoundMemory]:
        """What writes clips, and what remembers, where a report could be taken.

        Raises:
            RefusedError: description or source are unknown, or nothing is remembered here.
        """
        found = self.memory_of(source)
        refuse_unknown(error_id, self._watch().policies)
        return found

    def cut(self, memory: SoundMemory, source: str, begin_at: float, end_at: float) -> Cut:
        """The sound of a while.

        Raises:
            RefusedError: nothing of it is remembered, or it cannot be decompressed.
        """
        try:
            cut = memory.of(source).cut(begin_at, end_at)
        except AudioFileError as error:
            raise RefusedError(str(error)) from error
        if cut is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        return cut

    def refuse_outside(
        self,
        memory: SoundMemory,
        source: str,
        begin_at: float,
        end_at: float,
        longest_s: float = LONGEST_S,
    ) -> float:
        """Keep out what is not remembered; the end, not later than what was heard.

        Raises:
            RefusedError: some of the while is not remembered, or it is too long.
        """
        if end_at - begin_at > longest_s:
            seconds = round(end_at - begin_at, 1)
            raise RefusedError(Reason.of("span_long", seconds=seconds, most=longest_s))
        span = memory.of(source).span()
        if span is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        oldest, newest = span
        if begin_at < oldest or begin_at >= newest or end_at > newest + _AHEAD_S:
            begin, end = timestamp(oldest), timestamp(newest)
            raise RefusedError(
                Reason.of("span_outside", source=shown(source), begin=begin, end=end)
            )
        return min(end_at, newest)

    def _clip_of(
        self, origin: Origin, begin_at: float, end_at: float, middle_at: float
    ) -> tuple[float, float]:
        """What to cut: around the while, or around its most telling moment where that is long.

        What was made to be taught has nothing around it that anybody would have to hear.
        """
        settings, begin, end = self._settings, begin_at, end_at
        if origin is not Origin.TAUGHT:
            begin, end = begin - settings.pre_roll_s, end + settings.post_roll_s
        if end - begin > settings.longest_s:
            begin = max(begin, middle_at - settings.longest_s / 2)
        return begin, min(end, begin + settings.longest_s)
