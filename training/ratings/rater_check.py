"""People and the simulated raters side by side, on the same pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Values
from training.data.readers.tau import Group
from training.data.records import HIGHEST_RATING, LOWEST_RATING
from training.ratings.rater_fit import Fit, RatedPairs, simulate

DRAWS = 20
"""Times that every rating is drawn; the table holds the mean."""
_HIGH = 50.0
_NAMES = {Group.PAIRED: "paired", Group.CANDIDATE: "candidate", Group.UNRELATED: "unrelated"}
_QUARTILES = (25, 50, 75)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of people, and of the simulation."""

    name: str
    people: float
    simulated: float


def figures(pairs: RatedPairs, ratings: Values) -> dict[str, float]:
    """What a set of ratings is known by, by name."""
    zero = ratings == LOWEST_RATING
    found = {
        "mean": float(ratings.mean()),
        "standard deviation": float(ratings.std()),
        "exact zeros": float(zero.mean()),
        "exact hundreds": float((ratings == HIGHEST_RATING).mean()),
    }
    for group, name in _NAMES.items():
        own = pairs.of(group)
        found[f"{name}: mean"] = float(ratings[own].mean())
        for at, value in zip(_QUARTILES, np.percentile(ratings[own], _QUARTILES), strict=True):
            found[f"{name}: {at} % are below"] = float(value)
        found[f"{name}: exact zeros"] = float(zero[own].mean())
    lists = [np.flatnonzero(pairs.lists == one) for one in dict.fromkeys(pairs.lists.tolist())]
    tops, above, high = [], [], []
    for one in lists:
        rated, groups = ratings[one], pairs.groups[one]
        paired = rated[groups == Group.PAIRED.value].max()
        tops.append(bool(rated.max() <= paired))
        above.extend((rated[groups == Group.CANDIDATE.value] > paired).tolist())
        high.append(int((rated >= _HIGH).sum()))
    found["pairs within a list that are tied"] = ties([ratings[one] for one in lists])
    found["lists with the paired one (joint) top"] = float(np.mean(tops))
    found["candidates rated above the paired one"] = float(np.mean(above))
    found[f"recordings a list from {_HIGH:g}"] = float(np.mean(high))
    return found


def side_by_side(fitted: Fit, pairs: RatedPairs, seed: int = 0) -> Iterator[Line]:
    """Every figure of people and of the fitted model, on the pairs of one split."""
    rng = np.random.default_rng(seed)
    drawn = [figures(pairs, simulate(fitted, pairs, rng)) for _ in range(DRAWS)]
    for name, value in figures(pairs, pairs.ratings).items():
        yield Line(name, value, float(np.mean([one[name] for one in drawn])))


def ties(lists: Sequence[Values]) -> float:
    """Share of pairs of equal ratings within lists, over all lists."""
    equal = sum(int((one[:, None] == one[None, :]).sum()) - len(one) for one in lists)
    pairs = sum(len(one) * (len(one) - 1) for one in lists)
    return equal / pairs
