"""When a sound sounds and how strong it then is; excerpts of it, and what lies under it.

A sound *sounds* in those frames of 20 ms whose power is at most 25 dB below that of its loudest
frame; its power is the mean over these. Silence before, after and between does not make a sound
weaker.
"""

from __future__ import annotations

import numpy as np

from agent.bundle.manifest import FrontendConstants
from training.data.arrays import Mask, Samples
from training.data.background import backgrounds

RATE_HZ = FrontendConstants().sample_rate_hz
FRAME = RATE_HZ // 50
"""Samples of a frame: 20 ms."""
SOUNDING_DB = 25.0
_TINY = 1e-20

# Where an excerpt was cut, and at the ends of what was recorded: attacks stay attacks.
_CUT_S, _END_S = 0.01, 0.001
_GRAIN_S, _GRAIN_FADE_S = 0.5, 0.1
# The noise over everything is flat below and falls by at most 3 dB an octave above.
_FLAT_TO_HZ = 100.0


def sounding(samples: Samples) -> Mask:
    """By whole frame: whether it is at most ``SOUNDING_DB`` weaker than the loudest."""
    power = _frame_power(samples)
    loud: Mask = power > power.max() * 10.0 ** (-SOUNDING_DB / 10.0)
    return loud


def mean_power(samples: Samples, frames: Mask) -> float:
    """Mean power in some frames."""
    return float(_frame_power(samples)[frames].mean())


def decibel(power: float) -> float:
    """Of a power."""
    return 10.0 * float(np.log10(power + _TINY))


def _frame_power(samples: Samples) -> Samples:
    """Mean power of each frame, the last filled up with silence."""
    if len(samples) % FRAME:
        samples = np.pad(samples, (0, -len(samples) % FRAME))
    frames = samples.reshape(-1, FRAME)
    power: Samples = np.einsum("ij,ij->i", frames, frames) / FRAME
    return power


def trimmed(samples: Samples) -> Samples:
    """Without the silence before and after, but for a frame."""
    at = np.flatnonzero(sounding(samples))
    return samples[max(0, at[0] - 1) * FRAME : (at[-1] + 2) * FRAME]


def excerpt(samples: Samples, longest: int, rng: np.random.Generator) -> Samples:
    """The whole, or a part of it that begins where it sounds; faded where it was cut."""
    fade_s = _END_S
    if len(samples) > longest:
        fade_s = _CUT_S
        starts = np.flatnonzero(sounding(samples)) * FRAME
        start = min(int(rng.choice(starts)), len(samples) - longest)
        samples = samples[start : start + longest]
    fade = min(round(fade_s * RATE_HZ), len(samples) // 2)
    shape = np.ones(len(samples))
    shape[:fade] = np.linspace(0.0, 1.0, fade)
    shape[len(samples) - fade :] = np.linspace(1.0, 0.0, fade)
    return samples * shape


def lasting(samples: Samples, length: int, rng: np.random.Generator) -> Samples:
    """A steady sound made longer: grains from anywhere in it, cross-faded at equal power."""
    grain = min(round(_GRAIN_S * RATE_HZ), len(samples))
    fade = min(round(_GRAIN_FADE_S * RATE_HZ), grain // 2)
    shape = np.ones(grain)
    shape[:fade] = np.sin(np.linspace(0.0, np.pi / 2, fade))
    shape[grain - fade :] = np.cos(np.linspace(0.0, np.pi / 2, fade))
    made = np.zeros(length + 2 * grain)
    for start in range(0, length + fade, grain - fade):
        first = int(rng.integers(len(samples) - grain + 1))
        made[start : start + grain] += shape * samples[first : first + grain]
    return made[fade : fade + length]


def factory_noise(rng: np.random.Generator, length: int) -> Samples:
    """A factory's sound, with noise over the whole band, so many samples at unit power."""
    seed = int(rng.integers(2**31))
    machine = next(backgrounds(seed, 1, length / RATE_HZ, RATE_HZ)).astype(np.float64)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.maximum(np.fft.rfftfreq(length, 1.0 / RATE_HZ), _FLAT_TO_HZ)
    slope_db_per_octave = rng.uniform(-3.0, 0.0)
    wide = np.fft.irfft(spectrum * hz ** (slope_db_per_octave / 6.02), length)
    wide *= 10.0 ** (rng.uniform(-6.0, 0.0) / 20.0) / np.sqrt(np.mean(np.square(wide)))
    mixed = machine / np.sqrt(np.mean(np.square(machine))) + wide
    unit: Samples = mixed / np.sqrt(np.mean(np.square(mixed)))
    return unit


def at_unit_power(samples: Samples) -> Samples:
    """With a mean power of 1 while it sounds."""
    scaled: Samples = samples / np.sqrt(mean_power(samples, sounding(samples)))
    return scaled
