"""The simulation: what a rule sees, what is counted, and that learning from ratings works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.small import small_manifest
from tests.training.studies.selection.world import CAPTIONS, RECORDINGS, Listening, small_world
from training.data.records import Rating, RatingKind, Split
from training.ratings.embedded import Embedded
from training.ratings.expected import Known
from training.ratings.selection import Rule, Settings
from training.studies.selection.simulation import (
    HeldOut,
    Oracle,
    Plan,
    World,
    build_world,
    changed,
    judge,
    learn,
    simulate,
)

pytestmark = pytest.mark.torch

_PLAN = Plan(budgets=(12, 24), first_lists=2, captions=20, seeds=2)
_RULE = Settings(items=4, source_share=0.2)


def drawn(pair: tuple[int, int]) -> tuple[int, int]:
    """The world's number of a caption that a rule knows by its place among those drawn."""
    order = np.random.default_rng(1).choice(CAPTIONS, _PLAN.captions, replace=False)
    return int(order[pair[0]]), pair[1]


def others(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """All pairs of the world but some that a rule has asked for."""
    every = {(c, r) for c in range(CAPTIONS) for r in range(RECORDINGS)}
    return every - {drawn(pair) for pair in pairs}


def asked(world: World, rule: Settings, plan: Plan = _PLAN) -> list[tuple[int, int]]:
    """The pairs that a rule asks for, in order."""
    Listening.asked = []
    simulate(world, rule, plan, seed=1)
    return Listening.asked


@pytest.mark.parametrize("rule", list(Rule))
def test_hidden_ratings_change_nothing_that_is_asked(rule: Rule) -> None:
    """All ratings but those that were asked for turned over: the next batch is the same."""
    settings = replace(_RULE, rule=rule)
    once = Plan(budgets=(12,), first_lists=2, captions=20)
    first = asked(small_world(), settings, once)
    assert len(set(first)) == len(first) == 2 * 4 + 12
    turned = dict.fromkeys(others(first[:8]), 37.0)
    assert asked(small_world(turned), settings, once) == first


def test_what_was_told_changes_what_is_asked() -> None:
    """The rule does learn from the answers that it has got."""
    first = asked(small_world(), _RULE)
    turned = {drawn(pair): 100.0 * (at % 2) for at, pair in enumerate(first[:8])}
    again = asked(small_world(turned), _RULE)
    assert again[:8] == first[:8]
    assert again[8:] != first[8:]


def test_looks_count_ratings_and_relevance() -> None:
    """The first look is before the first batch; what is found never falls, and ends at all."""
    everything = 20 * RECORDINGS - 8
    plan = replace(_PLAN, budgets=(12, 24, everything))
    looks = simulate(small_world(), replace(_RULE, rule=Rule.RANDOM), plan, seed=0)
    assert [look.ratings for look in looks] == [0, 12, 24, everything]
    assert [look.relevance for look in looks] == sorted(look.relevance for look in looks)
    assert (looks[0].relevance, looks[0].found) == (0.0, 0.0)
    # Of each 6 pairs one is rated 90, the others 5; the first lists hold some of them.
    assert looks[-1].relevance / everything == pytest.approx((90 + 5 * 5) / 6, rel=0.05)
    assert 0.95 < looks[-1].found < 1.0
    assert looks[-1].ndcg[Split.VALIDATION] > looks[0].ndcg[Split.VALIDATION]


def test_learning_brings_rated_pairs_to_their_order() -> None:
    """A list that is rated against the model's order is turned round; none changes nothing."""
    world = small_world()
    recordings = np.argsort(world.texts[0] @ world.sounds.T)[-6:]
    known = Known(np.zeros(6, int), recordings, np.linspace(100.0, 0.0, 6))
    soft = replace(_PLAN.update, penalty=0.01)
    learned = changed(world.texts, learn(world.texts, world.sounds, known, soft))
    scores = learned[0] @ world.sounds[recordings].T
    assert np.corrcoef(scores, known.ratings)[0, 1] > 0.5
    alike = replace(known, ratings=np.full(6, 50.0))
    hard = replace(_PLAN.update, penalty=1e6)
    stiff = changed(world.texts, learn(world.texts, world.sounds, alike, hard))
    assert stiff == pytest.approx(world.texts, abs=1e-3)


def test_a_perfect_order_is_judged_one() -> None:
    """Only rated held-out recordings count, and captions that have something to find."""
    gains = np.array([[100.0, 50.0, 0.0], [0.0, 0.0, 0.0], [0.0, 90.0, 10.0]])
    rated = np.array([[True, True, True], [True, True, True], [False, True, True]])
    sounds = np.eye(3, dtype=np.float32)
    texts = np.array([[3, 2, 1], [1, 2, 3], [9, 1, 2]], dtype=np.float32)
    values = judge(texts, HeldOut(sounds, gains, rated))
    second = (10.0 + 90.0 / np.log2(3)) / (90.0 + 10.0 / np.log2(3))
    assert values == pytest.approx([1.0, second])


def test_oracle_tells_only_what_it_knows() -> None:
    """A pair without a rating is an error, never a zero."""
    oracle = Oracle(np.array([[70.0, 0.0]]), np.array([[True, False]]))
    assert oracle.rate(np.array([0]), np.array([0])).tolist() == [70.0]
    with pytest.raises(ValueError, match="has no rating"):
        oracle.rate(np.array([0]), np.array([1]))
    may = oracle.can_rate
    may[:] = True
    assert oracle.can_rate.tolist() == [[True, False]]


def test_world_keeps_held_out_recordings_apart() -> None:
    """Training recordings have an oracle, the other split's their gains; raters are averaged."""
    manifest = small_manifest()
    again = Rating("c00", "r00", 80.0, "b", RatingKind.SIMULATED)
    held = (Rating("c00", "r02", 60.0, "a", RatingKind.SIMULATED),)
    unit = np.eye(16, dtype=np.float32)
    embedded = Embedded(
        manifest.captions, manifest.recordings, unit[: len(manifest.captions)], unit
    )
    world = build_world(embedded, (*manifest.ratings, again, *held), [Split.VALIDATION])
    assert world.sources == ("r00", "r01", "r10", "r11", "r20", "r21", "r30", "r31")
    assert world.oracle.can_rate.sum() == 16
    assert world.oracle.rate(np.array([0]), np.array([0])).tolist() == [90.0]
    held_out = world.held_out[Split.VALIDATION]
    assert held_out.rated.sum() == 1
    assert held_out.gains[0, 0] == 60.0
    assert held_out.sounds.tolist() == unit[[2, 6, 10, 14]].tolist()
    with pytest.raises(ValueError, match="'test' has no ratings"):
        build_world(embedded, manifest.ratings, [Split.TEST])
    with pytest.raises(ValueError, match="cannot be held out"):
        build_world(embedded, manifest.ratings, [Split.TRAIN])
