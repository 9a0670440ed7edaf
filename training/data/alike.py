"""Recordings that hold the same sound: copies, cuts and louder copies, by their waveforms.

The beginning of each recording, and the loudest stretch of each two seconds of it, is looked for
in all others: first by its log spectrogram at every position, then, where that is much alike, by
the normalised cross-correlation of the samples. A level, a shift and a lossy codec change neither
much; another take of the same thing, or another second of the same machine, does not correlate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np

from agent.capture.audiofile import read_audio
from agent.core.records import FloatArray
from training.data.arrays import Numbers
from training.data.progress import shown

RATE_HZ = 16_000
"""At which recordings are compared; some of them hold nothing above."""
SAME = 0.8
"""Correlation from which on two stretches are one sound."""
_HOP, _FRAME = 320, 1_024
_FRAMES = 15
"""Of a stretch: 0.3 s."""
_STRETCH = _FRAMES * _HOP
_EVERY = 100
"""Frames of a long recording that have a stretch of their own: 2 s."""
_BANDS = 16
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7_500.0
_RANGE_DB = 60.0
_AUDIBLE = 0.01
"""Power of a stretch over that of the loudest, from which on it is looked for."""
_BEGINS_DB = 10.0
"""By so much the first frame of the beginning is weaker than the strongest, at most."""
_CANDIDATE = 0.92
"""Cosine of two stretches' spectrograms from which on their samples are compared."""
_MOST = 10
"""Recordings whose samples a stretch is compared with: those most alike."""
_REDUCED = 64
"""Dimensions that the spectrograms of stretches are compared in."""
_SLACK = 2 * _HOP
"""Samples by which a stretch may lie elsewhere than its spectrogram says."""
_ROWS = 6_000
_SILENCE = 1e-9


@dataclass(frozen=True, slots=True)
class Alike:
    """Two recordings, by their places in the list, that hold one sound."""

    first: int
    second: int
    correlation: float
    """Of the samples, at most 1."""


@dataclass(frozen=True, slots=True)
class ComparedSound:
    """A recording as it is compared."""

    samples: FloatArray
    """At :data:`RATE_HZ`."""
    frames: FloatArray
    """Log power in bands, dB, ``(frames, bands)``, at least as many as a stretch has."""

    @classmethod
    def of(cls, path: Path) -> ComparedSound:
        """Read a sound file.

        Raises:
            AudioFileError: it cannot be read.
        """
        samples = read_audio(path, RATE_HZ)
        return cls(samples, spectrogram(samples))

    def stretches(self) -> list[int]:
        """First frames of the loudest stretch in each two seconds, and of the beginning."""
        power = np.convolve(10.0 ** (self.frames.mean(axis=1) / 10.0), np.ones(_FRAMES), "valid")
        parts = np.array_split(np.arange(len(power)), max(1, round(len(power) / _EVERY)))
        loudest = [int(part[power[part].argmax()]) for part in parts]
        strength = self.frames.max(axis=1)
        begins = int((strength >= strength.max() - _BEGINS_DB).argmax())
        audible = {at for at in loudest if power[at] >= _AUDIBLE * power.max()}
        return sorted(audible | {min(begins, len(power) - 1)})


