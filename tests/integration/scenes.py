"""Short recordings of a factory of our own making, for tests that hear something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.capture.scene import RATE_HZ, at_level, machines, siren

if TYPE_CHECKING:
    from pathlib import Path

_BACKGROUND_DBFS, _SIREN_DBFS = -42.0, -18.0


def write_siren(path: Path, *, before_s: float = 3.0, after_s: float = 8.0) -> Path:
    """A siren of five seconds over running machines, with calm before and after."""
    rng = np.random.default_rng(3)
    sound = at_level(siren(rng), _SIREN_DBFS)
    samples = np.zeros(round((before_s + after_s) * RATE_HZ) + len(sound))
    first = round(before_s * RATE_HZ)
    samples[first : first + len(sound)] += sound
    samples += at_level(machines(rng, len(samples)), _BACKGROUND_DBFS)
    soundfile.write(path, samples.astype(np.float32), RATE_HZ, subtype="PCM_16")
    return path


DESCRIPTIONS = """\
version: 1
errors:
  - id: siren
    text: サイレンが鳴り響く音
    paraphrases: [a siren wails]
    severity: critical
    threshold: 4.0
    hits: 2 of 3
    cooldown: 5s
  - id: glass_broken
    text: ガラスが割れる音
    threshold: 4.0
background: [a machine hums]
"""
