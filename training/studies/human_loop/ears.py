"""What a bundle's tower makes of a stretch of sound, window by window; kept between runs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.encoder import Encoder
from agent.hearing import make_windower
from agent.records import Block, Window
from agent.scene import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.bundle import Bundle
    from agent.records import FloatArray
    from training.studies.human_loop.week import Week

SOURCE = "mic1"
HOP_S = 0.5
_BATCH = 16
_BLOCK_S = 10


@dataclass(frozen=True, slots=True)
class HeardDay:
    """One day's windows."""

    first: npt.NDArray[np.int64]
    """Index of each window's first sample in its day."""
    embeddings: FloatArray
    """Shape ``(windows, dim)``."""
    window_s: float

    def windows(self, index: int, at: float) -> list[Window]:
        """The windows, where the day begins at an index and a time (UTC, seconds)."""
        nothing = np.empty((0, 0), np.float32)  # what was embedded is not needed any more
        return [
            Window(SOURCE, index + first, at + first / RATE_HZ, self.window_s, nothing)
            for first in self.first.tolist()
        ]


def heard(week: Week, bundle: Bundle, cache: Path) -> list[HeardDay]:
    """A week as a bundle hears it."""
    size = week.size
    name = f"s{week.seed}-w{week.number}-{size.minutes}m-{size.times}x-{bundle.sha256[:12]}.npz"
    path = cache / name
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            days = len(kept.files) // 2
            window_s = _window_s(bundle)
            return [
                HeardDay(kept[f"first{day}"], kept[f"embeddings{day}"], window_s)
                for day in range(days)
            ]
    encoder = Encoder(bundle)
    found = [_hear(sound, bundle, encoder) for sound in week.days()]
    buffer = io.BytesIO()
    arrays = {f"first{day}": one.first for day, one in enumerate(found)}
    arrays |= {f"embeddings{day}": one.embeddings for day, one in enumerate(found)}  # type: ignore[misc]
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)
    return found


def _hear(sound: FloatArray, bundle: Bundle, encoder: Encoder) -> HeardDay:
    windower = make_windower(bundle, SOURCE, HOP_S)
    first: list[int] = []
    rows: list[FloatArray] = []
    for index, samples in _blocks(sound, _BLOCK_S * RATE_HZ):
        windows = windower.push(Block(SOURCE, index, index / RATE_HZ, samples))
        first += [one.index for one in windows]
        for at in range(0, len(windows), _BATCH):
            some = np.stack([one.log_mel for one in windows[at : at + _BATCH]])
            rows.append(encoder.encode(some))
    return HeardDay(np.array(first, np.int64), np.concatenate(rows), _window_s(bundle))


def _blocks(sound: FloatArray, size: int) -> Iterator[tuple[int, FloatArray]]:
    for at in range(0, len(sound), size):
        yield at, sound[at : at + size]


def _window_s(bundle: Bundle) -> float:
    return bundle.manifest.tuning.window_frames / bundle.manifest.frontend.frame_rate_hz
