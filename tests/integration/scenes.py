"""Short recordings of a factory of our own making, for tests that hear something."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.capture.scene import RATE_HZ, at_level, machines, siren

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray

_BACKGROUND_DBFS, _SIREN_DBFS = -42.0, -18.0
_MACHINES_S = 60


def write_siren(path: Path, *, before_s: float = 3.0, after_s: float = 8.0) -> Path:
    """A siren of five seconds over running machines, with calm before and after."""
    soundfile.write(path, _siren(before_s, after_s), RATE_HZ, subtype="PCM_16")
    return path


@cache
def _siren(before_s: float, after_s: float) -> FloatArray:
    """Rendered once for all tests; of machines there is no more than a minute, again and again."""
    rng = np.random.default_rng(3)
    sound = at_level(siren(rng), _SIREN_DBFS)
    samples = np.zeros(round((before_s + after_s) * RATE_HZ) + len(sound))
    first = round(before_s * RATE_HZ)
    samples[first : first + len(sound)] += sound
    background = at_level(machines(rng, min(len(samples), _MACHINES_S * RATE_HZ)), _BACKGROUND_DBFS)
    return (samples + np.resize(background, len(samples))).astype(np.float32)


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

_ALARM = """\
  - id: alarm
    text: 警報ベルが鳴る音
    paraphrases: [an alarm bell rings]
    threshold: 1.6
    hits: 2 of 3
    cooldown: 1s
background:"""
WITH_ALARM = DESCRIPTIONS.replace("background:", _ALARM)
"""With a description on which the siren alarms too, and less."""
