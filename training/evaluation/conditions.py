"""The circumstances that recordings are heard under: as they are, far away, in factory noise.

Made on mel power, as the training's augmentation makes them, from sounds that no training heard.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.core.records import FloatArray
from training.data.augment import background_log_mels
from training.data.frontend import to_log_mel, to_power

DEFAULT = ("clean", "level-30", "snr20", "snr10", "snr0")
# A training draws its noise from seed 7, a bundle its cohort from 20,240,814: neither is this.
_SOUNDS, _SEED, _FRAMES = 32, 90_417, 500
_FORM = re.compile(r"(?P<clean>clean)|level(?P<level>[+-][0-9]{1,2})|snr(?P<snr>-?[0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class Condition:
    """One circumstance."""

    name: str
    level_db: float = 0.0
    """How much louder than it was recorded."""
    snr_db: float | None = None
    """Mean mel power of the recording over that of the noise that is added; ``None``: no noise."""

    def apply(self, log_mel: FloatArray, recording: str, noise: Noise | None) -> FloatArray:
        """A recording as it is heard, same shape ``(n_mels, n_frames)``.

        Args:
            log_mel: normalised.
            recording: its id, which decides the noise: the same under every condition, with every
                model, and whatever else is evaluated.
            noise: where the noise comes from; not needed where none is added.

        Raises:
            ValueError: noise is needed and not given.
        """
        if self.snr_db is None and not self.level_db:
            return log_mel
        with torch.inference_mode():
            power = to_power(torch.from_numpy(log_mel)) * 10.0 ** (self.level_db / 10.0)
            if self.snr_db is not None:
                if noise is None:
                    raise ValueError(f"condition {self.name} needs noise; give Noise.held_out()")
                added = noise.of(recording, power.shape[1])
                ratio = power.mean() / added.mean() / 10.0 ** (self.snr_db / 10.0)
                power = power + ratio * added
            heard: FloatArray = to_log_mel(power).numpy()
        return heard


@dataclass(frozen=True, slots=True)
class Noise:
    """Machine-like sound, a stretch of it for each recording."""

    power: Tensor
    """Mel power, ``(sounds, n_mels, frames)``."""

    @classmethod
    def held_out(cls, sounds: int = _SOUNDS, frames: int = _FRAMES) -> Noise:
        """Of the kinds that trainings add, drawn from a seed of its own."""
        return cls(to_power(background_log_mels(sounds, _SEED, frames)))

    def of(self, recording: str, frames: int) -> Tensor:
        """Mel power ``(n_mels, frames)``; a sound that is too short is repeated."""
        drawn = hashlib.sha256(recording.encode()).digest()
        sound = int.from_bytes(drawn[:4]) % len(self.power)
        start = int.from_bytes(drawn[4:8]) % self.power.shape[2]
        return self.power[sound][:, (start + torch.arange(frames)) % self.power.shape[2]]


def parse_conditions(names: Iterable[str]) -> tuple[Condition, ...]:
    """Conditions by their names: ``clean``, ``level-30`` (dB), ``snr10`` (dB).

    Raises:
        ValueError: a name is none, or stands there twice.
    """
    found: dict[str, Condition] = {}
    for name in names:
        match = _FORM.fullmatch(name)
        if match is None:
            raise ValueError(
                f"--conditions: {name!r}; write clean, level-30 (30 dB quieter) or snr10 (noise "
                "10 dB below the recording), with commas between them"
            )
        if name in found:
            raise ValueError(f"--conditions: {name} stands there twice; write it once")
        level, snr = match["level"], match["snr"]
        found[name] = Condition(name, float(level or 0.0), None if snr is None else float(snr))
    if not found:
        raise ValueError(f"--conditions: is empty; write for example {','.join(DEFAULT)}")
    return tuple(found.values())
