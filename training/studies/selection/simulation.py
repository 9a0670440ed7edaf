"""Whether chosen ratings teach a model more than ratings drawn at random.

Ratings that exist are hidden, and rules ask for some of them, batch after batch. After each batch
a small update learns from what was asked, and is judged on held-out recordings. A rule sees the
pool, what was rated so far and the model: never a rating that it has not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agent.core.records import FloatArray
from training.data.arrays import Mask, Numbers, Values
from training.data.records import Rating, Split
from training.evaluation.metrics import has_relevant, ndcg_at
from training.ratings.embedded import PEOPLE, Embedded, rated_pairs
from training.ratings.expected import Known, Pool
from training.ratings.selection import Choice, Rule, Settings, select
from training.train.losses.listnet import listnet

DEPTH = 10
_MOST_BATCHES = 1_000


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """The small update; chosen on validation recordings with lists drawn at random."""

    penalty: float = 0.1
    logit_scale: float = 10.0
    rating_temperature: float = 20.0
    steps: int = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    budgets: tuple[int, ...] = (50, 100, 200, 400)
    """Ratings asked for so far, at each look."""
    first_lists: int = 5
    """Lists that are rated before, drawn at random, the same for all rules."""
    captions: int = 1_000
    """Of the pool, drawn anew for each seed."""
    seeds: int = 10
    update: UpdateConfig = UpdateConfig()


class Oracle:
    """The people: they know every rating and tell those that they are asked for."""

    def __init__(self, ratings: Values, rated: Mask) -> None:
        """Hide ratings, ``(captions, recordings)``; ``rated`` says which there are."""
        self._ratings = ratings
        self._rated = rated

    @property
    def can_rate(self) -> Mask:
        """Pairs that they can rate."""
        return self._rated.copy()

    @property
    def mass(self) -> float:
        """Sum of all ratings; to judge by, not to choose by."""
        return float(self._ratings[self._rated].sum())

    def about(self, captions: Numbers) -> Oracle:
        """The same people, asked about some captions only."""
        return type(self)(self._ratings[captions], self._rated[captions])

    def rate(self, captions: Numbers, recordings: Numbers) -> Values:
        """Ratings of pairs.

        Raises:
            ValueError: they cannot rate one of them.
        """
        if not bool(self._rated[captions, recordings].all()):
            raise ValueError("a pair was asked for that has no rating")
        return self._ratings[captions, recordings]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What models are judged by."""

    sounds: FloatArray
    gains: Values
    """``(captions, recordings)``."""
    rated: Mask


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Captions, training recordings with an oracle, and held-out recordings."""

    texts: FloatArray
    sounds: FloatArray
    sources: tuple[str, ...]
    oracle: Oracle
    held_out: Mapping[Split, HeldOut]


@dataclass(frozen=True, slots=True)
class Look:
    """A model after a batch."""

    ratings: int
    """Asked for so far, without the first lists."""
    ndcg: Mapping[Split, float]
    """nDCG@10 on held-out lists, mean over captions."""
    relevance: float
    """Sum of the ratings that were asked for, without the first lists."""
    found: float
    """Share of all relevance of the pool in it."""


def build_world(embedded: Embedded, ratings: Iterable[Rating], held_out: Sequence[Split]) -> World:
    """The world of a manifest.

    Ratings are those of people and of what stands for them; a model's opinions are none.

    Args:
        embedded: its captions and recordings.
        ratings: of any split.
        held_out: splits whose recordings models are judged by.

    Raises:
        ValueError: a split has no ratings, or the training split is to be held out.
    """
    if Split.TRAIN in held_out:
        raise ValueError("the training split cannot be held out; name validation or test")
    own = {caption.id: at for at, caption in enumerate(embedded.captions)}
    pairs = rated_pairs(ratings, PEOPLE)
    parts = {}
    for split in (Split.TRAIN, *held_out):
        rows = [at for at, clip in enumerate(embedded.recordings) if clip.split is split]
        columns = {embedded.recordings[row].id: at for at, row in enumerate(rows)}
        gains = np.zeros((len(own), len(rows)))
        rated = np.zeros(gains.shape, dtype=np.bool_)
        for (caption, recording), rating in pairs.items():
            if caption in own and recording in columns:
                gains[own[caption], columns[recording]] = rating
                rated[own[caption], columns[recording]] = True
        if not bool(rated.any()):
            raise ValueError(f"split '{split}' has no ratings; run `python -m training rate`")
        parts[split] = HeldOut(embedded.sounds[rows], gains, rated)
    train = parts.pop(Split.TRAIN)
    sources = tuple(clip.source for clip in embedded.recordings if clip.split is Split.TRAIN)
    return World(embedded.texts, train.sounds, sources, Oracle(train.gains, train.rated), parts)


def learn(texts: FloatArray, sounds: FloatArray, known: Known, config: UpdateConfig) -> Tensor:
    """What a small update on ratings adds to captions: ``texts + texts @ change``.

    A linear map, so that cosines fit the rated lists (ListNet), with a penalty on its squares:
    convex, so that it has one optimum and needs no seed.

    Returns:
        The change, ``(size, size)``.
    """
    captions, row = np.unique(known.captions, return_inverse=True)
    counts = np.bincount(row)
    column = np.concatenate([np.arange(count) for count in counts])
    order = np.argsort(row, kind="stable")
    shape = (len(captions), int(counts.max()))
    recordings = np.zeros(shape, dtype=np.intp)
    ratings = torch.zeros(shape)
    rated = torch.zeros(shape, dtype=torch.bool)
    at = (row[order], column)
    recordings[at] = known.recordings[order]
    ratings[at] = torch.from_numpy(known.ratings[order]).float()
    rated[at] = True
    asked, heard = torch.from_numpy(texts[captions]), torch.from_numpy(sounds[recordings])
    change = torch.zeros((texts.shape[1], sounds.shape[1]), requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [change], max_iter=config.steps, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        cosine = torch.einsum("cd,ckd->ck", asked + asked @ change, heard)
        fit = listnet(config.logit_scale * cosine, ratings, rated, config.rating_temperature)
        total = fit * len(captions) + config.penalty * config.logit_scale * change.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return change.detach()


def changed(texts: FloatArray, change: Tensor) -> FloatArray:
    """Captions after an update, unit length."""
    own = torch.from_numpy(texts)
    moved: FloatArray = functional.normalize(own + own @ change, dim=-1).numpy()
    return moved


def judge(texts: FloatArray, held_out: HeldOut) -> Values:
    """nDCG@10 of each held-out list that has anything to find."""
    asked = has_relevant(np.where(held_out.rated, held_out.gains, 0.0))
    scores = (texts[asked] @ held_out.sounds.T).astype(np.float64)
    return ndcg_at(scores, held_out.gains[asked], DEPTH, rated=held_out.rated[asked])


def simulate(world: World, rule: Settings, plan: Plan, seed: int) -> tuple[Look, ...]:
    """One rule asks, batch after batch; the first look is before its first batch."""
    askable = np.flatnonzero(world.oracle.can_rate.any(axis=1))
    count = min(plan.captions, len(askable))
    drawn = np.random.default_rng(seed).choice(askable, count, replace=False)
    oracle, texts = world.oracle.about(drawn), world.texts[drawn]
    open_pairs = oracle.can_rate
    first = Settings(rule=Rule.RANDOM, items=rule.items, coverage=False)
    change = torch.zeros((texts.shape[1], world.sounds.shape[1]))
    known = Known.none()
    looks: list[Look] = []
    already = plan.first_lists * rule.items
    spent = -already
    for batch, target in enumerate((0, *plan.budgets)):
        pool = Pool(changed(texts, change), world.sounds, world.sources, open_pairs)
        # With one seed for all, a random rule would ask for the same captions again.
        settings = replace(rule if batch else first, seed=seed * _MOST_BATCHES + batch)
        chosen = select(pool, known, target - spent, settings)
        known = _rated(oracle, known, chosen)
        open_pairs[known.captions, known.recordings] = False
        spent = target
        change = learn(texts, world.sounds, known, plan.update)
        moved = changed(world.texts, change)
        ndcg = {split: float(judge(moved, held).mean()) for split, held in world.held_out.items()}
        relevance = float(known.ratings[already:].sum())
        looks.append(Look(target, ndcg, relevance, relevance / oracle.mass))
    return tuple(looks)


def _rated(oracle: Oracle, known: Known, chosen: Sequence[Choice]) -> Known:
    captions = np.array([choice.caption for choice in chosen], dtype=np.intp)
    recordings = np.array([choice.recording for choice in chosen], dtype=np.intp)
    return Known(
        np.concatenate([known.captions, captions]),
        np.concatenate([known.recordings, recordings]),
        np.concatenate([known.ratings, oracle.rate(captions, recordings)]),
    )
