"""Lists of recordings to be rated for a caption, as the graded relevances have them.

A list holds what fits, mixtures that hold the sound at several levels, near classes and far ones:
few high, many low. Every recording of a list is of the caption's split, and a list depends on
the seed, the split and the caption alone, not on which other lists are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Values
from training.data.contents import Contents
from training.data.records import Rating, RatingKind, Recording, Split
from training.ratings.raters import Rater, RaterModel
from training.ratings.relevance import Judge, Meaning, audibility_in

ITEMS = 12
_FITTING, _PARTLY, _NEAR = 2, 3, 4
"""Places of a list; the rest are far."""
_FITS = 0.85
_IS_NEAR = 0.05
_SECOND_RATER = 0.5
"""Share of lists that a second rater rates too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One caption that recordings are rated for."""

    caption: str
    meaning: Meaning
    written_for: str | None = None


class Pool:
    """The recordings of one split that lists are chosen from."""

    def __init__(
        self, split: Split, recordings: Iterable[Recording], contents: Mapping[str, Contents]
    ) -> None:
        """Take the recordings of a split whose contents are known."""
        self.split = split
        self.contents = tuple(
            contents[clip.id] for clip in recordings if clip.split is split and clip.id in contents
        )
        # What is heard decides: hundreds of clips of one machine are one kind among others.
        kinds = [
            tuple(sorted({part.caption for part in content.parts})) for content in self.contents
        ]
        known = {kind: at for at, kind in enumerate(dict.fromkeys(kinds))}
        self._kinds = np.array([known[kind] for kind in kinds], dtype=np.intp)
        self._mixed = np.array(
            [len(content.parts) > 1 for content in self.contents], dtype=np.bool_
        )
        self._at = {content.recording: at for at, content in enumerate(self.contents)}
        self._heard = audibility_in(self.contents)

    def can_answer(self, asked: Asked) -> bool:
        """Whether a caption belongs to the split: what it names is heard in it."""
        if asked.written_for is not None:
            return asked.written_for in self._at
        heard = set(self._heard.classes)
        return all(not heard.isdisjoint(any_of) for any_of in asked.meaning)

    def choose(
        self, relevance: Values, asked: Asked, items: int, rng: np.random.Generator
    ) -> list[int]:
        """Numbers of the recordings of a list.

        Args:
            relevance: of all recordings to the caption, see :meth:`relevances`.
            asked: the caption.
            items: how long the list is, where there are as many recordings.
            rng: where every draw comes from.
        """
        order = self._shuffled(rng)
        own = self._at.get(asked.written_for or "")
        chosen = [] if own is None else [own]
        partly = [at for at in order if self._mixed[at] and _IS_NEAR <= relevance[at] < _FITS]
        partly.sort(key=lambda at: relevance[at])
        near = [at for at in order if not self._mixed[at] and _IS_NEAR <= relevance[at] < _FITS]
        near.sort(key=lambda at: -relevance[at])
        fitting = [at for at in order if relevance[at] >= _FITS]
        _take(chosen, fitting, _FITTING - len(chosen))
        _take(chosen, _spaced(partly, _PARTLY), _PARTLY)
        _take(chosen, self._of_different_kinds(near), _NEAR)
        _take(chosen, [at for at in order if relevance[at] < _IS_NEAR], items - len(chosen))
        _take(chosen, order, items - len(chosen))
        return chosen[:items]

    def relevances(self, asked: Asked, judge: Judge) -> Values:
        """Of all recordings to a caption, ``(recordings,)``."""
        return judge.relevance(asked.meaning, self._heard)

    def _shuffled(self, rng: np.random.Generator) -> list[int]:
        """All numbers; one of each kind before a second of any."""
        order = rng.permutation(len(self.contents))
        seen: dict[int, int] = {}
        turns = []
        for at in order.tolist():
            kind = int(self._kinds[at])
            seen[kind] = seen.get(kind, 0) + 1
            turns.append((seen[kind], at))
        return [at for _, at in sorted(turns, key=lambda turn: turn[0])]

    def _of_different_kinds(self, numbers: Sequence[int]) -> list[int]:
        first: dict[int, int] = {}
        for at in numbers:
            first.setdefault(int(self._kinds[at]), at)
        return list(first.values())


def simulated(
    pool: Pool,
    asked: Asked,
    judge: Judge,
    model: RaterModel,
    raters: Sequence[Rater],
    *,
    items: int,
    seed: int,
) -> list[Rating]:
    """A list rated by one or two simulated raters, who agree about what a pair means."""
    rng = chance(seed, pool.split, asked.caption)
    relevance = pool.relevances(asked, judge)
    chosen = pool.choose(relevance, asked, items, rng)
    meant = model.feel(relevance[chosen], rng)
    count = min(len(raters), 2 if rng.random() < _SECOND_RATER else 1)
    return [
        Rating(
            asked.caption,
            pool.contents[at].recording,
            float(rating),
            raters[who].name,
            RatingKind.SIMULATED,
        )
        for who in sorted(rng.choice(len(raters), count, replace=False).tolist())
        for at, rating in zip(chosen, model.rate(meant, raters[who].bias, rng), strict=True)
    ]


def chance(seed: int, split: Split, caption: str) -> np.random.Generator:
    """The generator of one list."""
    digest = hashlib.sha256(f"{split} {caption}".encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def some(asked: Sequence[Asked], most: int | None, seed: int, split: Split) -> tuple[Asked, ...]:
    """All of them or so many, drawn by each one's own chance, in their order."""
    if most is None or len(asked) <= most:
        return tuple(asked)
    drawn = sorted(asked, key=lambda wish: chance(seed, split, wish.caption).random())[:most]
    kept = {question.caption for question in drawn}
    return tuple(question for question in asked if question.caption in kept)


def _take(chosen: list[int], offered: Iterable[int], count: int) -> None:
    taken = set(chosen)
    for at in offered:
        if count <= 0:
            return
        if at not in taken:
            chosen.append(at)
            taken.add(at)
            count -= 1


def _spaced(ordered: Sequence[int], count: int) -> list[int]:
    """So many of a sequence, evenly, ends included."""
    if len(ordered) <= count:
        return list(ordered)
    return [ordered[round(at)] for at in np.linspace(0, len(ordered) - 1, count).tolist()]
