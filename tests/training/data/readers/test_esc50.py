"""ESC-50: folds become splits, Freesound's recordings stay together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from training.data.manifest import ManifestError
from training.data.readers import esc50
from training.data.records import Split

if TYPE_CHECKING:
    from pathlib import Path

_SELECTED = "filename,fold,category,licence,author,source_url\n"
_PUBLISHED = "filename,fold,target,category,esc10,src_file,take\n"


def test_folds_of_the_selection_are_its_splits(data_dir: Path) -> None:
    """1,078 clips of 40 classes: folds 1 and 2, 3, 5."""
    manifest = esc50.read(data_dir)
    assert Counter(recording.split for recording in manifest.recordings) == {
        Split.TRAIN: 249 + 260,
        Split.VALIDATION: 281,
        Split.TEST: 288,
    }
    assert len(manifest.captions) == 40
    assert len(manifest.pairs) == len(manifest.positives()) == 1078


def test_every_recording_is_there_and_may_be_named(data_dir: Path) -> None:
    """Paths lead to files; licence and author are what a model card needs."""
    recordings = esc50.read(data_dir).recordings
    assert all((data_dir / recording.path).is_file() for recording in recordings)
    assert Counter(recording.licence for recording in recordings) == {"CC0": 482, "CC-BY": 596}
    first = recordings[0]
    assert (first.id, first.source) == ("esc50-40/1-100038-A-14", "freesound/100038")
    assert first.attribution == (
        "soundbytez, http://www.freesound.org/people/soundbytez/sounds/100038/"
    )


def test_class_is_a_caption_in_words(data_dir: Path) -> None:
    """One caption for all recordings of a class."""
    manifest = esc50.read(data_dir)
    caption = next(c for c in manifest.captions if c.text == "door wood knock")
    assert (caption.id, caption.recording) == ("esc50-40/class/door wood knock", None)
    assert all(
        pair.recording.endswith("-30") == (pair.caption == caption.id) for pair in manifest.pairs
    )


def test_published_table_is_read_too(tmp_path: Path) -> None:
    """ESC-50 as downloaded, whole or ESC-10 alone; the fourth fold is for training."""
    (tmp_path / "ESC-50" / "meta").mkdir(parents=True)
    (tmp_path / "ESC-50" / "meta" / "esc50.csv").write_text(
        _PUBLISHED
        + "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
        + "4-100038-A-14.wav,4,14,chirping_birds,False,100038,A\n",
        encoding="utf-8",
    )
    manifest = esc50.read(tmp_path, "ESC-50")
    assert [(r.id, r.path, r.source, r.split) for r in manifest.recordings] == [
        ("ESC-50/1-100032-A-0", "ESC-50/audio/1-100032-A-0.wav", "freesound/100032", Split.TRAIN),
        ("ESC-50/4-100038-A-14", "ESC-50/audio/4-100038-A-14.wav", "freesound/100038", Split.TRAIN),
    ]
    assert {recording.licence for recording in manifest.recordings} == {"CC BY-NC 3.0"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("filename,fold\n", r"clips\.csv:1: has the columns filename, fold; category, licence"),
        ("", r"clips\.csv:1: has the columns of an empty file; filename"),
        (_SELECTED + "1-1-A-1.flac,6,x,CC0,a,u\n", r"clips\.csv:2 fold: is '6'; write 1 to 5"),
        (_SELECTED + "bang.flac,1,x,CC0,a,u\n", r"clips\.csv:2 filename: is 'bang\.flac'; write"),
        (_SELECTED + "1-1-A-1.flac,1,x\n", r"clips\.csv:2: has not 6 values; quote"),
        (_SELECTED + "1-1-A-1.flac,1,x,CC0,a,b,u\n", r"clips\.csv:2: has not 6 values; quote"),
    ],
)
def test_damaged_table_is_named(tmp_path: Path, content: str, message: str) -> None:
    """Line, column, what was found and what to write."""
    (tmp_path / "esc50-40").mkdir()
    (tmp_path / "esc50-40" / "clips.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ManifestError, match=message):
        esc50.read(tmp_path)


def test_missing_table_is_named(tmp_path: Path) -> None:
    """And where to get it."""
    with pytest.raises(FileNotFoundError, match=r"clips\.csv: is missing; put the selection"):
        esc50.read(tmp_path)
