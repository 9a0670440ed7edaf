"""What the lists of ratings hold: zeros, ties, near misses, and what fewer ratings would tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.data.arrays import Mask, Values
from training.data.readers.tau import Group
from training.evaluation.metrics import has_order, kendall_tau
from training.studies.ratings.findings import Budget, GroupRatings, Lists
from training.studies.ratings.published import OTHER, OWN, SIMILAR, UNRELATED, RatedLists

FIFTHS = ("nearest", "second", "third", "fourth", "farthest")
_RELEVANT = 50.0


def describe_lists(rated: RatedLists, nearness: Values) -> Lists:
    """Counts of all lists.

    Args:
        rated: the ratings.
        nearness: how near each item is to its list's caption by text alone, ``(lists, items)``.
    """
    ratings, there = rated.ratings, rated.groups != ""
    candidates = rated.of(Group.CANDIDATE)
    own = np.max(ratings, where=rated.of(Group.PAIRED), initial=0.0, axis=1, keepdims=True)
    above = (ratings > own) & candidates
    pairs, ordered, at_zero = _pairs(ratings, there)
    kinds = rated.kinds()
    similar = kinds[SIMILAR]
    place = _nearest_first(nearness, similar)
    near = [_group(name, ratings, (place == at) & similar) for at, name in enumerate(FIFTHS)]
    asked = has_order(np.where(candidates, ratings, 0.0), candidates)
    taus = kendall_tau(nearness[asked], ratings[asked], candidates[asked])
    return Lists(
        lists=len(ratings),
        pairs=pairs,
        ordered=ordered / pairs,
        tied_at_zero=at_zero / pairs,
        tied_elsewhere=(pairs - ordered - at_zero) / pairs,
        zeros_each=tuple(sorted(int(n) for n in ((ratings == 0.0) & there).sum(axis=1))),
        own_on_top=float(1.0 - above.any(axis=1).mean()),
        above_own=float(above.sum() / max(int(candidates.sum()), 1)),
        ordered_near=_ordered_share(ratings, kinds[OWN] | similar),
        ordered_far=_ordered_share(ratings, kinds[OTHER] | kinds[UNRELATED]),
        groups=tuple(_group(name, ratings, own) for name, own in kinds.items() if own.any()),
        nearness=tuple(near),
        budgets=_budgets(rated, nearness),
        tau_sd=float(taus.std(ddof=1)) if len(taus) > 1 else 0.0,
        histogram=tuple((name, _histogram(ratings[own])) for name, own in kinds.items()),
    )


def _nearest_first(nearness: Values, asked: Mask) -> npt.NDArray[np.intp]:
    """Place of each asked item in its list, 0 for the nearest; elsewhere 0 means nothing."""
    places = np.zeros(nearness.shape, np.intp)
    for row, (near, own) in enumerate(zip(nearness, asked, strict=True)):
        items = np.flatnonzero(own)
        places[row, items[np.argsort(-near[items], kind="stable")]] = np.arange(len(items))
    return places


def _count(asked: Mask) -> npt.NDArray[np.intp]:
    """Asked items of each list, at least 1, ``(lists, 1)``."""
    count: npt.NDArray[np.intp] = np.maximum(asked.sum(axis=1, keepdims=True), 1)
    return count


def _group(name: str, ratings: Values, own: Mask) -> GroupRatings:
    values = ratings[own]
    if not len(values):
        return GroupRatings(name, 0, 0.0, 0.0, 0.0, 0.0, 0.0, None)
    moved = values[values > 0.0]
    return GroupRatings(
        name=name,
        rows=len(values),
        zero=float((values == 0.0).mean()),
        low=float(((values > 0.0) & (values < 20.0)).mean()),  # noqa: PLR2004 - as the field says
        middle=float(((values >= 20.0) & (values < _RELEVANT)).mean()),  # noqa: PLR2004
        high=float((values >= _RELEVANT).mean()),
        hardly=float(((values > 0.0) & (values <= 5.0)).mean()),  # noqa: PLR2004
        mean_above_zero=float(moved.mean()) if len(moved) else None,
    )


def _pairs(ratings: Values, there: Mask) -> tuple[int, int, int]:
    """Pairs within lists, those in order, and those that are both 0."""
    first, second = np.triu_indices(ratings.shape[1], 1)
    both = there[:, first] & there[:, second]
    a, b = ratings[:, first], ratings[:, second]
    return int(both.sum()), int((both & (a != b)).sum()), int((both & (a == 0) & (b == 0)).sum())


def _ordered_share(ratings: Values, there: Mask) -> float:
    pairs, ordered, _ = _pairs(ratings, there)
    return ordered / max(pairs, 1)


def _budgets(rated: RatedLists, nearness: Values) -> tuple[Budget, ...]:
    candidates, own = rated.of(Group.CANDIDATE), rated.of(Group.PAIRED)
    most = int(candidates.sum(axis=1).max())
    order = _nearest_first(nearness, candidates)
    relevant = candidates & (rated.ratings >= _RELEVANT)
    by_chance, with_own = _ordered(rated.ratings, candidates, own)
    found = []
    for count in range(1, most + 1):
        chosen = candidates & (order < count)
        chance = np.minimum(count / _count(candidates), 1.0)
        pairs, ordered, _ = _pairs(rated.ratings, chosen | own)
        among = count * (count - 1) / 2
        found.append(
            Budget(
                candidates=count,
                nearest=float((relevant & chosen).sum() / max(int(relevant.sum()), 1)),
                random=float((relevant * chance).sum() / max(int(relevant.sum()), 1)),
                ordered_nearest=ordered / max(pairs, 1),
                ordered_random=(among * by_chance + count * with_own) / (among + count),
            )
        )
    return tuple(found)


def _ordered(ratings: Values, candidates: Mask, own: Mask) -> tuple[float, float]:
    """Share of pairs in order among candidates, and of the own recording with a candidate."""
    pairs, ordered, _ = _pairs(ratings, candidates)
    all_pairs, all_ordered, _ = _pairs(ratings, candidates | own)
    return ordered / max(pairs, 1), (all_ordered - ordered) / max(all_pairs - pairs, 1)


def _histogram(values: Values) -> tuple[int, ...]:
    counts = np.histogram(values[values > 0.0], bins=[0.0, *(10.0 * n + 0.5 for n in range(1, 11))])
    return (int((values == 0.0).sum()), *(int(n) for n in counts[0]))
