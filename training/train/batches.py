"""What one step of a training looks at: pairs of recordings and captions, and rated lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.core.records import FloatArray
from training.data.records import Manifest, RatingKind, Split
from training.ratings.lists import RatedList, matrix, rated_lists
from training.train.config import BatchConfig
from training.train.losses.listnet import has_order

_MOST_LISTS = 256
"""Of one step: their texts cost little, their recordings are heard anyway."""


@dataclass(frozen=True, slots=True)
class RatedTable:
    """All lists of one kind of rating; kinds are never averaged together."""

    kind: RatingKind
    captions: Tensor
    """int64 ``(lists,)``, by position in the examples; none twice."""
    ratings: Tensor
    """``(lists, recordings)``, NaN where nobody rated."""


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
    rated: tuple[RatedTable, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Recordings, each with a caption that fits it."""

    captions: Tensor
    """int64 ``(pairs,)``."""
    recordings: Tensor
    """int64 ``(pairs,)``."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Some captions, the recordings of their lists, and all ratings between them."""

    captions: Tensor
    """int64 ``(lists,)``."""
    recordings: Tensor
    """int64 ``(items,)``, none twice."""
    ratings: Tensor
    """``(lists, items)``; 0 where nobody rated."""
    rated: Tensor
    """Bool, same shape."""


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
    recordings = [clip.id for clip in manifest.recordings if clip.split is split]
    positions = {name: at for at, name in enumerate(n for n in recordings if n in log_mels)}
    positives = [pair for pair in manifest.positives() if pair[1] in positions]
    lists = _within(rated_lists(manifest.ratings), positions)
    wanted = {caption for caption, _ in positives} | {rated.caption for rated in lists}
    captions = [caption for caption in manifest.captions if caption.id in wanted]
    if not captions:
        raise ValueError(f"the manifest's split '{split}' holds neither pairs nor rated lists")
    numbers = {caption.id: at for at, caption in enumerate(captions)}
    relevant = torch.zeros((len(captions), len(positions)), dtype=torch.bool)
    for caption, recording in positives:
        relevant[numbers[caption], positions[recording]] = True
    kinds = dict.fromkeys(rated.kind for rated in lists)
    return Examples(
        log_mels=tuple(torch.from_numpy(log_mels[name]) for name in positions),
        texts=torch.stack([torch.from_numpy(texts[caption.id]) for caption in captions]),
        languages=tuple(caption.language for caption in captions),
        relevant=relevant,
        rated=tuple(
            _table(kind, [rated for rated in lists if rated.kind is kind], numbers, positions)
            for kind in kinds
        ),
    )


def _within(lists: Sequence[RatedList], positions: Mapping[str, int]) -> list[RatedList]:
    """What is left of the lists among some recordings, where it still has an order."""
    kept = []
    for whole in lists:
        rated = [
            (recording, rating)
            for recording, rating in zip(whole.recordings, whole.ratings, strict=True)
            if recording in positions
        ]
        if len(rated) > 1:
            recordings, ratings = zip(*rated, strict=True)
            kept.append(RatedList(whole.caption, whole.kind, recordings, ratings))
    return kept


def _table(
    kind: RatingKind,
    lists: Sequence[RatedList],
    numbers: Mapping[str, int],
    positions: Mapping[str, int],
) -> RatedTable:
    ratings = torch.from_numpy(matrix(lists, positions)).float()
    return RatedTable(kind, torch.tensor([numbers[rated.caption] for rated in lists]), ratings)


def weights_of(relevant: Tensor) -> Tensor:
    """How often each recording is drawn, relative to the others, ``(recordings,)``.

    The inverse square root of how many recordings its most general caption fits: what there is
    much of is heard more often in all, but each of its recordings less often. One without a
    caption is never drawn.
    """
    shared = (relevant * relevant.sum(dim=1, keepdim=True)).amax(dim=0)
    return torch.where(shared > 0, shared.clamp(min=1).rsqrt(), torch.zeros(()))


def draw_pairs(
    examples: Examples, weights: Tensor, config: BatchConfig, chance: torch.Generator
) -> Pairs:
    """Different recordings at random, by :func:`weights_of`, each with one of its captions."""
    count = min(config.pairs, int((weights > 0).sum()))
    recordings = torch.multinomial(weights, count, generator=chance)
    captions = torch.stack(
        [_one_of(examples.relevant[:, at].nonzero()[:, 0], chance) for at in recordings]
    )
    return Pairs(captions, recordings)


def draw_lists(
    examples: Examples, also: Tensor, config: BatchConfig, chance: torch.Generator
) -> Lists | None:
    """Rated lists of one kind at random, and all that is known of what is heard anyway.

    The few lists that are drawn bring their recordings; between these and the others of the
    batch many more captions are rated, for which nothing more has to be heard. Without them a
    step would follow the noise of a handful of captions.

    Args:
        examples: of the split.
        also: recordings that are heard anyway, int64 ``(recordings,)``.
        config: how many lists, and recordings of each.
        chance: where the draw comes from.

    Returns:
        Lists with two different ratings each; ``None`` where there are none.
    """
    if not examples.rated or not config.lists:
        return None
    sizes = torch.tensor([float(len(table.captions)) for table in examples.rated])
    table = examples.rated[int(torch.multinomial(sizes, 1, generator=chance))]
    rows = torch.randperm(len(table.captions), generator=chance)[: config.lists]
    drawn = [_items(row, config.list_items, chance) for row in table.ratings[rows]]
    recordings = torch.unique(torch.cat([also, *drawn]))
    ratings = table.ratings[:, recordings]
    rated = ~ratings.isnan()
    ratings = ratings.nan_to_num()
    rows = has_order(ratings, rated).nonzero()[:, 0]
    if not len(rows):
        return None
    rows = rows[torch.randperm(len(rows), generator=chance)[:_MOST_LISTS]]
    return Lists(table.captions[rows], recordings, ratings[rows], rated[rows])


def _items(ratings: Tensor, count: int, chance: torch.Generator) -> Tensor:
    """Some recordings of a list at random, its best one among them: few are rated above 0."""
    rated = (~ratings.isnan()).nonzero()[:, 0]
    shuffled = rated[torch.randperm(len(rated), generator=chance)]
    best = shuffled[ratings[shuffled].argmax()]
    return torch.cat([best[None], shuffled[shuffled != best][: count - 1]])


def _one_of(values: Tensor, chance: torch.Generator) -> Tensor:
    return values[torch.randint(len(values), (1,), generator=chance)[0]]
