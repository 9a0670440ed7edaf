"""Rated lists and pairs of captions, as embeddings of the frozen text tower.

The ratings are of Clotho's recordings, whose sound is not at hand. Each recording has five
captions by people who heard it: those that the rated caption is not among stand for it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.data.readers import tau
from training.data.records import Split
from training.model.text_tower import embed_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.records import FloatArray
    from training.data.arrays import Mask, Numbers, Values
    from training.data.records import Caption, Manifest, Rating

PARTS = (Split.TRAIN, Split.VALIDATION, Split.TEST)


@dataclass(frozen=True, slots=True)
class Lists:
    """Rated captions with the recordings that they were rated for."""

    captions: FloatArray
    """Unit embeddings of the rated captions, shape ``(lists, text_size)``."""
    told: FloatArray
    """What tells each recording: shape ``(lists, items, captions, text_size)``, zeros where
    there is no caption."""
    present: Mask
    """Where there is one, shape ``(lists, items, captions)``; never the rated caption itself."""
    ratings: Values
    """0 to 100, shape ``(lists, items)``."""
    rated: Mask
    """Where there is a rating, same shape."""
    paired: Mask
    """Where the caption was written for the recording, same shape."""

    def __len__(self) -> int:
        return len(self.captions)

    def at(self, rows: Numbers) -> Lists:
        """Some of them."""
        return Lists(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Material:
    """All that is learned from and judged by."""

    lists: Mapping[Split, Lists]
    pairs: FloatArray
    """Captions of the recordings to learn from, shape ``(recordings, captions, text_size)``.
    None of these recordings is in a list of another split."""


def read(data: Path, cache: Path) -> Material:
    """Read the published ratings and captions, less what leaks between splits.

    Args:
        data: the data folder.
        cache: where embeddings of texts are kept; may be deleted.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
        ValueError: a split has no list.
    """
    manifest = tau.read(data)
    texts = list(dict.fromkeys(caption.text for caption in manifest.captions))
    rows = dict(zip(texts, embed_texts(texts, cache), strict=True))
    return arranged(manifest, rows)


def arranged(manifest: Manifest, embeddings: Mapping[str, FloatArray]) -> Material:
    """The manifest's lists and pairs as arrays.

    Args:
        manifest: with captions, each written for a recording, and ratings.
        embeddings: unit length, by text, each of shape ``(text_size,)``.

    Raises:
        ValueError: a split has no list, or no recording has two captions to learn from.
    """
    split = {recording.id: recording.split for recording in manifest.recordings}
    written: dict[str, list[Caption]] = {}
    for caption in manifest.captions:
        if caption.recording is not None:
            written.setdefault(caption.recording, []).append(caption)
    captions = {caption.id: caption for caption in manifest.captions}
    by_split: dict[Split, dict[str, list[Rating]]] = {part: {} for part in PARTS}
    for rating in manifest.ratings:
        by_split[split[rating.recording]].setdefault(rating.caption, []).append(rating)
    lists = {}
    for part, rated in by_split.items():
        if not rated:
            raise ValueError(f"split {part} has no rated caption; copy all of {tau.NAME} there")
        asked = [captions[name] for name in rated]
        lists[part] = _lists(asked, list(rated.values()), written, embeddings)
    learned = [own for name, own in written.items() if split[name] is Split.TRAIN]
    most = max(map(len, learned), default=0)
    whole = [own for own in learned if len(own) == most and most > 1]
    if not whole:
        raise ValueError(f"no recording to learn from has two captions; copy all of {tau.NAME}")
    pairs = np.stack([np.stack([embeddings[one.text] for one in own]) for own in whole])
    return Material(lists, pairs)


def _lists(
    asked: Sequence[Caption],
    ratings: Sequence[Sequence[Rating]],
    written: Mapping[str, Sequence[Caption]],
    embeddings: Mapping[str, FloatArray],
) -> Lists:
    items = max(map(len, ratings))
    most = max(len(written[rating.recording]) for own in ratings for rating in own)
    shape = len(asked), items
    size = len(embeddings[asked[0].text])
    told = np.zeros((*shape, most, size), np.float32)
    present, rated = np.zeros((*shape, most), np.bool_), np.zeros(shape, np.bool_)
    values, paired = np.zeros(shape), np.zeros(shape, np.bool_)
    for at, (caption, own) in enumerate(zip(asked, ratings, strict=True)):
        for item, rating in enumerate(own):
            # Somebody may have written the same words for another recording.
            others = [one for one in written[rating.recording] if one.text != caption.text]
            for place, one in enumerate(others):
                told[at, item, place] = embeddings[one.text]
                present[at, item, place] = True
            values[at, item], rated[at, item] = rating.rating, bool(others)
            paired[at, item] = caption.recording == rating.recording
    queries = np.stack([embeddings[caption.text] for caption in asked])
    return Lists(queries, told, present, values, rated, paired & rated)


def drawn_pairs(
    pairs: FloatArray, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Captions, and what else tells their recordings.

    Args:
        pairs: shape ``(recordings, captions, text_size)``.
        count: recordings, each at most once.
        rng: draws recordings and captions.

    Returns:
        Captions ``(count, text_size)`` and the others ``(count, captions - 1, text_size)``.
    """
    chosen: Numbers = rng.permutation(len(pairs))[:count]
    captions = pairs.shape[1]
    asked = rng.integers(captions, size=len(chosen))
    others = (asked[:, None] + np.arange(1, captions)) % captions
    return pairs[chosen, asked], pairs[chosen[:, None], others]
