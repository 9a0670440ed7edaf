"""Figures of what was measured: means with intervals, and differences between models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.data.arrays import Values
from training.evaluation.evaluate import Key, Measured, Results
from training.evaluation.significance import (
    Interval,
    bootstrap_intervals,
    holm,
    paired_permutations,
)

FLIPS = 100_000
"""Of a comparison, at least."""
_FLIPS_EACH = 60
"""Times the number of comparisons: the least p-value, 2 / flips, stays below .05 after Holm."""
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over queries, with a 95 % interval where there are two or more."""

    key: Key
    model: str
    n: int
    mean: float
    low: float | None
    high: float | None
    chance: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much a model is better than another on the same queries."""

    key: Key
    model: str
    against: str
    n: int
    difference: float
    """Of ``model`` less ``against``."""
    low: float | None
    high: float | None
    p: float | None
    """Of a paired permutation test; ``None`` with a single query."""
    p_holm: float | None
    """``p`` adjusted by Holm for all comparisons that were made together."""


def figures(results: Results, *, seed: int = 0) -> tuple[Figure, ...]:
    """A figure for each measure, in their order.

    Args:
        results: of a model.
        seed: of the resamples; the same seed gives the same intervals.
    """
    intervals = _intervals(
        [measure.queries for measure in results.measured], _values(results), seed
    )
    return tuple(
        Figure(
            key=measure.key,
            model=results.model,
            n=len(measure.values),
            mean=float(measure.values.mean()),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            chance=measure.chance,
        )
        for measure, interval in zip(results.measured, intervals, strict=True)
    )


def compare(
    results: Results, others: Iterable[Results], *, seed: int = 0
) -> tuple[Comparison, ...]:
    """A model against others, measure by measure; p-values are adjusted over all of them.

    Args:
        results: of the model.
        others: of the models that it may be better than, on the same material.
        seed: of the resamples and flips.

    Raises:
        ValueError: something else was measured of one of them, or on other queries.
    """
    opponents = tuple(others)
    flips = max(FLIPS, _FLIPS_EACH * len(opponents) * len(results.measured))
    found = [gap for other in opponents for gap in _against(results, other, seed, flips)]
    tested = [at for at, gap in enumerate(found) if gap.p is not None]
    adjusted = holm([p for gap in found if (p := gap.p) is not None])
    for at, p_holm in zip(tested, adjusted, strict=True):
        found[at] = replace(found[at], p_holm=float(p_holm))
    return tuple(found)


def _against(results: Results, other: Results, seed: int, flips: int) -> list[Comparison]:
    _require_same(results, other)
    queries = [measure.queries for measure in results.measured]
    differences = [a - b for a, b in zip(_values(results), _values(other), strict=True)]
    intervals = _intervals(queries, differences, seed)
    p_values: list[float | None] = [None] * len(queries)
    for names, places in _alike(queries).items():
        if len(names) >= _FEWEST:
            columns = np.stack([differences[at] for at in places], axis=1)
            tested = paired_permutations(columns, seed=seed, resamples=flips)
            for at, p in zip(places, tested, strict=True):
                p_values[at] = float(p)
    return [
        Comparison(
            key=measure.key,
            model=results.model,
            against=other.model,
            n=len(difference),
            difference=float(difference.mean()),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            p=p,
            p_holm=None,
        )
        for measure, difference, interval, p in zip(
            results.measured, differences, intervals, p_values, strict=True
        )
    ]


def _require_same(results: Results, other: Results) -> None:
    def asked(measured: Sequence[Measured]) -> list[tuple[Key, tuple[str, ...]]]:
        return [(measure.key, measure.queries) for measure in measured]

    if asked(results.measured) != asked(other.measured):
        raise ValueError(
            f"{results.model} and {other.model} were asked different things; judge both on one "
            "material, under the same conditions"
        )


def _values(results: Results) -> list[Values]:
    return [measure.values for measure in results.measured]


def _intervals(
    queries: Sequence[tuple[str, ...]], values: Sequence[Values], seed: int
) -> list[Interval | None]:
    """One for each; measures of the same queries are drawn together."""
    found: list[Interval | None] = [None] * len(queries)
    for names, places in _alike(queries).items():
        if len(names) >= _FEWEST:
            columns = np.stack([values[at] for at in places], axis=1)
            for at, interval in zip(places, bootstrap_intervals(columns, seed=seed), strict=True):
                found[at] = interval
    return found


def _alike(queries: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], list[int]]:
    """Numbers of the measures of the same queries."""
    found: dict[tuple[str, ...], list[int]] = {}
    for at, names in enumerate(queries):
        found.setdefault(names, []).append(at)
    return found
