"""What the tower hears in a step: windows of recordings, augmented, up to the frozen blocks.

With frozen first blocks a training makes several windows of each recording once and keeps what
these blocks make of them: a step then costs a fifth. Without, each step hears windows that no
step has heard before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from training.data.augment import AugmentConfig, augment, background_log_mels, log_mels_of
from training.data.unfamiliar import unfamiliar
from training.model.dual_encoder import DualEncoder

_BACKGROUNDS, _FRAMES = 128, 400
BACKGROUND_SEED = 7
"""Of the noise that is trained on; evaluations draw from another."""
_AT_ONCE = 64
_UNFAMILIAR_SEED = 11


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of some recordings."""

    stems: Tensor
    """What the frozen blocks make of the augmented windows, ``(windows, channels, bands,
    frames)``."""
    anchors: Tensor
    """The start's embeddings of the same windows before augmentation, ``(windows, size)``."""


class Sounds(Protocol):
    """Where windows come from."""

    def draw(self, recordings: Tensor, chance: torch.Generator) -> WindowBatch:
        """A window of each recording, int64 ``(windows,)``, which may stand there twice."""


class Windows:
    """Cuts and augments windows of recordings."""

    def __init__(self, log_mels: Sequence[Tensor], frames: int, *, augmented: bool) -> None:
        """Take recordings, each ``(n_mels, n_frames)``, and the length of a window."""
        self._log_mels = log_mels
        self._frames = frames
        self._noise: Tensor | None = None
        if augmented:
            self._noise = background_log_mels(_BACKGROUNDS, BACKGROUND_SEED, _FRAMES)

    def __len__(self) -> int:
        return len(self._log_mels)

    def cut(self, recordings: Iterable[int], chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """A window of each as recorded, and the same augmented, ``(windows, n_mels, frames)``."""
        cut = []
        for at in recordings:
            log_mel = self._log_mels[at]
            starts = max(1, log_mel.shape[1] - self._frames + 1)
            start = int(torch.randint(starts, (1,), generator=chance))
            cut.append(window_of(log_mel, self._frames, start))
        windows = torch.stack(cut)
        if self._noise is None:
            return windows, windows
        return windows, augment(windows, self._noise, AugmentConfig(), chance)


class FreshWindows:
    """Windows that are cut and augmented when they are asked for."""

    def __init__(self, windows: Windows, start: DualEncoder, blocks: int) -> None:
        """Hear through the first ``blocks`` of the start's tower, which are frozen."""
        self._windows = windows
        self._start = start
        self._blocks = blocks

    @torch.no_grad()
    def draw(self, recordings: Tensor, chance: torch.Generator) -> WindowBatch:
        """A new window of each recording."""
        plain, augmented = self._windows.cut(recordings.tolist(), chance)
        device = self._start.device
        return WindowBatch(
            self._start.stem(augmented.to(device), self._blocks),
            self._start.encode_audio(plain.to(device)),
        )


class KeptWindows:
    """A few windows of each recording, heard once; half precision, some kilobytes each."""

    def __init__(
        self,
        fresh: Sounds,
        recordings: int,
        views: int,
        seed: int,
        track: Callable[[range], Iterable[int]] = iter,
    ) -> None:
        """Hear ``views`` windows of each recording.

        Args:
            fresh: where they come from.
            recordings: how many there are.
            views: windows of each.
            seed: the same seed gives the same windows.
            track: shows the progress.
        """
        chance = torch.Generator().manual_seed(seed)
        wanted = torch.arange(recordings).repeat_interleave(views)
        stems, anchors = [], []
        for first in track(range(0, len(wanted), _AT_ONCE)):
            heard = fresh.draw(wanted[first : first + _AT_ONCE], chance)
            stems.append(heard.stems.to("cpu", torch.float16))
            anchors.append(heard.anchors.cpu())
        self._views = views
        self._stems = torch.cat(stems)
        self._anchors = torch.cat(anchors)

    def __len__(self) -> int:
        return len(self._anchors) // self._views

    def draw(self, recordings: Tensor, chance: torch.Generator) -> WindowBatch:
        """One of each recording's windows."""
        view = torch.randint(self._views, recordings.shape, generator=chance)
        at = recordings * self._views + view
        return WindowBatch(self._stems[at].float(), self._anchors[at])


def unfamiliar_sounds(start: DualEncoder, blocks: int, frames: int, count: int) -> KeptWindows:
    """Windows of sounds that no recording teaches, heard once, as they are.

    Args:
        start: on the training's device.
        blocks: the first ones of its tower, which are frozen.
        frames: of a window.
        count: how many are made.
    """
    made = log_mels_of(lambda *shape: unfamiliar(_UNFAMILIAR_SEED, *shape), count, frames)
    fresh = FreshWindows(Windows(list(made), frames, augmented=False), start, blocks)
    return KeptWindows(fresh, len(made), 1, _UNFAMILIAR_SEED)


class WholeSounds:
    """Whole recordings up to the frozen blocks, to be judged by again and again."""

    def __init__(self, log_mels: Sequence[Tensor], start: DualEncoder, blocks: int) -> None:
        """Hear the recordings, each ``(n_mels, n_frames)``, through the frozen blocks."""
        self._blocks = blocks
        device = start.device
        with torch.inference_mode():
            self._stems = [
                start.stem(log_mel[None].to(device), blocks).to("cpu", torch.float16)
                for log_mel in log_mels
            ]
        self._by_shape: dict[torch.Size, list[int]] = {}
        for at, stem in enumerate(self._stems):
            self._by_shape.setdefault(stem.shape, []).append(at)

    def encode(self, model: DualEncoder) -> Tensor:
        """Embeddings by a model with the same frozen blocks, ``(recordings, embedding_size)``."""
        device = model.device
        rows = torch.empty((len(self._stems), model.config.embedding_size))
        with torch.inference_mode():
            for alike in self._by_shape.values():
                for first in range(0, len(alike), _AT_ONCE):
                    at = alike[first : first + _AT_ONCE]
                    stems = torch.cat([self._stems[number] for number in at]).float().to(device)
                    rows[at] = model.encode_stem(stems, self._blocks).float().cpu()
        return rows


def window_of(log_mel: Tensor, frames: int, start: int) -> Tensor:
    """So many frames from ``start`` on, ``(n_mels, frames)``; a shorter sound is repeated."""
    at = (start + torch.arange(frames)) % log_mel.shape[1]
    return log_mel[:, at]