def spectrogram(samples: FloatArray) -> FloatArray:
    """Log power in bands, dB, of frames of 64 ms, 20 ms apart, ``(frames, bands)``.

    What is :data:`_RANGE_DB` under the loudest counts as silence.
    """
    least = (_FRAMES - 1) * _HOP + 1
    whole = max(least, len(samples))
    padded = np.zeros(whole + _FRAME, np.float32)
    padded[_FRAME // 2 : _FRAME // 2 + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[:whole:_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames * window, axis=1))).astype(np.float32)
    edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    edges = np.round(edges_hz * _FRAME / RATE_HZ).astype(int)
    edges = np.maximum(edges, edges[0] + np.arange(_BANDS + 1))
    bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    decibels = 10.0 * np.log10(bands + _SILENCE)
    lowest = float(decibels.max()) - _RANGE_DB
    limited: FloatArray = np.maximum(decibels, lowest).astype(np.float32)
    return limited


def alike(paths: Sequence[Path], series: Sequence[str]) -> tuple[Alike, ...]:
    """All pairs of recordings that hold one sound, in order.

    Args:
        paths: of the recordings.
        series: name for each; two of one name are not compared.

    Raises:
        AudioFileError: one cannot be read.
    """
    return among([ComparedSound.of(path) for path in shown(paths, "reading recordings")], series)


def among(heard: Sequence[ComparedSound], series: Sequence[str]) -> tuple[Alike, ...]:
    """As :func:`alike`, of what was read."""
    asked = [(number, at) for number, one in enumerate(heard) for at in one.stretches()]
    best: dict[tuple[int, int], float] = {}
    for row, other, there in _candidates(heard, asked, np.unique(series, return_inverse=True)[1]):
        mine, here = asked[row]
        pair = (min(mine, other), max(mine, other))
        found = _correlation(heard[mine].samples, here, heard[other].samples, there)
        best[pair] = max(found, best.get(pair, 0.0))
    return tuple(Alike(*pair, best[pair]) for pair in sorted(best) if best[pair] >= SAME)


def _candidates(
    heard: Sequence[ComparedSound], asked: Sequence[tuple[int, int]], series: Numbers
) -> Iterator[tuple[int, int, int]]:
    """(number of the stretch asked for, recording, frame) where spectrograms are much alike."""
    every = np.concatenate([one.frames for one in heard])
    mean = every.mean(axis=0)
    own = np.concatenate([_patches(heard[n].frames[at : at + _FRAMES], mean) for n, at in asked])
    _, _, directions = np.linalg.svd(own, full_matrices=False)
    basis = directions[:_REDUCED].T
    own = own @ basis
    own_series = series[[number for number, _ in asked]]
    found: list[tuple[int, float, int, int]] = []
    waiting: list[FloatArray] = []
    first = rows = 0
    for number, one in enumerate(heard):
        waiting.append(_patches(one.frames, mean) @ basis)
        rows += len(waiting[-1])
        if rows >= _ROWS or number == len(heard) - 1:
            similar = own @ np.concatenate(waiting).T
            starts = np.cumsum([0, *map(len, waiting)])
            highest = np.maximum.reduceat(similar, starts[:-1], axis=1)
            theirs = series[first : first + len(waiting)]
            highest[own_series[:, None] == theirs] = -1.0
            for row, column in np.argwhere(highest >= _CANDIDATE).tolist():
                some = similar[row, starts[column] : starts[column + 1]]
                at = int(some.argmax())
                found.append((row, -float(some[at]), first + column, at))
            waiting, first, rows = [], number + 1, 0
    for row, of_row in groupby(sorted(found), lambda one: one[0]):
        for _, _, other, at in islice(of_row, _MOST):
            yield row, other, at


def _patches(frames: FloatArray, mean: FloatArray) -> FloatArray:
    """Stretches at every position, each of length 1 and without its level, ``(positions, dim)``."""
    views = np.lib.stride_tricks.sliding_window_view(frames - mean, _FRAMES, axis=0)
    flat = views.reshape(len(views), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    found: FloatArray = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + _SILENCE)
    return found


def _correlation(mine: FloatArray, here: int, other: FloatArray, there: int) -> float:
    """Highest normalised cross-correlation of a stretch with about the same place of another."""
    part = mine[here * _HOP : here * _HOP + _STRETCH].astype(np.float64)
    low = there * _HOP - _SLACK
    around = other[max(0, low) : there * _HOP + len(part) + _SLACK].astype(np.float64)
    around = np.pad(around, (max(0, -low), max(0, len(part) - len(around))))
    size = 1 << (len(around) - 1).bit_length()  # lags that wrap round are cut off below
    spectrum = np.conj(np.fft.rfft(part, size)) * np.fft.rfft(around, size)
    products = np.fft.irfft(spectrum, size)[: len(around) - len(part) + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(around))))
    energy = sums[len(part) :] - sums[: -len(part)]
    floor = _SILENCE * max(float(energy.max()), float(np.square(part).sum()), _SILENCE)
    scale = np.sqrt(np.maximum(energy, floor) * max(float(np.square(part).sum()), floor))
    return float(np.abs(products / scale).max())
