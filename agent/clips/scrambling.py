"""Speech in a clip: found, and by the site's policy made unintelligible, dropped or kept.

Speech is carried by how the spectrum changes: without modulations over about 2 Hz nobody
understands a sentence (Drullman, Festen and Plomp, J. Acoust. Soc. Am. 95, 1994). Where somebody
speaks, the sound is therefore replaced by noise with the same power in bands a third of an octave
wide, averaged over half a second. The words, the voice's pitch and its waveform are gone and
cannot be computed back; how loud it was, in which bands and when is left. A machine's hum still
sounds like it, a blow that falls into the speech becomes a dull surge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from agent.config.speech import SpeechPolicy
from agent.core.records import Speech

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.core.records import FloatArray

_Mask = npt.NDArray[np.bool_]
_Doubles = npt.NDArray[np.float64]

# A frame (32 ms) counts if the mean over this many is at least so much. Low on purpose: a person
# who understands half a sentence in noise must be heard by the detector too.
_MEAN_FRAMES = 5
_LIKELY = 0.2
# Silence around it that is treated like speech: a word's quiet beginning and end.
_MARGIN_S = 1.0

_BLUR_S = 0.5
_BANDS_PER_OCTAVE = 3
_LOWEST_HZ = 80.0
_RAMP_S = 0.02
_FRAME_S = 0.032
_BATCH_FRAMES = 64


class Detector(Protocol):
    """Tells where people speak."""

    def probabilities(self, samples: FloatArray, sample_rate_hz: int) -> FloatArray:
        """How likely each frame of ``FRAME_S`` holds speech, shape ``(frames,)``."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """Sound as it may be kept."""

    samples: FloatArray
    """For the picture, and for the file where ``audible``; shape as it was given."""
    audible: bool
    """Whether it may be written as sound."""
    speech: Speech
    speech_s: float
    """Seconds in which speech was found, margins included."""


class Guard:
    """Applies a policy. The detector is made when it is first needed."""

    def __init__(self, policy: SpeechPolicy, load: Callable[[], Detector], frame_s: float) -> None:
        """Decide on a policy.

        Args:
            policy: of the site.
            load: makes the detector.
            frame_s: seconds of one of its frames.
        """
        self._policy = policy
        self._load = load
        self._frame_s = frame_s
        self._detector: Detector | None = None

    def rest(self) -> None:
        """Free the detector's memory until it is needed again."""
        self._detector = None

    def clear(
        self, samples: FloatArray, sample_rate_hz: int, rng: np.random.Generator | None = None
    ) -> Cleared:
        """The sound as the policy lets it be kept.

        Args:
            samples: full scale at 1.0, shape ``(samples,)``.
            sample_rate_hz: of them.
            rng: of the noise; one that nobody can repeat where ``None``.

        Raises:
            BundleError: speech cannot be looked for, so that nothing may be kept.
        """
        if self._policy is SpeechPolicy.KEEP:
            return Cleared(samples, audible=True, speech=Speech.KEPT, speech_s=0.0)
        if self._detector is None:
            self._detector = self._load()
        likely = self._detector.probabilities(samples, sample_rate_hz)
        mask = speech_mask(likely, self._frame_s, len(samples), sample_rate_hz)
        seconds = int(np.count_nonzero(mask)) / sample_rate_hz
        if not mask.any():
            return Cleared(samples, audible=True, speech=Speech.NONE, speech_s=0.0)
        scrambled = scramble(samples, mask, sample_rate_hz, rng or np.random.default_rng())
        dropped = self._policy is SpeechPolicy.DROP
        speech = Speech.DROPPED if dropped else Speech.SCRAMBLED
        return Cleared(scrambled, audible=not dropped, speech=speech, speech_s=seconds)


def speech_mask(likely: FloatArray, frame_s: float, samples: int, sample_rate_hz: int) -> _Mask:
    """Which samples are speech or too near to it, shape ``(samples,)``.

    Args:
        likely: probability of speech of each frame, shape ``(frames,)``.
        frame_s: seconds of a frame.
        samples: how many there are.
        sample_rate_hz: of them.
    """
    mask = np.zeros(samples, np.bool_)
    if len(likely) == 0:
        return mask
    sums = np.cumsum(np.concatenate([[0.0], likely.astype(np.float64)]))
    width = min(_MEAN_FRAMES, len(likely))
    means = (sums[width:] - sums[:-width]) / width
    # NaN is no probability: what the detector cannot judge counts as speech.
    for first in np.flatnonzero(~(means < _LIKELY)).tolist():
        begin = round((first * frame_s - _MARGIN_S) * sample_rate_hz)
        end = round(((first + width) * frame_s + _MARGIN_S) * sample_rate_hz)
        mask[max(0, begin) : end] = True
    return mask


