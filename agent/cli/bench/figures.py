"""What the benchmark tells, and what its parts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import soundfile

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray

READY_S = 600.0
"""What a start may take on a slow machine."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside what it is to be compared with."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""
    """What the ratio is to."""


def write_wav(path: Path, samples: FloatArray, rate_hz: int) -> None:
    """A recording for a source, mono, 16 bits."""
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")
