"""Whose answers should be asked about: who deviates from the others beyond chance.

Each person is held against the others, never against a truth, which nobody knows. Who is found is
left out before the next are looked at, or one who answers at random would make all others look as
if they differed. P-values are adjusted by Holm over all tests of a round.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import stats

from training.evaluation.significance import holm
from training.quality.answers import Gathered, Item


@dataclass(frozen=True, slots=True)
class Limits:
    """When somebody is told."""

    level: float = 0.01
    """Probability of telling of anybody by chance, in each round of tests."""
    least_answers: int = 12
    """Of one person, below which nothing is said."""
    least_difference: float = 0.15
    """Share of answers by which somebody has to be away from the others."""
    one_sided: float = 0.95
    """Share of one answer from which somebody always answers the same."""
    same_points: float = 2.0
    """Ratings that are no further apart are the same."""
    fastest_s: float = 2.0
    """Seconds from one answer to the next: a window of sound cannot be heard in less."""
    session_s: float = 300.0
    """A longer pause ends a session and tells nothing of how fast somebody answers."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing about one person that is not as it should be."""

    operator: str
    reason: str
    detail: str
    p: float | None
    """Adjusted; ``None`` where it is no matter of chance."""


def suspicions(gathered: Gathered, limits: Limits) -> tuple[Suspicion, ...]:
    """Everybody whose answers are not as the others', and why.

    Args:
        gathered: the answers.
        limits: when somebody is told.
    """
    found: list[Suspicion] = []
    out: set[str] = set()
    while True:
        tests = [
            test
            for operator in gathered.operators
            if operator not in out
            for test in _tests(operator, gathered.items, out, limits)
        ]
        if not tests:
            break
        adjusted = holm([test.p or 0.0 for test in tests])
        told = [
            (float(p), test) for p, test in zip(adjusted, tests, strict=True) if p < limits.level
        ]
        if not told:
            break
        # The clearest case first: it may be why another looks odd.
        worst = min(told, key=lambda case: (case[1].p or 0.0, case[1].operator))[1].operator
        out.add(worst)
        found += [replace(test, p=p) for p, test in told if test.operator == worst]
    return (*found, *_too_fast(gathered, limits))


def _tests(
    operator: str, items: Sequence[Item], out: Collection[str], limits: Limits
) -> Iterator[Suspicion]:
    """All that can be tested of one person; ``p`` is 1 where nothing is odd."""
    for test in (_differs, _one_answer, _one_rating, _upside_down, _against_itself):
        found = test(operator, items, out, limits)
        if found is not None:
            yield found


def _differs(
    operator: str, items: Sequence[Item], out: Collection[str], limits: Limits
) -> Suspicion | None:
    """Whether somebody differs from what most others say more often than these do themselves."""
    own, others = [0, 0], [0, 0]
    for item in items:
        said = {name: fits for name, fits in item.decided.items() if name not in out}
        if operator in said and (most := item.majority({*out, operator})) is not None:
            own[said[operator] != most] += 1
        for name in said.keys() - {operator}:
            # Somebody's own answers are no measure of the others.
            if (most := item.majority({*out, operator, name})) is not None:
                others[said[name] != most] += 1
    if sum(own) < limits.least_answers or sum(others) < limits.least_answers:
        return None
    share, usual = own[1] / sum(own), others[1] / sum(others)
    p = _more(own[1], own[0], others[1], others[0])
    detail = f"differs from most others in {own[1]} of {sum(own)}, they among them in {usual:.0%}"
    clear = share - usual >= limits.least_difference
    return Suspicion(operator, "differs from the others", detail, p if clear else 1.0)


def _one_answer(
    operator: str, items: Sequence[Item], out: Collection[str], limits: Limits
) -> Suspicion | None:
    """Whether somebody always answers the same where others do not."""
    others: list[bool] = []
    mine = [item for item in items if operator in item.decided]
    shared = [item for item in mine if item.majority({*out, operator}) is not None]
    # The same sounds are the fairest comparison, the same descriptions the next best.
    asked = shared if len(shared) >= limits.least_answers else mine
    described = {item.description for item in mine}
    own = [item.decided[operator] for item in asked]
    for item in asked if asked is shared else items:
        if item.description in described:
            said = item.decided.items()
            others += [fits for name, fits in said if name != operator and name not in out]
    if len(own) < limits.least_answers or len(others) < limits.least_answers:
        return None
    most = 2 * sum(own) >= len(own)
    same, usual = own.count(most), others.count(most)
    # Either answer might have been the one: twice the probability.
    p = min(1.0, 2.0 * _more(same, len(own) - same, usual, len(others) - usual))
    share = same / len(own)
    clear = share >= limits.one_sided and share - usual / len(others) >= limits.least_difference
    said_so = "yes" if most else "no"
    detail = f"says {said_so} in {same} of {len(own)}, others in {usual / len(others):.0%}"
    return Suspicion(operator, "always the same answer", detail, p if clear else 1.0)


