"""Simulated operators: the bad ones are found, the good ones are left in peace."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.training.quality.people import Habit, Truth, simulated
from training.quality.raters import Limits, suspicions

_CAREFUL = {f"careful-{number}": Habit.CAREFUL for number in range(5)}
_BAD = {habit.value: habit for habit in Habit if habit is not Habit.CAREFUL}
_SEEDS = 20


def _truths(rng: np.random.Generator, count: int = 120) -> list[Truth]:
    fits = rng.random(count) < 0.6
    return [Truth(f"clip-{n}", f"text {n % 3}", bool(one)) for n, one in enumerate(fits)]


@pytest.mark.parametrize("habit", sorted(_BAD))
def test_each_bad_habit_is_found(habit: str) -> None:
    """One of six, who answered 36 of 120 sounds as the others did: in most sites at least."""
    found: Counter[str] = Counter()
    for seed in range(_SEEDS):
        rng = np.random.default_rng(seed)
        habits = {**_CAREFUL, habit: _BAD[habit]}
        gathered, _ = simulated(_truths(rng), habits, rng, share=0.3)
        found.update({one.operator for one in suspicions(gathered, Limits())})
    assert found[habit] >= 0.8 * _SEEDS
    assert sum(found[name] for name in _CAREFUL) <= 1


def test_careful_people_are_left_in_peace() -> None:
    """Of 200 careful people at 40 sites hardly one is told of."""
    told = 0
    for seed in range(40):
        rng = np.random.default_rng(1_000 + seed)
        gathered, _ = simulated(_truths(rng), _CAREFUL, rng, share=0.5)
        told += len({one.operator for one in suspicions(gathered, Limits())})
    assert told <= 2


def test_several_bad_ones_do_not_make_the_others_look_bad() -> None:
    """Two of seven answer at random: both are found, nobody else is."""
    rng = np.random.default_rng(3)
    habits = {**_CAREFUL, "x": Habit.AT_RANDOM, "y": Habit.AT_RANDOM}
    gathered, _ = simulated(_truths(rng), habits, rng, share=0.6)
    assert {one.operator for one in suspicions(gathered, Limits())} == {"x", "y"}


def test_of_two_people_nobody_knows_who_is_wrong() -> None:
    """They differ, and neither is told of for that."""
    rng = np.random.default_rng(0)
    habits = {"a": Habit.CAREFUL, "b": Habit.AT_RANDOM}
    gathered, _ = simulated(_truths(rng), habits, rng, share=1.0)
    reasons = {one.reason for one in suspicions(gathered, Limits())}
    assert "differs from the others" not in reasons


def test_few_answers_say_nothing() -> None:
    """Below a dozen nobody is told of, whatever they are like."""
    rng = np.random.default_rng(0)
    gathered, _ = simulated(_truths(rng, 10), {**_CAREFUL, **_BAD}, rng, share=1.0)
    assert suspicions(gathered, Limits()) == ()
