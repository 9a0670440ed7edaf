"""What a training learns from and is judged by, put in order for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from agent.core.records import FloatArray
from training.data.records import Manifest, Split
from training.ratings.lists import binarised, rated_lists
from training.train.anchors import Texts
from training.train.batches import Examples, examples_of
from training.train.config import LearnConfig, Ratings


@dataclass(frozen=True, slots=True)
class Material:
    """What a training learns from and is judged by."""

    train: Examples
    validation: Examples
    texts: Texts


def gather(
    manifest: Manifest,
    log_mels: Mapping[str, FloatArray],
    captions: Mapping[str, FloatArray],
    texts: Texts,
    learn: LearnConfig,
) -> Material:
    """The material of a manifest.

    Args:
        manifest: with a training and a validation split.
        log_mels: by id of the recording.
        captions: embeddings by id of the caption.
        texts: without sound.
        learn: what of the manifest is learned from; it is judged by all of it, less the
            ratings of a model.

    Raises:
        ValueError: one of the splits is empty.
    """
    return Material(
        examples_of(learned(manifest, learn), Split.TRAIN, log_mels, captions),
        examples_of(judged(manifest), Split.VALIDATION, log_mels, captions),
        texts,
    )


def learned(manifest: Manifest, learn: LearnConfig) -> Manifest:
    """The part of a manifest that is learned from."""
    ratings = tuple(rating for rating in manifest.ratings if rating.kind in learn.kinds)
    pairs = manifest.pairs if learn.labels else ()
    captions = manifest.captions
    if not learn.labels:
        # Without labels, that a caption was written for a recording is not known either.
        captions = tuple(replace(caption, recording=None) for caption in captions)
    if learn.ratings is Ratings.BINARISED:
        pairs += binarised(rated_lists(ratings), learn.binarise_from)
    if learn.ratings is not Ratings.GRADED:
        ratings = ()
    return replace(manifest, captions=captions, pairs=pairs, ratings=ratings)


def judged(manifest: Manifest) -> Manifest:
    """The part of a manifest that is judged by: what a model thinks is no measure of a model."""
    ratings = tuple(rating for rating in manifest.ratings if rating.kind.measures)
    return replace(manifest, ratings=ratings)


def texts_of(kept: FloatArray, english: FloatArray, japanese: FloatArray) -> Texts:
    """Texts without sound, each ``(texts, text_size)``."""
    return Texts(*(torch.from_numpy(rows) for rows in (kept, english, japanese)))
