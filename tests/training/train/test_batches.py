"""What a step looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.small import small_manifest, small_sounds, small_texts
from training.data.records import Manifest, RatingKind, Split
from training.train.batches import Examples, draw_lists, draw_pairs, examples_of, weights_of
from training.train.config import BatchConfig
from training.train.sounds import window_of

pytestmark = pytest.mark.torch

_CONFIG = BatchConfig(pairs=8, lists=3, list_items=3)


def _examples(split: Split = Split.TRAIN, without: tuple[str, ...] = ()) -> Examples:
    manifest = small_manifest()
    sounds = {name: s for name, s in small_sounds(manifest).items() if name not in without}
    return examples_of(manifest, split, sounds, small_texts(manifest))


_NONE = torch.zeros(0, dtype=torch.int64)


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_split_holds_its_own_recordings_only() -> None:
    """Two recordings a class are for training, one each for validation and test."""
    train, validation = _examples(), _examples(Split.VALIDATION)
    assert (len(train.log_mels), len(validation.log_mels)) == (8, 4)
    assert train.relevant.sum() == 8 * 2
    # The lists' recordings are all of the training split.
    (table,) = train.rated
    assert table.ratings.shape == (4, 8)
    assert validation.rated == ()


def test_recording_that_could_not_be_read_is_left_out_everywhere() -> None:
    """Of the pairs and of the lists; a list of one item has no order and goes."""
    examples = _examples(without=("r00", "r10", "r20"))
    assert len(examples.log_mels) == 5
    assert examples.relevant.shape == (8, 5)
    assert examples.rated == ()


def test_empty_split_is_refused() -> None:
    """There is nothing to learn from recordings without captions."""
    manifest = replace(small_manifest(), pairs=(), ratings=())
    with pytest.raises(ValueError, match="neither pairs nor rated lists"):
        examples_of(manifest, Split.TRAIN, small_sounds(manifest), {})
    assert isinstance(manifest, Manifest)


def test_each_pair_fits_and_no_recording_comes_twice() -> None:
    """A recording and one of its captions."""
    examples = _examples()
    pairs = draw_pairs(examples, weights_of(examples.relevant), _CONFIG, _chance())
    assert examples.relevant[pairs.captions, pairs.recordings].all()
    assert sorted(pairs.recordings.tolist()) == list(range(8))


def test_common_sounds_are_drawn_less_often_one_by_one() -> None:
    """By the inverse square root of how many share the most general caption."""
    relevant = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]]).bool()
    assert weights_of(relevant).tolist() == [0.5, 0.5, 0.5, 0.5, 1.0, 0.0]


def test_lists_keep_each_rating_with_its_recording() -> None:
    """What stands in the batch is what was rated, of one kind of rating."""
    examples = _examples()
    lists = draw_lists(examples, _NONE, _CONFIG, _chance())
    assert lists is not None
    assert lists.rated.all()
    (table,) = examples.rated
    for row, caption in enumerate(lists.captions.tolist()):
        at = table.captions.tolist().index(caption)
        expected = table.ratings[at, lists.recordings]
        assert torch.equal(lists.ratings[row], expected)


def test_what_nobody_rated_is_not_rated() -> None:
    """Lists of any length fit one batch."""
    examples = _examples()
    (table,) = examples.rated
    ratings = table.ratings.clone()
    rated = (~ratings[0].isnan()).nonzero()[:, 0]
    ratings[0, rated[2:]] = torch.nan
    lists = draw_lists(
        replace(examples, rated=(replace(table, ratings=ratings),)),
        _NONE,
        BatchConfig(lists=4, list_items=4),
        _chance(),
    )
    assert lists is not None
    assert sorted(lists.rated.sum(dim=1).tolist()) == [2, 4, 4, 4]
    assert not lists.ratings[~lists.rated].any()


def test_what_is_heard_anyway_is_ordered_too() -> None:
    """All captions with two different ratings among the batch's recordings count."""
    examples = _examples()
    (table,) = examples.rated
    also = (~table.ratings[0].isnan()).nonzero()[:, 0]
    lists = draw_lists(examples, also, BatchConfig(lists=1, list_items=2), _chance())
    assert lists is not None
    assert sorted(lists.captions.tolist()) == sorted(table.captions.tolist())
    assert set(also.tolist()) <= set(lists.recordings.tolist())


def test_the_best_of_a_list_is_always_drawn() -> None:
    """A draw of what is rated 0 throughout would say nothing."""
    examples = _examples()
    chance = _chance()
    for _ in range(20):
        lists = draw_lists(examples, _NONE, BatchConfig(lists=1, list_items=2), chance)
        assert lists is not None
        assert lists.ratings.amax(dim=1).max() == 100.0


def test_kinds_of_ratings_are_told_apart() -> None:
    """A batch holds ratings of one kind, and none is averaged with another."""
    manifest = small_manifest()
    estimated = tuple(
        replace(one, rating=one.rating / 7.0, rater="model", kind=RatingKind.ESTIMATED)
        for one in manifest.ratings
    )
    manifest = replace(manifest, ratings=manifest.ratings + estimated)
    examples = examples_of(manifest, Split.TRAIN, small_sounds(manifest), small_texts(manifest))
    assert [one.kind for one in examples.rated] == [RatingKind.SIMULATED, RatingKind.ESTIMATED]
    chance = _chance()
    seen = set()
    for _ in range(20):
        lists = draw_lists(examples, _NONE, _CONFIG, chance)
        assert lists is not None
        seen.add(round(float(lists.ratings.max()), 3))
        own = lists.ratings * (7.0 if lists.ratings.max() < 50.0 else 1.0)
        assert {round(one) for one in own[lists.rated].tolist()} <= {0, 20, 40, 60, 100}
    assert seen == {100.0, 14.286}


def test_without_lists_there_are_none() -> None:
    """Labels alone are enough to train on."""
    assert draw_lists(replace(_examples(), rated=()), _NONE, _CONFIG, _chance()) is None


def test_window_of_a_short_sound_repeats_it() -> None:
    """No silence is added that a caption does not speak of."""
    sound = torch.arange(5.0)[None]
    assert window_of(sound, 8, 3).tolist() == [[3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]]


def test_the_same_chance_draws_the_same() -> None:
    """A resumed training sees what it would have seen."""
    examples = _examples()
    weights = weights_of(examples.relevant)
    first, again = (draw_pairs(examples, weights, _CONFIG, _chance()) for _ in range(2))
    assert torch.equal(first.recordings, again.recordings)
    assert torch.equal(first.captions, again.captions)
