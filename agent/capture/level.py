"""How loud a source is, and whether its signal is one: silence, a stuck value, clipping."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.core.reasons import Reason
from agent.core.records import SourceState

if TYPE_CHECKING:
    from agent.core.records import FloatArray

# A live 24-bit converter makes more noise than this (-120 dBFS); a dead line makes none.
_STILL = 1e-6
# Clipped tops leave the resampler with a ripple around full scale.
_CLIPPED = 0.985
_HIGHEST_DBFS = 3.0


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """When a signal is no longer taken for sound, and when it is again."""

    silent_after_s: float = 5.0
    """Seconds without any change of the value."""
    sounding_after_s: float = 0.5
    """Seconds of change that end the silence."""
    clip_window_s: float = 5.0
    """Seconds over which clipped samples are counted."""
    clipped_above: float = 0.005
    """Share of clipped samples in that window at which a source is clipped."""
    unclipped_below: float = 0.001
    """Share at which it no longer is."""
    offset_above: float = 0.05
    """Mean over that window, of full scale, at which the signal is remarked as off zero."""
    offset_below: float = 0.02
    """Mean at which it no longer is."""


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured over one interval."""

    rms_dbfs: float | None
    """Without DC; a full-scale sine has -3.01. ``None`` where the value did not change at all."""
    peak: float
    """Largest absolute value, full scale at 1.0."""
    clipped_ratio: float
    """Share of samples at full scale."""
    dc: float
    """Mean."""
    stuck: bool
    """Whether the value stood still off zero: a broken converter or cable."""


@dataclass(slots=True)
class _Sums:
    samples: int = 0
    total: float = 0.0
    squares: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf
    clipped: int = 0

    def level(self) -> Level:
        mean = self.total / self.samples
        variance = max(0.0, self.squares / self.samples - mean * mean)
        still = self.highest - self.lowest <= _STILL
        peak = max(abs(self.lowest), abs(self.highest))
        rms_dbfs = None
        if not still:
            # A change was seen, so there is power, even if rounding says otherwise.
            rms_dbfs = min(_HIGHEST_DBFS, 10.0 * math.log10(max(variance, _STILL * _STILL)))
        return Level(rms_dbfs, peak, self.clipped / self.samples, mean, still and peak > _STILL)


def still(samples: FloatArray) -> bool:
    """Whether a piece of sound is none: digital silence, or a value that stands still off zero.

    By the limit of the state ``silent``, which a click does not end: so what is told is the level
    of the whole piece, to which a few last bits that flip add nothing.

    Args:
        samples: full scale at 1.0, shape ``(samples,)``, at least one.
    """
    return float(np.std(samples, dtype=np.float64)) <= _STILL


class LevelMeter:
    """Measures interval after interval, and remembers how long something has been wrong."""

    def __init__(
        self, sample_rate_hz: int, limits: SignalLimits | None = None, interval_s: float = 1.0
    ) -> None:
        self._rate_hz = sample_rate_hz
        self._limits = limits or SignalLimits()
        self._interval_samples = round(interval_s * sample_rate_hz)
        self._intervals = max(1, round(self._limits.clip_window_s / interval_s))
        self.reset()

    def reset(self) -> None:
        """Forget all, as after a loss of the source."""
        self._sums = _Sums()
        self.level: Level | None = None
        """The last whole interval; ``None`` until there is one."""
        self._ratios: deque[float] = deque(maxlen=self._intervals)
        self._means: deque[float] = deque(maxlen=self._intervals)
        self._still_value: float | None = None
        self._still_samples = 0
        self._moving_samples = 0
        self._silent = False
        self._clipped = False
        self._offset = False

    @property
    def state(self) -> SourceState:
        """``ok``, ``silent`` or ``clipped``."""
        if self._silent:
            return SourceState.SILENT
        return SourceState.CLIPPED if self._clipped else SourceState.OK

    @property
    def reason(self) -> str:
        """What is wrong with the signal, and what to look at; empty if nothing is."""
        if self._silent:
            still_s = self._still_samples / self._rate_hz
            if self._still_value is not None and abs(self._still_value) > _STILL:
                value = round(self._still_value, 3)
                return Reason.of("signal_stuck", value=value, seconds=round(still_s))
            return Reason.of("signal_silent", seconds=round(still_s))
        if self._clipped:
            share = 100.0 * sum(self._ratios) / self._intervals
            return Reason.of("signal_clipped", percent=round(share, 1))
        return ""

    @property
    def remark(self) -> str:
        """What is not right with a signal that is still sound; empty if nothing is."""
        if not self._offset or self._silent:
            return ""
        mean = sum(self._means) / self._intervals
        return Reason.of("signal_offset", percent=round(100.0 * mean))

    def add(self, samples: FloatArray) -> None:
        """Take the next block, shape ``(samples,)``."""
        if len(samples) == 0:
            return
        lowest, highest = float(samples.min()), float(samples.max())
        self._follow(lowest, highest, len(samples))
        sums = self._sums
        wide = samples.astype(np.float64)
        sums.samples += len(samples)
        sums.total += float(wide.sum())
        sums.squares += float(wide @ wide)
        sums.lowest = min(sums.lowest, lowest)
        sums.highest = max(sums.highest, highest)
        if max(-lowest, highest) >= _CLIPPED:
            sums.clipped += int(np.count_nonzero(np.abs(samples) >= _CLIPPED))
        if sums.samples >= self._interval_samples:
            self.level = sums.level()
            self._sums = _Sums()
            self._judge_clipping(self.level.clipped_ratio)
            self._judge_offset(self.level.dc)

    def _follow(self, lowest: float, highest: float, samples: int) -> None:
        limits = self._limits
        still = highest - lowest <= _STILL
        if still and (self._still_value is None or abs(lowest - self._still_value) <= _STILL):
            self._still_samples += samples
            self._moving_samples = 0
        else:
            self._moving_samples += samples
            if not self._silent or self._moving_samples >= limits.sounding_after_s * self._rate_hz:
                self._still_samples = 0
                self._silent = False
        self._still_value = lowest if still else None
        if self._still_samples >= limits.silent_after_s * self._rate_hz:
            self._silent = True

    def _judge_offset(self, mean: float) -> None:
        self._means.append(mean)
        offset = abs(sum(self._means)) / self._intervals
        limits = self._limits
        self._offset = offset > (limits.offset_below if self._offset else limits.offset_above)

    def _judge_clipping(self, ratio: float) -> None:
        self._ratios.append(ratio)
        share = sum(self._ratios) / self._intervals
        if share > self._limits.clipped_above:
            self._clipped = True
        elif share < self._limits.unclipped_below:
            self._clipped = False
