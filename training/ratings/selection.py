"""Which pairs of a caption and a recording people should rate next.

Ratings are learned as lists, so a caption is chosen first and then some recordings for it: the
captions that stand for most others (Zhao, Heittola and Virtanen, ICASSP 2017, cluster sounds and
ask for medoids), and the recordings that the model expects most of. No source of recordings takes
more than its share, and no caption more than its list.

Mismatch-first farthest-traversal (the same, IWAENC 2018, and "Active learning for sound event
detection", IEEE/ACM TASLP 28, 2020) is a rule too: it asks where two views of a pair disagree,
what the model says and what was said of the pairs nearest to it, and of these for the farthest.
Which rule learns fastest was measured: docs/experiments/selection.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.data.arrays import Numbers, Values
from training.data.records import HIGHEST_RATING, LOWEST_RATING
from training.ratings.expected import Known, Pool, expected_by_model, expected_by_neighbours
from training.ratings.traversal import farthest_first, medoids_first

_TIE = 1e-6


class Rule(StrEnum):
    """By what pairs are chosen; all but the first are there to be compared with it."""

    MEDOID_HIGHEST = "medoid-highest"
    """Captions that stand for most others; recordings that the model expects most of."""
    MEDOID_MISMATCH = "medoid-mismatch"
    """Captions that stand for most others; recordings rated higher by model than neighbours."""
    MISMATCH_FARTHEST = "mismatch-farthest"
    """Where the views differ most, either way; of these the farthest."""
    MISMATCH = "mismatch"
    """Where the views differ most, either way."""
    FARTHEST = "farthest"
    """The farthest of all."""
    HIGHEST = "highest"
    """Captions at random; recordings that the model expects most of."""
    RANDOM = "random"
    """Captions and recordings at random."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How lists are made."""

    rule: Rule = Rule.MEDOID_HIGHEST
    items: int = 6
    """Recordings of a list."""
    breadth: float = 3.0
    """Mismatch-farthest looks for the farthest among so many times more as are needed."""
    source_share: float = 0.1
    """Of the budget, that any source may take; more only where it holds more of the pool."""
    coverage: bool = True
    """Whether shares of sources hold."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A pair to be rated."""

    caption: int
    recording: int
    model: float
    """Rating that the model expects, 0 to 100."""
    neighbours: float
    """Rating that the nearest rated pairs let expect."""
    distance: float
    """Of the recording to the nearest one rated or chosen for this caption, 0 to 2."""

    @property
    def mismatch(self) -> float:
        """How much more the model expects than the neighbours, -100 to 100."""
        return self.model - self.neighbours


def select(
    pool: Pool, known: Known, budget: int, settings: Settings | None = None
) -> tuple[Choice, ...]:
    """Choose pairs to be rated, list after list.

    Args:
        pool: what there is.
        known: what is rated.
        budget: how many pairs; where fewer may be chosen, all of them are.
        settings: how.

    Returns:
        So many different pairs, those of one caption together. The same arguments give the same
        pairs.

    Raises:
        ValueError: shapes do not fit, the budget or a setting is out of range.
    """
    settings = settings or Settings()
    _check(pool, known, budget, settings)
    return _Selection(pool, known, budget, settings).run()