def scramble(
    samples: FloatArray, mask: _Mask, sample_rate_hz: int, rng: np.random.Generator
) -> FloatArray:
    """Replace what a mask marks by noise that is as loud in each band, averaged over half a second.

    Args:
        samples: full scale at 1.0, shape ``(samples,)``.
        mask: which of them to replace, same shape.
        sample_rate_hz: of them.
        rng: of the noise.

    Returns:
        The samples, float32, same shape; untouched, bit for bit, outside of the mask.
    """
    result = np.array(samples, np.float32)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2).tolist():
        piece = result[begin:end]
        ramp = round(_RAMP_S * sample_rate_hz)
        weight = np.ones(len(piece), np.float32)
        rise = np.linspace(0.0, 1.0, min(ramp, len(piece)), dtype=np.float32)
        # At the clip's own ends there is nothing to fade from: speech goes on there.
        if begin > 0:
            weight[: len(rise)] = np.minimum(weight[: len(rise)], rise)
        if end < len(result):
            weight[-len(rise) :] = np.minimum(weight[-len(rise) :], rise[::-1])
        noise = _blurred(piece, sample_rate_hz, rng)
        result[begin:end] = np.clip(piece * (1.0 - weight) + noise * weight, -1.0, 1.0)
    return result


def _blurred(piece: FloatArray, sample_rate_hz: int, rng: np.random.Generator) -> FloatArray:
    """Noise with a piece's power in each band, averaged over time; same shape."""
    hop = round(_FRAME_S * sample_rate_hz / 2)
    size = 2 * hop
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size))
    padded = np.concatenate([np.zeros(hop), piece, np.zeros(size + hop - len(piece) % hop)])
    every = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    edges = _band_edges(size // 2 + 1, sample_rate_hz)
    batches = range(0, len(every), _BATCH_FRAMES)
    power = np.concatenate(
        [_band_powers(every[at : at + _BATCH_FRAMES] * window, edges) for at in batches]
    )
    power = _smoothed(power, max(1, round(_BLUR_S * sample_rate_hz / hop)))
    noise = np.zeros(len(padded))
    widths = np.diff(edges)
    for at in batches:
        # Twice: the window lets half of a frame's power through.
        amplitudes = np.repeat(np.sqrt(2.0 * power[at : at + _BATCH_FRAMES]), widths, axis=1)
        drawn = rng.standard_normal((2, *amplitudes.shape)) / np.sqrt(2.0)
        frames = np.fft.irfft(amplitudes * (drawn[0] + 1j * drawn[1]), size) * window
        for number, frame in enumerate(frames, start=at):
            noise[number * hop : number * hop + size] += frame
    return noise[hop : hop + len(piece)].astype(np.float32)


def _band_edges(bins: int, sample_rate_hz: int) -> npt.NDArray[np.int64]:
    """First bins of the bands, and behind the last one the number of bins."""
    highest_hz = sample_rate_hz / 2
    octaves = np.log2(highest_hz / _LOWEST_HZ)
    hertz = _LOWEST_HZ * 2.0 ** np.arange(0.0, octaves, 1.0 / _BANDS_PER_OCTAVE)
    firsts = np.round(hertz / highest_hz * (bins - 1)).astype(np.int64)
    return np.unique(np.concatenate([[0], firsts, [bins]]))


def _band_powers(frames: _Doubles, edges: npt.NDArray[np.int64]) -> _Doubles:
    """Mean power of a bin in each band, shape ``(frames, bands)``."""
    power = np.square(np.abs(np.fft.rfft(frames)))
    means: _Doubles = np.add.reduceat(power, edges[:-1], axis=1) / np.diff(edges)
    return means


def _smoothed(power: _Doubles, width: int) -> _Doubles:
    """Moving mean over time with a Hann window; beyond the ends the last value goes on."""
    kernel = np.hanning(2 * width + 1)[1:-1]
    kernel /= kernel.sum()
    around = np.pad(power, ((width - 1, width - 1), (0, 0)), mode="edge")
    return np.stack([np.convolve(band, kernel, mode="valid") for band in around.T], axis=1)
