"""What a step looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.small import small_manifest, small_sounds, small_texts
from training.batches import Examples, draw_lists, draw_pairs, examples_of, window_of
from training.config import BatchConfig
from training.data.records import Manifest, Split

pytestmark = pytest.mark.torch

_CONFIG = BatchConfig(pairs=8, lists=3, list_items=3)


def _examples(split: Split = Split.TRAIN, without: tuple[str, ...] = ()) -> Examples:
    manifest = small_manifest()
    sounds = {name: s for name, s in small_sounds(manifest).items() if name not in without}
    return examples_of(manifest, split, sounds, small_texts(manifest))


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_split_holds_its_own_recordings_only() -> None:
    """Two recordings a class are for training, one each for validation and test."""
    train, validation = _examples(), _examples(Split.VALIDATION)
    assert (len(train.log_mels), len(validation.log_mels)) == (8, 4)
    assert train.relevant.sum() == 8 * 2
    # The lists' recordings are all of the training split.
    assert len(train.lists) == 4
    assert validation.lists == ()


def test_recording_that_could_not_be_read_is_left_out_everywhere() -> None:
    """Of the pairs and of the lists; a list of one item has no order and goes."""
    examples = _examples(without=("r00", "r10", "r20"))
    assert len(examples.log_mels) == 5
    assert examples.relevant.shape == (8, 5)
    assert examples.lists == ()


def test_empty_split_is_refused() -> None:
    """There is nothing to learn from recordings without captions."""
    manifest = replace(small_manifest(), pairs=(), ratings=())
    with pytest.raises(ValueError, match="neither pairs nor rated lists"):
        examples_of(manifest, Split.TRAIN, small_sounds(manifest), {})
    assert isinstance(manifest, Manifest)


def test_each_pair_fits_and_no_caption_comes_twice() -> None:
    """A recording and one of its captions, a window of the wanted length."""
    examples = _examples()
    pairs = draw_pairs(examples, _CONFIG, 100, _chance())
    assert pairs.windows.shape == (8, 128, 100)
    assert examples.relevant[pairs.captions, pairs.recordings].all()
    assert len(set(pairs.captions.tolist())) == 8


def test_lists_keep_each_rating_with_its_recording() -> None:
    """Windows, list after list, are those of the recordings that were rated so."""
    examples = _examples()
    lists = draw_lists(examples, _CONFIG, 120, _chance())
    assert lists is not None
    assert lists.rated.all()
    windows = lists.windows.reshape(3, 3, 128, 120)
    for row, caption in enumerate(lists.captions.tolist()):
        (rated,) = [one for one in examples.lists if one.caption == caption]
        by_rating = {
            rating: recording
            for recording, rating in zip(rated.recordings, rated.ratings, strict=True)
        }
        for item, rating in enumerate(lists.ratings[row].tolist()):
            torch.testing.assert_close(windows[row, item], examples.log_mels[by_rating[rating]])


def test_short_lists_are_filled_up_with_what_is_not_rated() -> None:
    """So that lists of any length fit one batch."""
    examples = _examples()
    first, second = examples.lists[:2]
    short = replace(first, recordings=first.recordings[:2], ratings=first.ratings[:2])
    lists = draw_lists(
        replace(examples, lists=(short, second)), BatchConfig(lists=2, list_items=4), 50, _chance()
    )
    assert lists is not None
    assert sorted(lists.rated.sum(dim=1).tolist()) == [2, 4]
    assert lists.windows.shape[0] == 8


def test_without_lists_there_are_none() -> None:
    """Labels alone are enough to train on."""
    assert draw_lists(replace(_examples(), lists=()), _CONFIG, 50, _chance()) is None


def test_window_of_a_short_sound_repeats_it() -> None:
    """No silence is added that a caption does not speak of."""
    sound = torch.arange(5.0)[None]
    assert window_of(sound, 8, 3).tolist() == [[3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]]


def test_the_same_chance_draws_the_same() -> None:
    """A resumed training sees what it would have seen."""
    first, again = (draw_pairs(_examples(), _CONFIG, 60, _chance()) for _ in range(2))
    assert torch.equal(first.windows, again.windows)
    assert torch.equal(first.captions, again.captions)
