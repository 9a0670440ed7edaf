"""Ratings as the training reads them: one list a caption, one number a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from training.data.arrays import Values
from training.data.records import Pair, Rating, RatingKind


@dataclass(frozen=True, slots=True)
class RatedList:
    """All recordings that one caption was rated for, in the order of the manifest."""

    caption: str
    kind: RatingKind
    recordings: tuple[str, ...]
    ratings: tuple[float, ...]
    """0 to 100, mean over raters, as long as ``recordings``."""


def rated_lists(ratings: Iterable[Rating]) -> tuple[RatedList, ...]:
    """Lists by caption and kind; kinds are never averaged together."""
    found: dict[tuple[str, RatingKind], dict[str, list[float]]] = {}
    for rating in ratings:
        own = found.setdefault((rating.caption, rating.kind), {})
        own.setdefault(rating.recording, []).append(rating.rating)
    return tuple(
        RatedList(caption, kind, tuple(rated), tuple(fmean(values) for values in rated.values()))
        for (caption, kind), rated in found.items()
    )


def binarised(lists: Iterable[RatedList], threshold: float) -> tuple[Pair, ...]:
    """Yes from a rating of ``threshold`` on, no below: what is left of ratings as labels."""
    return tuple(
        Pair(
            rated.caption,
            recording,
            rating >= threshold,
            f"{rated.kind} rating, from {threshold:g}",
        )
        for rated in lists
        for recording, rating in zip(rated.recordings, rated.ratings, strict=True)
    )


def matrix(lists: Sequence[RatedList], columns: Mapping[str, int]) -> Values:
    """Ratings ``(lists, recordings)`` by the recordings' columns, NaN where nobody rated."""
    ratings = np.full((len(lists), len(columns)), np.nan)
    for row, rated in zip(ratings, lists, strict=True):
        for recording, rating in zip(rated.recordings, rated.ratings, strict=True):
            if recording in columns:
                row[columns[recording]] = rating
    return ratings
