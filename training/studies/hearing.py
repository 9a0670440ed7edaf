"""What a bundle's tower makes of made sound, window by window; kept between runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.bundle.loading import Bundle
from agent.capture.scene import RATE_HZ
from agent.core import files
from agent.core.records import FloatArray, Views, Window
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import windows_of

SOURCE = "mic1"
HOP_S = 0.5


@dataclass(frozen=True, slots=True)
class EmbeddedSound:
    """The windows of one stretch of sound."""

    first: npt.NDArray[np.int64]
    """Index of each window's first sample."""
    views: Views
    """Of the windows."""
    window_s: float

    def windows(self, index: int, at: float) -> list[Window]:
        """The windows, where the sound begins at an index and a time (UTC, seconds)."""
        nothing = np.empty((0, 0), np.float32)  # what was embedded is not needed any more
        return [
            Window(SOURCE, index + first, at + first / RATE_HZ, self.window_s, nothing)
            for first in self.first.tolist()
        ]


def heard(
    stretches: Iterable[Iterable[FloatArray]], bundle: Bundle, path: Path
) -> list[EmbeddedSound]:
    """Stretches of sound as a bundle hears them.

    Args:
        stretches: each in blocks, float32 mono at :data:`agent.capture.scene.RATE_HZ`; not made
            where the file is there.
        bundle: whose tower hears.
        path: file that keeps the windows, ``.npz``; the bundle is a part of its name then.
    """
    path = path.with_name(f"{path.stem}-{bundle.sha256[:12]}.npz")
    tuning = bundle.manifest.tuning
    window_s = tuning.window_frames / bundle.manifest.frontend.frame_rate_hz
    if not path.is_file():
        encoder = Encoder(bundle)
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for number, blocks in enumerate(stretches):
            first, views = _hear(blocks, bundle, encoder)
            arrays[f"first{number}"] = first
            arrays[f"joint{number}"], arrays[f"acoustic{number}"] = views.joint, views.acoustic
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as file:
            np.savez(file, allow_pickle=False, **arrays)
    with np.load(path, allow_pickle=False) as kept:
        return [
            EmbeddedSound(
                kept[f"first{number}"],
                Views(kept[f"joint{number}"], kept[f"acoustic{number}"]),
                window_s,
            )
            for number in range(len(kept.files) // 3)
        ]


def _hear(
    blocks: Iterable[FloatArray], bundle: Bundle, encoder: Encoder
) -> tuple[npt.NDArray[np.int64], Views]:
    first: list[int] = []
    parts: list[Views] = []
    for windows, views in embedded(encoder, windows_of(bundle, SOURCE, blocks, HOP_S)):
        first += [window.index for window in windows]
        parts.append(views)
    return np.array(first, np.int64), Views.concatenate(parts)
