"""What the analysis finds: frozen values that go into the report, the figures and the JSON."""

from __future__ import annotations

from dataclasses import dataclass

from training.evaluation.significance import Interval
from training.studies.ratings.statistics import Association, Effect, adjusted


@dataclass(frozen=True, slots=True)
class Finding:
    """How a property goes together with an outcome."""

    property: str
    outcome: str
    association: Association
    p_holm: float
    """Adjusted over all findings of its table."""


@dataclass(frozen=True, slots=True)
class Regression:
    """Effects of several properties at once on one outcome."""

    outcome: str
    effects: tuple[Effect, ...]
    rows: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over sources or classes; no interval where there are fewer than five."""

    name: str
    rows: int
    clusters: int
    mean: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class GroupRatings:
    """Ratings of one group of items, shares 0 to 1."""

    name: str
    rows: int
    zero: float
    low: float
    """1 to 19."""
    middle: float
    """20 to 49."""
    high: float
    """50 to 100."""
    hardly: float
    """1 to 5: the slider was moved a little."""
    mean_above_zero: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a few candidates of each list would have told; shares 0 to 1."""

    candidates: int
    nearest: float
    """Share of the candidates rated 50 and above that are among those nearest by text."""
    random: float
    """Share of the candidates rated 50 and above that are among as many drawn at random."""
    ordered_nearest: float
    """Share of pairs of own recording and candidates that the ratings order."""
    ordered_random: float


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists hold."""

    lists: int
    pairs: int
    ordered: float
    """Share of the pairs within lists that the ratings order."""
    tied_at_zero: float
    tied_elsewhere: float
    ordered_near: float
    """Share of pairs that the ratings order, of own recording and the candidates named first."""
    ordered_far: float
    """Share of pairs that the ratings order, of other candidates and the unrelated recording."""
    zeros_each: tuple[int, ...]
    """Zeros of each list, sorted."""
    own_on_top: float
    """Share of lists in which no candidate is rated above the own recording."""
    above_own: float
    """Share of candidates that are rated above it."""
    groups: tuple[GroupRatings, ...]
    nearness: tuple[GroupRatings, ...]
    """The candidates named first, by how near they are by text within their list."""
    budgets: tuple[Budget, ...]
    tau_sd: float
    """Standard deviation over lists of Kendall's tau-b of ratings and nearness by text."""
    histogram: tuple[tuple[str, tuple[int, ...]], ...]
    """Of each kind of item: zeros, then by tens: 1-10 ... 91-100."""


@dataclass(frozen=True, slots=True)
class HumanFindings:
    """The ratings by people."""

    lists: Lists
    captions: tuple[Finding, ...]
    caption_effects: tuple[Regression, ...]
    items: tuple[Finding, ...]
    item_effects: tuple[Regression, ...]
    left_out: tuple[str, ...]
    """What could not be looked at, and why."""


@dataclass(frozen=True, slots=True)
class ModelFindings:
    """The model's similarities on the recordings of a manifest."""

    recordings: int
    sources: int
    sound: tuple[Finding, ...]
    captions: tuple[Finding, ...]
    kinds: tuple[Mean, ...]
    """Margins of captions by language and kind; clusters are classes."""
    sets: tuple[Mean, ...]
    languages: tuple[Mean, ...]
    classes: tuple[tuple[str, float, float], ...]
    """Name, margin of the English and of the Japanese captions; classes of five recordings."""
    authors: tuple[tuple[str, int, Effect], ...]
    """Set, number of authors, share of the variance that lies between them."""
    left_out: tuple[str, ...]


def corrected(found: list[tuple[str, str, Association]]) -> tuple[Finding, ...]:
    """Findings with the p-values of all of them adjusted together."""
    holm = adjusted([test for _, _, test in found])
    return tuple(
        Finding(name, outcome, test, p)
        for (name, outcome, test), p in zip(found, holm, strict=True)
    )
