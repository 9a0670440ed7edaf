"""What people are asked to rate next: known points, known answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from training.ratings.expected import Known, Pool, expected_by_model, expected_by_neighbours
from training.ratings.selection import Rule, Settings, select
from training.ratings.traversal import farthest_first, medoids_first

_SIZE = 16


def on_circle(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def at_random(count: int, seed: int) -> np.ndarray:
    """Unit vectors in all directions."""
    points = np.random.default_rng(seed).standard_normal((count, _SIZE))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def world(captions: int = 20, recordings: int = 60, sources: int = 12) -> tuple[Pool, Known]:
    """A pool with some ratings, which are not open."""
    rng = np.random.default_rng(3)
    pairs = [(c, r) for c in range(0, captions, 4) for r in rng.choice(recordings, 5, False)]
    rated = np.array(pairs, dtype=np.intp)
    known = Known(rated[:, 0], rated[:, 1], rng.uniform(0.0, 100.0, len(rated)))
    open_pairs = np.ones((captions, recordings), dtype=np.bool_)
    open_pairs[known.captions, known.recordings] = False
    names = tuple(f"s{at % sources}" for at in range(recordings))
    return Pool(at_random(captions, 1), at_random(recordings, 2), names, open_pairs), known


def test_traversal_takes_the_farthest_of_known_points() -> None:
    """From 0 degrees: 180, then 91, which is farther from both than 275, then that."""
    points = on_circle(0, 10, 91, 180, 275)
    chosen, far = farthest_first(points, np.array([1, 2, 3, 4]), np.array([0]), 3)
    assert chosen.tolist() == [3, 2, 4]
    expected = 1.0 - np.cos(np.radians([180.0, 89.0, 85.0]))
    assert far == pytest.approx(expected, abs=1e-6)


def test_traversal_starts_with_the_first_candidate_where_nothing_is_taken() -> None:
    """Candidates come in the order of their worth; more than there are is all of them."""
    chosen, far = farthest_first(on_circle(0, 20, 100), np.array([1, 0, 2]), np.zeros(0, int), 9)
    assert chosen.tolist() == [1, 2, 0]
    assert far[0] == 2.0


def test_traversal_goes_away_from_what_is_taken() -> None:
    """A point beside a taken one comes last, whatever its place among the candidates."""
    points = on_circle(0, 1, 60, 120)
    chosen, _ = farthest_first(points, np.array([1, 2, 3]), np.array([0]), 3)
    assert chosen.tolist() == [3, 2, 1]


def test_model_expects_what_such_cosines_were_rated() -> None:
    """Ratings rise with the cosine, and a rating out of order is averaged with its neighbour."""
    cosines = np.array([[0.0, 0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    known = Known(np.zeros(4, int), np.array([0, 2, 3, 4]), np.array([0.0, 60.0, 40.0, 90.0]))
    expected = expected_by_model(cosines, known)[0]
    assert expected == pytest.approx([0.0, 25.0, 50.0, 50.0, 90.0], abs=1e-4)


def test_model_without_ratings_goes_by_the_cosine_alone() -> None:
    """The whole scale, evenly."""
    expected = expected_by_model(np.array([[0.0, 0.1, 0.4]], dtype=np.float32), Known.none())
    assert expected[0] == pytest.approx([0.0, 25.0, 100.0], abs=1e-4)


def test_neighbours_expect_what_was_said_nearby() -> None:
    """The rated pair its rating, another caption the mean of all."""
    pool = Pool(on_circle(0, 180), on_circle(0, 90), ("a", "b"), np.zeros((2, 2), dtype=np.bool_))
    known = Known(np.array([0, 0]), np.array([0, 1]), np.array([100.0, 0.0]))
    expected = expected_by_neighbours(pool, known)
    assert expected[0, 0] > 90.0
    assert expected[0, 1] < 10.0
    assert expected[1] == pytest.approx([50.0, 50.0], abs=1e-3)


def contradicted() -> tuple[Pool, Known]:
    """One caption, thirty rated recordings, and an open twin of each with the next number.

    The model's cosines fall from the first recording to the last, and ratings with them, but
    that of recording 10 is lowest and that of recording 48 highest. Recordings are far from each
    other, so what was said of one is what the neighbours expect of its twin.
    """
    angles = np.linspace(np.radians(60.0), np.radians(120.0), 30)
    single = np.concatenate([np.cos(angles)[:, None], np.diag(np.sin(angles))], axis=1)
    recordings = np.repeat(single, 2, axis=0).astype(np.float32)
    caption = np.eye(1, recordings.shape[1], dtype=np.float32)
    ratings = np.linspace(100.0, 0.0, 30)
    ratings[[5, 24]] = (0.0, 100.0)
    known = Known(np.zeros(30, int), np.arange(0, 60, 2), ratings)
    names = tuple(f"s{at}" for at in range(60))
    return Pool(caption, recordings, names, np.arange(60)[None] % 2 == 1), known


@pytest.mark.parametrize("rule", [Rule.MISMATCH, Rule.MISMATCH_FARTHEST])
def test_mismatch_comes_before_match(rule: Rule) -> None:
    """Recordings whose twins were rated against the model are asked before all others."""
    pool, known = contradicted()
    chosen = select(pool, known, 2, Settings(rule=rule, items=2, breadth=1.0, coverage=False))
    assert sorted(one.recording for one in chosen) == [11, 49]
    everything = select(pool, known, 30, Settings(rule=rule, items=30, coverage=False))
    others = [abs(one.mismatch) for one in everything if one.recording not in {11, 49}]
    assert len(others) == 28
    assert max(others) < min(abs(one.mismatch) for one in chosen)


def test_medoid_mismatch_asks_where_the_model_expects_more() -> None:
    """Not where it expects less than what was said of the twin."""
    pool, known = contradicted()
    settings = Settings(rule=Rule.MEDOID_MISMATCH, items=5, coverage=False)
    chosen = select(pool, known, 5, settings)
    recordings = [one.recording for one in chosen]
    assert 11 in recordings
    assert 49 not in recordings
    assert all(one.mismatch > 0.0 for one in chosen)


def test_highest_are_those_that_the_model_expects_most_of() -> None:
    """By default and for captions at random alike; what their twins were rated changes little."""
    pool, known = contradicted()
    for rule in (Settings().rule, Rule.HIGHEST):
        chosen = select(pool, known, 4, Settings(rule=rule, items=4, coverage=False))
        assert sorted(one.recording for one in chosen) == [1, 3, 5, 7]
        assert min(one.model for one in chosen) > 80.0


def test_among_mismatches_the_farthest_are_taken() -> None:
    """With room for choice, the one nearest to what is chosen already is left."""
    recordings = on_circle(0, 1, 90, 180)
    open_pairs = np.array([[False, True, True, True], [False] * 4])
    known = Known(np.array([0]), np.array([0]), np.array([40.0]))
    pool = Pool(on_circle(200, 20), recordings, tuple("abcd"), open_pairs)
    settings = Settings(rule=Rule.MISMATCH_FARTHEST, items=2, breadth=2.0, coverage=False)
    assert [one.recording for one in select(pool, known, 2, settings)] == [3, 2]


def test_medoids_stand_for_most_others() -> None:
    """The middle of the largest group, then of the next, then what no other stands for."""
    points = on_circle(0, 2, 4, 100, 102, 250)
    order = list(medoids_first(points, np.arange(6), np.zeros(0, int)))
    assert sorted(order) == list(range(6))
    groups = [("big", "big", "big", "small", "small", "alone")[at] for at in order[:3]]
    assert sorted(groups) == ["alone", "big", "small"]
    after = list(medoids_first(points, np.array([0, 2, 3, 4, 5]), np.array([1])))
    assert {after[0], after[1]} in ({3, 5}, {4, 5})


def test_medoids_are_the_greedy_ones() -> None:
    """What is put off and taken up again comes out as if every gain were computed each time."""
    points = at_random(40, 7)
    near, nearest, expected = points @ points.T, np.full(40, -1.0, np.float32), []
    for _ in range(15):
        gains = np.maximum(near - nearest, 0.0).sum(axis=1, dtype=np.float64)
        gains[expected] = -1.0
        expected.append(int(np.argmax(gains)))
        nearest = np.maximum(nearest, near[expected[-1]])
    found = medoids_first(points, np.arange(40), np.zeros(0, int))
    assert [next(found) for _ in range(15)] == expected


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("budget", [1, 7, 50, 333])
def test_budget_is_exact_and_rated_pairs_are_never_chosen(rule: Rule, budget: int) -> None:
    """By every rule; nor is a pair chosen twice."""
    pool, known = world()
    chosen = select(pool, known, budget, Settings(rule=rule))
    pairs = {(one.caption, one.recording) for one in chosen}
    assert len(pairs) == len(chosen) == budget
    assert not pairs & set(zip(known.captions.tolist(), known.recordings.tolist(), strict=True))


def test_more_than_there_is_chooses_all() -> None:
    """Every open pair, once."""
    pool, known = world(captions=4, recordings=8)
    chosen = select(pool, known, 1_000)
    assert len({(one.caption, one.recording) for one in chosen}) == pool.open.sum()


@pytest.mark.parametrize("rule", list(Rule))
def test_pairs_come_in_lists(rule: Rule) -> None:
    """A caption has its five recordings or one more or less, together, and none stands alone."""
    pool, known = world()
    chosen = select(pool, known, 48, Settings(rule=rule, items=5))
    order = [one.caption for one in chosen]
    assert all(4 <= count <= 6 for count in Counter(order).values())
    assert [caption for caption, _ in groupby(order)] == list(dict.fromkeys(order))


@pytest.mark.parametrize("rule", list(Rule))
def test_no_source_takes_more_than_its_share(rule: Rule) -> None:
    """A third of all recordings is of one source, so it may have a third; the others a tenth."""
    pool, known = world(recordings=90)
    names = tuple("big" if at < 30 else f"s{at % 20}" for at in range(90))
    # The model likes the big source best.
    liked = pool.recordings.copy()
    liked[:30] += pool.captions.mean(axis=0)
    liked /= np.linalg.norm(liked, axis=1, keepdims=True)
    pool = replace(pool, sources=names, recordings=liked)
    chosen = select(pool, known, 60, Settings(rule=rule, source_share=0.1))
    counts = Counter(names[one.recording] for one in chosen)
    share = pool.open[:, :30].sum() / pool.open.sum()
    assert counts.pop("big") <= np.ceil(60 * share)
    assert max(counts.values()) <= 6
    free = select(pool, known, 60, Settings(rule=Rule.HIGHEST, coverage=False))
    assert sum(names[one.recording] == "big" for one in free) > np.ceil(60 * share)


def test_shares_give_way_where_nothing_else_is_left() -> None:
    """The budget counts: a source with the only open pairs is asked for all of them."""
    pool, known = world()
    open_pairs = pool.open & (np.arange(20) < 2)[:, None]
    chosen = select(replace(pool, open=open_pairs), known, 100, Settings(source_share=0.01))
    assert len(chosen) == 100
    assert {one.caption for one in chosen} == {0, 1}


def test_same_seed_same_choice() -> None:
    """And another seed draws at random otherwise."""
    pool, known = world()
    for rule in Rule:
        settings = Settings(rule=rule, seed=4)
        assert select(pool, known, 40, settings) == select(pool, known, 40, settings)
    drawn = [select(pool, known, 40, Settings(rule=Rule.RANDOM, seed=seed)) for seed in (4, 5)]
    assert drawn[0] != drawn[1]


def test_captions_far_from_rated_ones_come_first() -> None:
    """By the rule that looks at distances alone."""
    captions = on_circle(0, 5, 180, 90)
    open_pairs = np.ones((4, 6), dtype=np.bool_)
    open_pairs[0, 0] = False
    pool = Pool(captions, at_random(6, 0)[:, :2], tuple("abcdef"), open_pairs)
    known = Known(np.array([0]), np.array([0]), np.array([50.0]))
    chosen = select(pool, known, 9, Settings(rule=Rule.FARTHEST, items=3, coverage=False))
    assert list(dict.fromkeys(one.caption for one in chosen)) == [2, 3, 1]


@pytest.mark.parametrize(
    ("budget", "settings", "message"),
    [
        (0, Settings(), "budget is 0"),
        (1, Settings(items=0), "items 0"),
        (1, Settings(breadth=0.5), r"breadth 0\.5"),
        (1, Settings(source_share=0.0), "source share is 0"),
    ],
)
def test_settings_out_of_range_are_refused(budget: int, settings: Settings, message: str) -> None:
    """With what was written."""
    pool, known = world()
    with pytest.raises(ValueError, match=message):
        select(pool, known, budget, settings)


def test_wrong_pools_are_refused() -> None:
    """A rated pair that is open, a rating out of range, a mask of another shape, nothing open."""
    pool, known = world()
    with pytest.raises(ValueError, match="rated pair may be chosen again"):
        select(replace(pool, open=np.ones_like(pool.open)), known, 1)
    with pytest.raises(ValueError, match="not from 0 to 100"):
        select(pool, replace(known, ratings=known.ratings + 100.0), 1)
    with pytest.raises(ValueError, match="captions and recordings are"):
        select(replace(pool, open=pool.open[:, :-1]), known, 1)
    with pytest.raises(ValueError, match="no pair may be chosen"):
        select(replace(pool, open=np.zeros_like(pool.open)), known, 1)
