"""What a model is asked on one data set, and how its scores are judged: a value a query.

A figure that every order of the items reaches, such as R@5 among four, is not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Mask, Numbers, Values
from training.data.records import RatingKind
from training.evaluation.metrics import (
    average_precision_at,
    has_order,
    has_relevant,
    kendall_tau,
    ndcg_at,
    precision_at,
    recall_at,
)

RECALL_DEPTHS, PRECISION_DEPTH = (1, 5, 10), 10
GAIN_DEPTHS = (5, 10)
CLASS_DEPTHS = (1, 5)
NEIGHBOURS = 10
_BEHIND = -2.0
"""Below every cosine."""


class Direction(StrEnum):
    """What is asked with, and what is looked for."""

    TEXT_TO_AUDIO = "text to audio"
    AUDIO_TO_TEXT = "audio to text"
    AUDIO_TO_AUDIO = "audio to audio"


@dataclass(frozen=True, slots=True)
class Queries:
    """Texts or recordings, and where they stand among the material's."""

    names: tuple[str, ...]
    """Ids, in order."""
    at: Numbers
    """Rows (texts) or columns (recordings) of the scores."""
    left_out: Mask
    """Whether all that fits one belongs to a class that was left out of the training."""


@dataclass(frozen=True, slots=True)
class Answers:
    """One measure of one task, under one condition."""

    direction: Direction
    metric: str
    queries: Queries
    kept: Mask
    """Which queries can be answered at all; it follows from what is right, never from scores."""
    values: Values
    """Of those, in their order."""


