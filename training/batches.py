"""What one step of a training looks at: pairs of recordings and captions, and rated lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from training.ratings import RatedList, rated_lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.records import FloatArray
    from training.config import BatchConfig
    from training.data.records import Manifest, Split


@dataclass(frozen=True, slots=True)
class RatedItems:
    """One caption's ratings, by position in the examples."""

    caption: int
    recordings: tuple[int, ...]
    ratings: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """One split, with its sound in memory and everything by number."""

    log_mels: tuple[Tensor, ...]
    """Of each recording, ``(n_mels, n_frames)``."""
    texts: Tensor
    """Of each caption, by the text tower, ``(captions, text_size)``."""
    languages: tuple[str, ...]
    """Of each caption."""
    relevant: Tensor
    """Bool ``(captions, recordings)``: pairs that fit."""
    lists: tuple[RatedItems, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Recordings, each with a caption that fits it."""

    windows: Tensor
    """``(pairs, n_mels, n_frames)``."""
    captions: Tensor
    """int64 ``(pairs,)``."""
    recordings: Tensor
    """int64 ``(pairs,)``."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Rated recordings of some captions."""

    windows: Tensor
    """``(lists * items, n_mels, n_frames)``, list after list."""
    captions: Tensor
    """int64 ``(lists,)``."""
    ratings: Tensor
    """``(lists, items)``."""
    rated: Tensor
    """Bool, same shape: short lists are filled up with what is not rated."""


def examples_of(
    manifest: Manifest,
    split: Split,
    log_mels: Mapping[str, FloatArray],
    texts: Mapping[str, FloatArray],
) -> Examples:
    """The examples of a split.

    Args:
        manifest: what there is.
        split: which part of it.
        log_mels: by id of the recording; one that is missing could not be read and is left out.
        texts: embeddings by id of the caption.

    Raises:
        ValueError: the split holds no pair and no rated list.
    """
    recordings = [one.id for one in manifest.recordings if one.split is split]
    positions = {name: at for at, name in enumerate(n for n in recordings if n in log_mels)}
    positives = [pair for pair in manifest.positives() if pair[1] in positions]
    lists = [
        (one, [(positions[r], v) for r, v in zip(one.recordings, one.ratings, strict=True)])
        for one in _within(rated_lists(manifest.ratings), positions)
    ]
    wanted = {caption for caption, _ in positives} | {one.caption for one, _ in lists}
    captions = [one for one in manifest.captions if one.id in wanted]
    if not captions:
        raise ValueError(f"the manifest's split '{split}' holds neither pairs nor rated lists")
    numbers = {one.id: at for at, one in enumerate(captions)}
    relevant = torch.zeros((len(captions), len(positions)), dtype=torch.bool)
    for caption, recording in positives:
        relevant[numbers[caption], positions[recording]] = True
    return Examples(
        log_mels=tuple(torch.from_numpy(log_mels[name]) for name in positions),
        texts=torch.stack([torch.from_numpy(texts[one.id]) for one in captions]),
        languages=tuple(one.language for one in captions),
        relevant=relevant,
        lists=tuple(
            RatedItems(numbers[one.caption], *map(tuple, zip(*rated, strict=True)))
            for one, rated in lists
        ),
    )


def _within(lists: Sequence[RatedList], positions: Mapping[str, int]) -> list[RatedList]:
    """What is left of the lists among some recordings, where it still has an order."""
    kept = []
    for one in lists:
        rated = [
            (recording, rating)
            for recording, rating in zip(one.recordings, one.ratings, strict=True)
            if recording in positions
        ]
        if len(rated) > 1:
            recordings, ratings = zip(*rated, strict=True)
            kept.append(RatedList(one.caption, one.kind, recordings, ratings))
    return kept


def draw_pairs(
    examples: Examples, config: BatchConfig, frames: int, chance: torch.Generator
) -> Pairs:
    """Recordings at random, each with one of its captions, and a window of each.

    A recording is drawn through one of its captions, so that a class with many recordings is
    heard no more often than another.
    """
    with_pairs = examples.relevant.any(dim=1).nonzero()[:, 0]
    count = min(config.pairs, len(with_pairs))
    captions = with_pairs[torch.randperm(len(with_pairs), generator=chance)[:count]]
    recordings = torch.stack(
        [_one_of(examples.relevant[caption].nonzero()[:, 0], chance) for caption in captions]
    )
    windows = _windows(examples, recordings.tolist(), frames, chance)
    return Pairs(windows, captions, recordings)


def draw_lists(
    examples: Examples, config: BatchConfig, frames: int, chance: torch.Generator
) -> Lists | None:
    """Rated lists at random, with some of their recordings; ``None`` where there are none."""
    if not examples.lists or not config.lists:
        return None
    order = torch.randperm(len(examples.lists), generator=chance)[: config.lists].tolist()
    drawn = [examples.lists[at] for at in order]
    items = min(config.list_items, max(len(one.recordings) for one in drawn))
    ratings = torch.zeros((len(drawn), items))
    rated = torch.zeros((len(drawn), items), dtype=torch.bool)
    recordings = []
    for row, one in enumerate(drawn):
        chosen = torch.randperm(len(one.recordings), generator=chance)[:items].tolist()
        ratings[row, : len(chosen)] = torch.tensor([one.ratings[at] for at in chosen])
        rated[row, : len(chosen)] = True
        heard = [one.recordings[at] for at in chosen]
        recordings += heard + heard[:1] * (items - len(heard))
    windows = _windows(examples, recordings, frames, chance)
    return Lists(windows, torch.tensor([one.caption for one in drawn]), ratings, rated)


def window_of(log_mel: Tensor, frames: int, start: int) -> Tensor:
    """So many frames from ``start`` on, ``(n_mels, frames)``; a shorter sound is repeated."""
    at = (start + torch.arange(frames)) % log_mel.shape[1]
    return log_mel[:, at]


def _windows(
    examples: Examples, recordings: list[int], frames: int, chance: torch.Generator
) -> Tensor:
    windows = []
    for at in recordings:
        log_mel = examples.log_mels[at]
        starts = max(1, log_mel.shape[1] - frames + 1)
        start = int(torch.randint(starts, (1,), generator=chance))
        windows.append(window_of(log_mel, frames, start))
    return torch.stack(windows)


def _one_of(values: Tensor, chance: torch.Generator) -> Tensor:
    return values[torch.randint(len(values), (1,), generator=chance)[0]]
