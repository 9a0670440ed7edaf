"""What recordings sound like in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.data import takes
from training.data.audioset import load_classes
from training.data.captions import read_captions
from training.data.lexicon import read_lexicon
from training.data.readers.registry import data_sets
from training.data.records import Split
from training.data.sentences import LANGUAGES
from training.data.wordings import take_meanings

if TYPE_CHECKING:
    from pathlib import Path


def test_every_recording_is_put_into_words(data_dir: Path) -> None:
    """In both languages; labels of one entry share a meaning, and a label is among its words."""
    known = takes.read(data_dir, Split.TRAIN)
    lexicon = read_lexicon([sound.name for sound in load_classes(data_dir)])
    found = take_meanings(known, lexicon, read_captions(data_sets()))
    assert found.of_take.min() == 0
    for meaning in found.meanings:
        assert all(meaning.wordings[language] for language in LANGUAGES)
    entry_of = {label: entry.where for entry in lexicon for label in entry.labels}
    shared: dict[str, set[int]] = {}
    for take, number in zip(known, found.of_take.tolist(), strict=True):
        assert take.label in found.meanings[number].wordings["en"]
        if take.label in entry_of and take.data_set == "effects-cc":
            shared.setdefault(entry_of[take.label], set()).add(number)
    assert all(len(numbers) == 1 for numbers in shared.values())
    assert len(shared) > 200


def test_nobody_has_put_it_into_words(data_dir: Path) -> None:
    """Without lexicon and captions no recording has a meaning."""
    known = takes.read(data_dir, Split.VALIDATION)[:20]
    found = take_meanings(known, (), ())
    assert set(found.of_take.tolist()) == {-1}
    assert found.meanings == ()
