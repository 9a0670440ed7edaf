"""Channels to one signal: their mean, or the best of them where the mean would lose sound.

The mean of two channels of which one is inverted is silence, and that of microphones which hear
a sound one after the other is a comb filter. So the power of the mean is compared with that of
each channel, octave by octave, and one channel is heard where the mean cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.octaves import HalfOctaves
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from agent.capture.octaves import Powers
    from agent.core.records import FloatArray

# Ratios of powers. In an octave the mean loses 6 dB against the best channel ...
_LOST = 10.0**0.6
_KEPT = 10.0**0.5

# ... and 2 dB against channels that have nothing in common, which weaken each other as any
# average does: two of them lose 3 dB and eight lose 9 dB, in all octaves alike.
_CANCELLED = 10.0**0.2
_UNCANCELLED = 10.0**0.1

# A power is uncertain by so much over the root of bandwidth and time; nothing is known below
# such a product.
_DOUBT = 4.0
_LEAST_PRODUCT = 32.0

# With less power than this a channel has nothing behind it, if another has 30 dB more.
_DEAD = 10.0**-7.5
_DEADER = 1e-3

# Octaves with less power than this, or 60 dB below the loudest one, are not compared.
_FLOOR = 1e-10
_RANGE = 1e-6
_LEAST = 1e-16

# The mean has so much more than the channel that is heard: the sound is at another one.
_ELSEWHERE = 4.0

# Channels so near to the loudest are as good; another than the one that is heard has to be so
# much louder.
_SAME_DB = 1.0
_BETTER_DB = 6.0

_JUDGED_S = 1.0
_REST = 3
"""After ten seconds without a fault three frames of four are not measured."""
_ENDED_S = 30.0
"""Seconds of sound without a loss after which all channels are mixed again."""
_FADE_S = 0.01
_LEAD_S = 10.0
_LEAD_VALUES = 1 << 21


@dataclass(frozen=True, slots=True)
class Choice:
    """One channel is heard in place of the mean."""

    channel: int
    """Counted from 1."""
    fault: str
    """What is wrong with the mean."""

    def __str__(self) -> str:
        return f"{self.fault}; channel {self.channel} alone is heard"


class Mixdown:
    """Mixes the frames of one source, and remembers how its channels relate."""

    def __init__(self, channels: tuple[int, ...] | None = None) -> None:
        """Args: the channels to mix, counted from 1; all of them if ``None``."""
        self._numbers = channels
        self._rate_hz = 0
        self._powers: HalfOctaves | None = None
        self._begin(0)

    @property
    def remark(self) -> str:
        """What is wrong with the mean, and what to write in YAML; empty if nothing is."""
        if self.choice is None:
            return ""
        alone = Reason.of("channel_alone", channel=self.choice.channel)
        return Reason.joined([self.choice.fault, alone])

    def missing(self, count: int) -> str:
        """What is wrong with the chosen channels where there are ``count``; empty if nothing."""
        most = max(self._numbers or (1,))
        if most <= count:
            return ""
        there = "1 channel" if count == 1 else f"{count} channels"
        upto = "channel 1" if count == 1 else f"channels from 1 to {count}"
        return f"has {there}, not {most}; choose {upto}"

    def begin(self, rate_hz: int) -> None:
        """Frames follow at this rate, maybe after a gap; what is known of the source stays."""
        if rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            self._begin(0)
        elif self._powers is not None:
            self._powers.drop()

    def _begin(self, channels: int) -> None:
        self._count = channels
        self._powers = HalfOctaves(self._rate_hz, channels) if channels > 1 else None
        self.choice: Choice | None = None
        """The channel that is heard alone, and why; ``None`` while all are mixed."""
        self.last_choice: Choice | None = None
        """The latest of all that was heard, though its cause may have ended."""
        self._taken: int | None = None
        self._heard_s = 0.0
        self._well_s = 0.0
        self._elsewhere = 0
        self._before: int | None = None
        self._fading = 0
        self._begun = False

    def chosen(self, frames: FloatArray) -> FloatArray:
        """The channels to mix, shape ``(frames, channels)``."""
        if self._numbers is None:
            return frames
        return frames[:, [number - 1 for number in self._numbers]]

    def recording(self, pieces: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Mix what can be looked ahead at: its first ten seconds are judged before they are mixed.

        Args:
            pieces: of the chosen channels, shape ``(frames, channels)`` each.

        Yields:
            For each piece, shape ``(frames,)``.
        """
        held: list[FloatArray] = []
        frames, leading = 0, True
        for piece in pieces:
            if piece.shape[1] == 1 or not leading:
                yield self.add(piece)
                continue
            self._watch(piece)
            held.append(piece)
            frames += len(piece)
            if frames >= min(_LEAD_S * self._rate_hz, _LEAD_VALUES / piece.shape[1]):
                leading = False
                yield from map(self._mix, held)
                held.clear()
        if held:
            self._judge()
            yield from map(self._mix, held)

    def add(self, frames: FloatArray) -> FloatArray:
        """Mix the next frames of the chosen channels, ``(frames, channels)`` to ``(frames,)``."""
        if frames.shape[1] == 1:
            return frames[:, 0]
        self._watch(frames)
        return self._mix(frames)

    def _mix(self, frames: FloatArray) -> FloatArray:
        mixed = _mixed(frames, self._taken)
        if self._fading:
            count = min(self._fading, len(frames))
            share = np.arange(self._fading, self._fading - count, -1, dtype=np.float32)
            share /= self._fade_frames + 1
            mixed = mixed.copy()
            mixed[:count] += share * (_mixed(frames[:count], self._before) - mixed[:count])
            self._fading -= count
        self._begun = True
        return mixed

    @property
    def _fade_frames(self) -> int:
        return round(_FADE_S * self._rate_hz)

    def _watch(self, frames: FloatArray) -> None:
        if frames.shape[1] != self._count:
            self._begin(frames.shape[1])
        assert self._powers is not None  # noqa: S101 - there are several channels
        for _ in self._powers.take(frames):
            self._look_elsewhere(self._powers.latest)
            if self._powers.new_s >= _JUDGED_S:
                self._judge()

    def _look_elsewhere(self, powers: Powers) -> None:
        """Mix at once where a channel that is not heard has the sound, twice running."""
        if self._taken is None:
            return
        mean, taken = powers[0].sum(), powers[1 + self._taken].sum()
        more = mean > max(_ELSEWHERE * taken, _FLOOR)
        self._elsewhere = self._elsewhere + 1 if more else 0
        if self._elsewhere > 1:
            self._take(None, "")

    def _judge(self) -> None:
        """Learn the powers of what came since the last time, and decide."""
        assert self._powers is not None  # noqa: S101 - there are several channels
        since_s = self._powers.new_s
        self._powers.learn()
        self._heard_s += since_s
        self._decide(_Found.of(self._powers), since_s)
        # While nothing is wrong, some of the sound is enough.
        steady = self._taken is None and self._heard_s >= _LEAD_S
        self._powers.rest = _REST if steady else 0

    def _decide(self, found: _Found | None, since_s: float) -> None:
        if found is None:
            return
        if self._taken is not None:
            self._well_s = self._well_s + since_s if found.well else 0.0
            if self._well_s >= _ENDED_S or not found.hears[self._taken]:
                self._take(None, "")
            elif found.levels_db[self._taken] + _BETTER_DB > found.levels_db.max():
                return
        best = found.best
        if found.lost and found.hears[best]:
            self._take(best, self._fault(found))

    def _take(self, channel: int | None, fault: str) -> None:
        self._well_s, self._elsewhere = 0.0, 0
        self.choice = None if channel is None else Choice(self._names[channel], fault)
        self.last_choice = self.choice or self.last_choice
        if channel != self._taken:
            self._before, self._taken = self._taken, channel
            self._fading = self._fade_frames if self._begun else 0

    @property
    def _names(self) -> tuple[int, ...]:
        return self._numbers or tuple(range(1, self._count + 1))

    def _fault(self, found: _Found) -> str:
        silent = [name for name, dead in zip(self._names, found.dead, strict=True) if dead]
        if len(silent) == self._count - 1:
            if len(silent) == 1:
                return Reason.of("channel_dead", channel=silent[0])
            return Reason.of("channels_dead")
        *first, last = self._names
        named = ", ".join(map(str, first))
        everywhere = 2 * np.count_nonzero(found.cancels) > np.count_nonzero(found.compared)
        if len(first) == 1 and everywhere:
            return Reason.of("channels_cancel", first=named, last=last)
        assert self._powers is not None  # noqa: S101 - there are several channels
        worst = int(np.where(found.cancels, found.loss, 0.0).argmax())
        return Reason.of(
            "channels_weaken",
            first=named,
            last=last,
            decibels=round(10.0 * math.log10(found.loss[worst])),
            hertz=round(float(self._powers.centres_hz[worst])),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What powers tell; octaves that cannot be compared count as without a loss."""

    compared: npt.NDArray[np.bool_]
    loss: Powers
    """Of the mean against the best channel, by octave, a ratio of powers."""
    cancels: npt.NDArray[np.bool_]
    """Octaves in which the mean loses sound."""
    well: bool
    """Whether the mean is far from losing any."""
    dead: npt.NDArray[np.bool_]
    """Channels without sound while another has it."""
    hears: npt.NDArray[np.bool_]
    """Channels that alone lose less than the mean does."""
    levels_db: Powers
    """Of each channel, mean over the octaves: not the rumble decides."""

    @classmethod
    def of(cls, powers: HalfOctaves) -> _Found | None:
        """Judge what was learnt; ``None`` where there is nothing to compare."""
        octaves = powers.running[:, :-1] + powers.running[:, 1:]
        mean, channels = np.maximum(octaves[0], _LEAST), np.maximum(octaves[1:], _LEAST)
        best = channels.max(axis=0)
        product = powers.widths_hz * powers.known_s
        compared = (best > max(_FLOOR, _RANGE * best.max())) & (product >= _LEAST_PRODUCT)
        if not compared.any():
            return None
        loss = np.where(compared, best / mean, 1.0)
        cancelled = channels.sum(axis=0) / (len(channels) ** 2 * mean)
        limit = _CANCELLED * (1.0 + _DOUBT / np.sqrt(product))
        whole = powers.running[1:].sum(axis=1)
        dead = (whole < _DEAD) & (whole < _DEADER * whole.max())
        well = np.count_nonzero(~dead) > 1 and ((loss < _KEPT) | (cancelled < _UNCANCELLED)).all()
        gains = (channels / mean)[:, compared]
        return cls(
            compared=compared,
            loss=loss,
            cancels=compared & (loss > _LOST) & (cancelled > limit),
            well=bool(well),
            dead=dead,
            hears=gains.max(axis=1) * gains.min(axis=1) > 1.0,
            levels_db=10.0 * np.log10(channels[:, compared]).mean(axis=1),
        )

    @property
    def lost(self) -> bool:
        """Whether one channel is better than the mean."""
        return bool(self.cancels.any()) or np.count_nonzero(~self.dead) == 1

    @property
    def best(self) -> int:
        """The loudest of the channels that hear everything; the first of those as good."""
        levels_db = np.where(self.hears, self.levels_db, -np.inf)
        return int(np.argmax(levels_db >= levels_db.max() - _SAME_DB))


def _mixed(frames: FloatArray, taken: int | None) -> FloatArray:
    if taken is not None:
        return frames[:, taken]
    # A tenth of the time of numpy's mean over rows of two.
    mean = frames[:, 0].copy()
    for channel in range(1, frames.shape[1]):
        mean += frames[:, channel]
    mean /= frames.shape[1]
    return mean