def _beside(
    operator: str, items: Sequence[Item], out: Collection[str]
) -> list[tuple[float, list[float]]]:
    """Somebody's ratings, each with those that others gave to the same."""
    found = []
    for item in items:
        rated = [v for name, v in item.ratings.items() if name != operator and name not in out]
        if operator in item.ratings and rated:
            found.append((item.ratings[operator], rated))
    return found


def _one_rating(
    operator: str, items: Sequence[Item], out: Collection[str], limits: Limits
) -> Suspicion | None:
    """Whether somebody gives everything the same rating, where others do not."""
    beside = _beside(operator, items, out)
    own = [rating for rating, _ in beside]
    others = [rating for _, rated in beside for rating in rated]
    if len(own) < limits.least_answers:
        return None
    usual = float(np.median(own))
    same = sum(abs(rating - usual) <= limits.same_points for rating in own)
    near = sum(abs(other - usual) <= limits.same_points for other in others)
    clear = same / len(own) >= limits.one_sided
    p = _more(same, len(own) - same, near, len(others) - near)
    share = near / len(others)
    detail = f"rates {same} of {len(own)} with about {usual:.0f}, others {share:.0%} of the same"
    return Suspicion(operator, "always the same rating", detail, p if clear else 1.0)


def _upside_down(
    operator: str, items: Sequence[Item], out: Collection[str], limits: Limits
) -> Suspicion | None:
    """Whether somebody's ratings fall where the others' rise."""
    beside = _beside(operator, items, out)
    own = [rating for rating, _ in beside]
    others = [float(np.mean(rated)) for _, rated in beside]
    # Of one other person nobody knows whose scale is upside down.
    people = {n for i in items for n in i.ratings if operator in i.ratings} - {operator, *out}
    if len(own) < limits.least_answers or len(people) <= 1 or len(set(own)) == 1:
        return None
    tau, p = stats.kendalltau(own, others, alternative="less")
    if not np.isfinite(p):
        return None
    detail = f"orders {len(own)} as the others do with a tau of {tau:+.2f}"
    return Suspicion(operator, "ratings upside down", detail, float(p))


def _against_itself(
    operator: str,
    items: Sequence[Item],
    out: Collection[str],  # noqa: ARG001 - nobody else is looked at
    limits: Limits,
) -> Suspicion | None:
    """Whether somebody rates what they reject higher than what they confirm."""
    rated = [item for item in items if operator in item.ratings and operator in item.decided]
    yes = [item.ratings[operator] for item in rated if item.decided[operator]]
    no = [item.ratings[operator] for item in rated if not item.decided[operator]]
    if len(rated) < limits.least_answers or not yes or not no or len({*yes, *no}) == 1:
        return None
    p = float(stats.mannwhitneyu(yes, no, alternative="less").pvalue)
    detail = f"rates what is confirmed {np.mean(yes):.0f} and what is rejected {np.mean(no):.0f}"
    return Suspicion(operator, "rates against the own verdicts", detail, p)


def _too_fast(gathered: Gathered, limits: Limits) -> Iterator[Suspicion]:
    """Who answers faster than a sound can be heard."""
    for operator, times in gathered.times.items():
        gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
        gaps = [gap for gap in gaps if gap <= limits.session_s]
        if len(gaps) >= limits.least_answers - 1 and np.median(gaps) < limits.fastest_s:
            detail = f"half of {len(gaps) + 1} answers came within {np.median(gaps):.1f} s"
            yield Suspicion(operator, "answers too fast to have listened", detail, None)


def _more(own: int, own_rest: int, others: int, others_rest: int) -> float:
    """Probability of so large a share if it were the others' (Fisher's exact test)."""
    table = [[own, own_rest], [others, others_rest]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
