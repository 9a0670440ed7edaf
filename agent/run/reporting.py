"""Makes a report of a while of the last minutes: its sound, and which window tells most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.alerts.alerts import timestamp
from agent.core.errors import AudioFileError
from agent.core.reasons import Reason
from agent.core.records import Detection, Provenance, Step
from agent.mqtt.payload import RefusedError, shown
from agent.run.refusals import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.alerts.reports import Report, Reports
    from agent.clips import Recorder, SoundMemory
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


@dataclass(frozen=True, slots=True)
class Telling:
    """Windows of a while, compared with one description."""

    row: int
    """The most telling one."""
    scores: FloatArray
    """Of each, shape ``(windows,)``."""
    embedding: FloatArray
    """Of the most telling one, shape ``(dim,)``."""


class Reporting:
    """Takes reports of sounds. Used by the link's thread; listening goes on meanwhile."""

    def __init__(
        self,
        *,
        recorder: Recorder | None,
        reports: Reports,
        settings: ClipSettings,
        bundle_digest: str,
        watch: Callable[[], Watchlist],
    ) -> None:
        """Take them from now on.

        Args:
            recorder: remembers the last minutes, and writes clips; ``None`` where none are kept.
            reports: keeps them.
            settings: how much is cut.
            bundle_digest: hash of what scores.
            watch: what is listened for now.
        """
        self._recorder = recorder
        self._settings = settings
        self._reports = reports
        self._bundle_digest = bundle_digest
        self._watch = watch

    @property
    def reports(self) -> Reports:
        """What keeps them."""
        return self._reports

    def report(self, report: Report, source: str, begin_at: float, end_at: float) -> Alert:
        """Make a report of a while.

        Args:
            report: who says what.
            source: where it was heard.
            begin_at: UTC by the box's clock, seconds since the epoch, as is ``end_at``.
            end_at: likewise.

        Returns:
            the alert that was made; its clip follows.

        Raises:
            RefusedError: description or source are unknown, or the while is not remembered.
        """
        watch = self._watch()
        recorder, memory = self.memory_of(source)
        refuse_unknown(report.error_id, watch.policies)
        end_at = self._refuse_outside(memory, source, begin_at, end_at)
        if recorder.busy:
            raise RefusedError(Reason.of("clips_waiting", seconds=_RETRY_S))
        heard = memory.heard(source, begin_at, end_at)
        if heard is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        ordinary = memory.heard(source, end_at - _AGES, end_at + _AGES) or heard
        telling = most_telling(watch, report.error_id, heard, ordinary)
        peak = heard.windows[telling.row]
        begin, end = self._clip_of(begin_at, end_at, peak.captured_at + peak.duration_s / 2)
        span = memory.of(source).span()
        try:
            cut = memory.of(source).cut(max(begin, span[0] if span else begin), end)
        except AudioFileError as error:
            raise RefusedError(str(error)) from error
        if cut is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        threshold = watch.policies[report.error_id].threshold_on
        alert = self._reports.keep(
            report,
            Detection(
                source=source,
                error_id=report.error_id,
                step=Step.END,
                starts_at=begin_at,
                peaks_at=peak.captured_at,
                ends_at=end_at,
                score=float(telling.scores[telling.row]),
                threshold=threshold,
                hits=int(np.count_nonzero(telling.scores >= threshold)),
                windows=len(heard),
            ),
            watch.wordings[report.error_id],
            Provenance(self._bundle_digest, watch.digest),
        )
        recorder.keep(alert, cut, telling.embedding)
        return alert

    def memory_of(self, source: str) -> tuple[Recorder, SoundMemory]:
        """What remembers a source, and writes its clips.

        Raises:
            RefusedError: nothing is remembered here, or there is no such source.
        """
        recorder = self._recorder
        memory = None if recorder is None else recorder.memory
        if recorder is None or memory is None:
            raise RefusedError(Reason.of("memory_off"))
        if source not in memory.names:
            known = ", ".join(memory.names)
            raise RefusedError(Reason.of("source_unknown", source=shown(source), known=known))
        return recorder, memory

    def _refuse_outside(
        self, memory: SoundMemory, source: str, begin_at: float, end_at: float
    ) -> float:
        """Keep out what is not remembered; the end, not later than what was heard.

        Raises:
            RefusedError: some of the while is not remembered, or it is too long.
        """
        if end_at - begin_at > LONGEST_S:
            seconds = round(end_at - begin_at, 1)
            raise RefusedError(Reason.of("span_long", seconds=seconds, most=LONGEST_S))
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

    def _clip_of(self, begin_at: float, end_at: float, middle_at: float) -> tuple[float, float]:
        """What to cut: around the while, or around its most telling moment where that is long."""
        settings = self._settings
        begin, end = begin_at - settings.pre_roll_s, end_at + settings.post_roll_s
        if end - begin > settings.longest_s:
            begin = max(begin, middle_at - settings.longest_s / 2)
        return begin, min(end, begin + settings.longest_s)


def most_telling(watch: Watchlist, error_id: str, heard: Heard, ordinary: Heard) -> Telling:
    """The window that fits a description best, of the half that is least like ordinary sound.

    Without that, vague words would choose a pause.

    Args:
        watch: what is listened for.
        error_id: one of its descriptions.
        heard: the windows.
        ordinary: of the same place, mostly without such a sound.
    """
    matches = watch.matcher.match(heard.windows, heard.views)
    scores = np.array([match.scores()[error_id] for match in matches], np.float32)
    usual = heard.views.joint @ ordinary.views.joint.mean(axis=0)
    fits = np.where(usual > np.median(usual), -np.inf, scores)
    row = int(fits.argmax())
    return Telling(row, scores, heard.views.joint[row])
