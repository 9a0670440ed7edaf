"""Augmentation of log-mels: other levels, factory noise, other microphones, masked cells.

Works on mel power, where sounds that have nothing to do with each other add up: one decoded
recording serves for all that is made of it. Every draw comes from a generator, whose state is all
that a resumed training needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from agent.core.records import FloatArray
from training.data.background import backgrounds
from training.data.frontend import LogMel, to_log_mel, to_power

_TINY = 1e-12
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How far an augmented window may be from what was recorded."""

    gain_db: tuple[float, float] = (-30.0, 6.0)
    noise_probability: float = 0.5
    noise_snr_db: tuple[float, float] = (0.0, 20.0)
    """Power of the window over that of the noise that is added."""
    colour_db: float = 6.0
    """Largest deviation of a microphone's smooth frequency response."""
    colour_terms: int = 4
    """Cosines over the bands that a response is made of."""
    time_masks: int = 1
    time_mask_frames: int = 30
    """Longest mask; SpecAugment (Park et al., Interspeech 2019)."""
    band_masks: int = 1
    band_mask_bands: int = 16


def augment(
    log_mel: Tensor, noise: Tensor, config: AugmentConfig, chance: torch.Generator
) -> Tensor:
    """Augmented windows, same shape and dtype.

    Args:
        log_mel: normalised, ``(batch, n_mels, n_frames)``.
        noise: normalised log-mels of ordinary sound, ``(sounds, n_mels, frames)``; a window takes
            a part of one of them, repeated where it is too short.
        config: how far.
        chance: where every draw comes from.
    """
    power = to_power(log_mel)
    power = power * _draw(config.gain_db, len(power), chance)
    power = _with_noise(power, to_power(noise), config, chance)
    power = power * _responses(len(power), power.shape[1], config, chance)
    return _masked(to_log_mel(power), config, chance)


def background_log_mels(count: int, seed: int, frames: int) -> Tensor:
    """Normalised log-mels of ordinary machine sound, ``(count, n_mels, frames)``."""
    return log_mels_of(lambda *shape: backgrounds(seed, *shape), count, frames)


def log_mels_of(
    make: Callable[[int, float, int], Iterable[FloatArray]], count: int, frames: int
) -> Tensor:
    """Normalised log-mels of made sound, ``(count, n_mels, frames)``.

    Args:
        make: takes count, length in seconds and sample rate in Hz and gives samples.
        count: how many.
        frames: of each.
    """
    frontend = LogMel()
    constants = frontend.constants
    duration_s = frames / constants.frame_rate_hz
    log_mels = torch.empty((count, constants.n_mels, frames))
    sounds = iter(make(count, duration_s, constants.sample_rate_hz))
    # A few at a time: the spectra of all of them would fill memory, which costs more than they do.
    for first in range(0, count, _AT_ONCE):
        waves = torch.from_numpy(np.stack(list(islice(sounds, _AT_ONCE))))
        with torch.inference_mode():
            log_mels[first : first + len(waves)] = frontend(waves)[:, :, :frames]
    return log_mels


def _draw(db: tuple[float, float], count: int, chance: torch.Generator) -> Tensor:
    """Power factors between two levels, ``(count, 1, 1)``."""
    low, high = db
    drawn = low + (high - low) * torch.rand((count, 1, 1), generator=chance)
    return 10.0 ** (drawn / 10.0)


def _with_noise(
    power: Tensor, noise: Tensor, config: AugmentConfig, chance: torch.Generator
) -> Tensor:
    batch, _, frames = power.shape
    chosen = torch.randint(len(noise), (batch,), generator=chance)
    starts = torch.randint(noise.shape[2], (batch,), generator=chance)
    at = (starts[:, None] + torch.arange(frames)) % noise.shape[2]
    taken = noise[chosen].gather(2, at[:, None, :].expand(-1, noise.shape[1], -1))
    snr = _draw(config.noise_snr_db, batch, chance)
    mean = power.mean(dim=(1, 2), keepdim=True)
    level = mean / (snr * (taken.mean(dim=(1, 2), keepdim=True) + _TINY))
    added = torch.rand((batch, 1, 1), generator=chance) < config.noise_probability
    return power + torch.where(added, taken * level, torch.zeros(()))


def _responses(count: int, bands: int, config: AugmentConfig, chance: torch.Generator) -> Tensor:
    """Smooth frequency responses as power factors, ``(count, bands, 1)``."""
    terms = torch.arange(1, config.colour_terms + 1)
    position = (torch.arange(bands) + 0.5) / bands
    cosines = torch.cos(math.pi * terms[:, None] * position)
    weights = 2.0 * torch.rand((count, config.colour_terms), generator=chance) - 1.0
    # At most colour_db, wherever the cosines meet.
    db = config.colour_db * weights @ cosines / max(1, config.colour_terms)
    return (10.0 ** (db / 10.0))[:, :, None]


def _masked(log_mel: Tensor, config: AugmentConfig, chance: torch.Generator) -> Tensor:
    """Some bands and moments at the window's mean, so that a mask is no event of its own."""
    batch, bands, frames = log_mel.shape
    hidden = torch.zeros((batch, bands, frames), dtype=torch.bool)
    for _ in range(config.time_masks):
        hidden |= _spans(batch, frames, config.time_mask_frames, chance)[:, None, :]
    for _ in range(config.band_masks):
        hidden |= _spans(batch, bands, config.band_mask_bands, chance)[:, :, None]
    return torch.where(hidden, log_mel.mean(dim=(1, 2), keepdim=True), log_mel)


def _spans(count: int, size: int, longest: int, chance: torch.Generator) -> Tensor:
    """One span of up to ``longest`` in each row, bool ``(count, size)``."""
    lengths = torch.randint(min(longest, size) + 1, (count, 1), generator=chance)
    starts = (torch.rand((count, 1), generator=chance) * (size - lengths + 1)).floor()
    at = torch.arange(size)
    return (at >= starts) & (at < starts + lengths)