class Task(Protocol):
    """Something that a model is asked."""

    @property
    def name(self) -> str:
        """What the figures call it."""

    @property
    def data_set(self) -> str:
        """Whose recordings it asks for."""

    @property
    def language(self) -> str:
        """Of the texts."""

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """Judge a model.

        Args:
            scores: of all the material's texts and recordings, ``(texts, recordings)``.
            heard: embeddings of the recordings, ``(recordings, dim)``.
        """


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Captions find recordings, and recordings captions."""

    data_set: str
    language: str
    texts: Queries
    recordings: Queries
    relevant: Mask
    """``(texts, recordings)``."""

    name = "retrieval"

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """R@1, 5 and 10 and mAP@10, in both directions."""
        del heard
        own = scores[np.ix_(self.texts.at, self.recordings.at)]
        yield from _found(Direction.TEXT_TO_AUDIO, self.texts, own, self.relevant)
        yield from _found(Direction.AUDIO_TO_TEXT, self.recordings, own.T, self.relevant.T)


@dataclass(frozen=True, slots=True)
class Graded:
    """Captions order the recordings that they were rated for."""

    data_set: str
    language: str
    kind: RatingKind
    texts: Queries
    recordings: Queries
    ratings: Values
    """``(texts, recordings)``, 0 where there is none."""
    rated: Mask
    """Same shape."""

    @property
    def name(self) -> str:
        """Kinds are never mixed."""
        return f"{self.kind} ratings"

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """nDCG@5 and 10 with linear gain, and Kendall's tau-b, within each rated list."""
        del heard
        own = scores[np.ix_(self.texts.at, self.recordings.at)]
        kept = has_relevant(self.ratings)
        for k in GAIN_DEPTHS:
            values = ndcg_at(own, self.ratings, k, rated=self.rated)
            yield Answers(Direction.TEXT_TO_AUDIO, f"nDCG@{k}", self.texts, kept, values)
        values = kendall_tau(own, self.ratings, self.rated)
        ordered = has_order(self.ratings, self.rated)
        yield Answers(Direction.TEXT_TO_AUDIO, "Kendall's tau", self.texts, ordered, values)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whether what lies close together sounds alike: the embedding space by itself."""

    data_set: str
    recordings: Queries
    alike: Mask
    """``(recordings, recordings)``: a caption fits both; false on the diagonal."""

    name = "neighbours"
    language = "any"

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """Share of a recording's ten nearest that are alike, and how far that is above chance.

        The nearest-neighbour test of the cluster hypothesis (Voorhees, "The cluster hypothesis
        revisited", SIGIR 1985), with ten neighbours. The second figure is the first on a scale
        where 0 is what a random order gives and 1 the most that there can be, as Cohen's kappa is.
        """
        del scores
        own = heard[self.recordings.at].astype(np.float64)
        cosine = own @ own.T
        np.fill_diagonal(cosine, _BEHIND)
        others, k = len(cosine) - 1, NEIGHBOURS
        if others <= k:
            return
        kept = has_relevant(self.alike)
        shares = precision_at(cosine, self.alike, k)
        direction, queries = Direction.AUDIO_TO_AUDIO, self.recordings
        yield Answers(direction, f"alike@{NEIGHBOURS}", queries, kept, shares)
        count = self.alike.sum(axis=1)
        by_chance, most = count / others, np.minimum(count, k) / k
        above = kept & (most > by_chance)
        values = (shares - by_chance[kept])[above[kept]] / (most - by_chance)[above]
        yield Answers(direction, f"alike@{NEIGHBOURS} above chance", queries, above, values)


@dataclass(frozen=True, slots=True)
class ClassNames:
    """A recording is told from its classes' texts, all of the set's classes to choose from."""

    data_set: str
    language: str
    texts: Queries
    about: Mask
    """``(texts, classes)``: whose a text is. One that is two classes' leaves them tied."""
    fits: Mask
    """``(texts, recordings)``: a text may be of some of a class's recordings only."""
    recordings: Queries
    right: Mask
    """``(recordings, classes)``; a class scores as the best of its texts."""

    name = "class names"

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """Zero-shot accuracy: the right class first, or among the first five."""
        del heard
        own = scores[np.ix_(self.texts.at, self.recordings.at)]
        best = np.stack([own[texts].max(axis=0) for texts in self.about.T], axis=1)
        yield from _told(Direction.AUDIO_TO_TEXT, self.recordings, best, self.right)


@dataclass(frozen=True, slots=True)
class Onomatopoeia:
    """The same with nothing but the sound as one imitates it; and it finds recordings."""

    classes: ClassNames

    name = "onomatopoeia"

    @property
    def data_set(self) -> str:
        """Whose recordings it asks for."""
        return self.classes.data_set

    @property
    def language(self) -> str:
        """Of the texts."""
        return self.classes.language

    def judge(self, scores: Values, heard: FloatArray) -> Iterator[Answers]:
        """Accuracy as of class names; retrieval; and classes by their recordings' mean score."""
        asked = self.classes
        yield from asked.judge(scores, heard)
        own = scores[np.ix_(asked.texts.at, asked.recordings.at)]
        yield from _found(Direction.TEXT_TO_AUDIO, asked.texts, own, asked.fits)
        heard_classes = np.flatnonzero(asked.right.any(axis=0))
        members = asked.right[:, heard_classes].astype(np.float64)
        means = own @ (members / members.sum(axis=0))
        right = asked.about[:, heard_classes]
        yield from _told(Direction.TEXT_TO_AUDIO, asked.texts, means, right)


def _found(
    direction: Direction, queries: Queries, scores: Values, relevant: Mask
) -> Iterator[Answers]:
    kept = has_relevant(relevant)
    for k in RECALL_DEPTHS:
        if k < scores.shape[1]:
            values = recall_at(scores, relevant, k)
            yield Answers(direction, f"R@{k}", queries, kept, values)
    values = average_precision_at(scores, relevant, PRECISION_DEPTH)
    yield Answers(direction, f"mAP@{PRECISION_DEPTH}", queries, kept, values)


def _told(direction: Direction, queries: Queries, scores: Values, right: Mask) -> Iterator[Answers]:
    for k in CLASS_DEPTHS:
        if k < scores.shape[1]:
            values = recall_at(scores, right, k)
            yield Answers(direction, f"top-{k}", queries, has_relevant(right), values)