class _Selection:
    """One run: what is chosen so far, and what each source may still take."""

    def __init__(self, pool: Pool, known: Known, budget: int, settings: Settings) -> None:
        self.pool, self.known, self.settings = pool, known, settings
        self.budget = min(budget, int(pool.open.sum()))
        self.open = pool.open.copy()
        self.model = expected_by_model(pool.captions @ pool.recordings.T, known)
        self.neighbours = expected_by_neighbours(pool, known)
        self.chosen: list[Choice] = []
        self.chance = np.random.default_rng(settings.seed)
        self.worth = self._worth()
        names = {name: at for at, name in enumerate(dict.fromkeys(pool.sources))}
        self.source = np.array([names[source] for source in pool.sources], dtype=np.intp)
        self.left = self._shares()

    def run(self) -> tuple[Choice, ...]:
        """Lists within the shares; where these leave too little, beyond them."""
        for held in (True, False) if self.settings.coverage else (False,):
            # A caption is asked again only where all the others have their lists.
            while self.missing and self._round(held=held):
                pass
        return tuple(self.chosen)

    @property
    def missing(self) -> int:
        """How many are still to be chosen."""
        return self.budget - len(self.chosen)

    def _worth(self) -> Values:
        """What is to be rated first, ``(captions, recordings)``; no two are alike."""
        rule = self.settings.rule
        # What is worth as much has no order of its own: it is the seed's.
        chance: Values = self.chance.random(self.pool.open.shape)
        if rule is Rule.MEDOID_MISMATCH:
            return self.model - self.neighbours + _TIE * chance
        if rule in {Rule.MISMATCH_FARTHEST, Rule.MISMATCH}:
            return np.abs(self.model - self.neighbours) + _TIE * chance
        if rule in {Rule.MEDOID_HIGHEST, Rule.HIGHEST}:
            return self.model + _TIE * chance
        return chance

    def _shares(self) -> Numbers:
        """How many pairs each source may take: its share of the pool, or that of the settings."""
        of_pool = np.bincount(self.source, self.pool.open.sum(axis=0)) / self.pool.open.sum()
        share = np.maximum(of_pool, self.settings.source_share)
        allowed: Numbers = np.ceil(share * self.budget).astype(np.intp)
        return allowed

    def _round(self, *, held: bool) -> bool:
        """A list for each caption in turn until nothing is missing; whether any was made."""
        before = self.missing
        lists = max(1, round(self.missing / self.settings.items))
        size = math.ceil(self.missing / lists)
        for made, caption in enumerate(self._captions(lists, size)):
            self._list(caption, math.ceil(self.missing / max(1, lists - made)), held=held)
            if not self.missing:
                break
        return self.missing < before

    def _captions(self, lists: int, size: int) -> Iterator[int]:
        """Captions in the order in which they get lists."""
        waiting = np.flatnonzero(self.open.any(axis=1))
        taken = np.union1d(self.known.captions, [choice.caption for choice in self.chosen])
        taken = taken.astype(np.intp)
        if self.settings.rule in {Rule.RANDOM, Rule.HIGHEST}:
            yield from self.chance.permutation(waiting).tolist()
        elif self.settings.rule in {Rule.MEDOID_HIGHEST, Rule.MEDOID_MISMATCH}:
            yield from medoids_first(self.pool.captions, waiting, taken)
        else:
            yield from self._farthest_captions(waiting, taken, lists, size)

    def _farthest_captions(
        self, waiting: Numbers, taken: Numbers, lists: int, size: int
    ) -> Iterator[int]:
        """Those on the shortlist first, the farthest of them first of all."""
        worth = np.where(self.open[waiting], self.worth[waiting], 0.0)
        best = -np.partition(-worth, min(size, worth.shape[1]) - 1, axis=1)[:, :size]
        order = waiting[np.argsort(-best.mean(axis=1), kind="stable")]
        first = self._shortlist(lists, len(order))
        for part in (order[:first], order[first:]):
            rest = part
            while len(rest):
                found, _ = farthest_first(self.pool.captions, rest, taken, lists)
                yield from found.tolist()
                taken = np.concatenate([taken, found])
                rest = rest[~np.isin(rest, found)]

    def _list(self, caption: int, size: int, *, held: bool) -> None:
        """Choose up to so many recordings for a caption."""
        shortlist = self._shortlist(size, self.open.shape[1])
        own = self.known.recordings[self.known.captions == caption].tolist()
        own += [choice.recording for choice in self.chosen if choice.caption == caption]
        for taken in range(min(size, self.missing)):
            allowed = self.open[caption] & (self.left[self.source] > 0 if held else True)
            candidates = np.flatnonzero(allowed)
            # One that is rated alone has no order to learn.
            if len(candidates) + len(own) < (2 if held else 1) or not len(candidates):
                return
            order = np.argsort(-self.worth[caption, candidates], kind="stable")
            candidates = candidates[order[: shortlist - taken]]
            found, far = farthest_first(self.pool.recordings, candidates, np.array(own, int), 1)
            recording = int(found[0])
            own.append(recording)
            self.open[caption, recording] = False
            self.left[self.source[recording]] -= 1
            self.chosen.append(
                Choice(
                    caption,
                    recording,
                    model=float(self.model[caption, recording]),
                    neighbours=float(self.neighbours[caption, recording]),
                    distance=float(far[0]),
                )
            )

    def _shortlist(self, needed: int, offered: int) -> int:
        """Among how many of the most worthy the farthest are looked for."""
        if self.settings.rule is Rule.FARTHEST:
            return offered
        if self.settings.rule is Rule.MISMATCH_FARTHEST:
            return math.ceil(self.settings.breadth * needed)
        return needed


def _check(pool: Pool, known: Known, budget: int, settings: Settings) -> None:
    shape = (len(pool.captions), len(pool.recordings))
    if pool.open.shape != shape or len(pool.sources) != shape[1]:
        raise ValueError(
            f"the mask is {pool.open.shape} and sources are {len(pool.sources)}; captions and "
            f"recordings are {shape}"
        )
    if not bool(pool.open.any()):
        raise ValueError("no pair may be chosen: all are rated, or there is none")
    if not len(known.captions) == len(known.recordings) == len(known.ratings):
        raise ValueError("known ratings have captions, recordings and values of other lengths")
    if bool(pool.open[known.captions, known.recordings].any()):
        raise ValueError("a rated pair may be chosen again; take it out of the mask")
    rated = known.ratings
    if not bool(((rated >= LOWEST_RATING) & (rated <= HIGHEST_RATING)).all()):
        raise ValueError(f"a known rating is not from {LOWEST_RATING:g} to {HIGHEST_RATING:g}")
    if budget < 1 or settings.items < 1 or settings.breadth < 1.0:
        raise ValueError(
            f"budget is {budget}, items {settings.items}, breadth {settings.breadth:g}; "
            "write 1 or more"
        )
    if not 0.0 < settings.source_share <= 1.0:
        raise ValueError(f"source share is {settings.source_share:g}; write more than 0, at most 1")
