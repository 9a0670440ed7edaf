"""Values by source, class and author: means, differences within, and who has several."""

from __future__ import annotations

import numpy as np

from training.data.arrays import Labels, Mask, Values
from training.evaluation.significance import bootstrap_interval
from training.studies.ratings.findings import Mean

_FEWEST_FOR_INTERVAL = 5


def mean_of_sources(name: str, values: Values, source: Labels, rows: Mask, seed: int) -> Mean:
    """Mean over sources: one that gave a hundred clips counts once."""
    rows = rows & np.isfinite(values)
    member = np.unique(source[rows], return_inverse=True)[1]
    means = np.bincount(member, values[rows]) / np.bincount(member)
    enough = len(means) >= _FEWEST_FOR_INTERVAL
    interval = bootstrap_interval(means, seed=seed) if enough else None
    return Mean(name, int(rows.sum()), len(means), float(means.mean()), interval)


def mean_over(values: Values | Mask, asked: Mask) -> Values:
    """Mean of each column's asked rows, ``(columns,)``; NaN where none is asked."""
    counts = asked.sum(axis=0)
    sums = np.where(asked, values, 0.0).sum(axis=0)
    means: Values = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return means


def of_several(labels: Labels, rows: Mask, fewest: int = 2) -> Mask:
    """Which rows carry a label that several of the asked rows carry."""
    names, place = np.unique(labels, return_inverse=True)
    several: Mask = np.bincount(place, rows, len(names))[place] >= fewest
    return several


def of_several_authors(kind: Labels, author: Labels, rows: Mask) -> Mask:
    """Which rows are of a class that more than one author recorded."""
    authors: dict[str, set[str]] = {}
    for own_kind, name in zip(kind[rows].tolist(), author[rows].tolist(), strict=True):
        authors.setdefault(own_kind, set()).add(name)
    several = [class_name for class_name, names in authors.items() if len(names) > 1]
    return np.asarray(np.isin(kind, several), dtype=np.bool_)


def centred_within(values: Values, labels: Labels) -> Values:
    """Values less the mean of those with the same label."""
    place = np.unique(labels, return_inverse=True)[1]
    centred: Values = values - (np.bincount(place, values) / np.bincount(place))[place]
    return centred
