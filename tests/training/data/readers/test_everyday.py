"""everyday-cc: an author's sounds stay together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from training.data.readers import everyday
from training.data.records import Split
from training.data.subsets import leaking

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = "filename,label,licence,author,seconds\n"


def write(folder: Path, *rows: str) -> None:
    """A table of the set's form."""
    (folder / "everyday-cc").mkdir(exist_ok=True)
    table = "".join(f"{row},1.0\n" for row in rows)
    (folder / "everyday-cc" / "clips.csv").write_text(_HEADER + table, encoding="utf-8")


def test_authors_are_in_one_split(data_dir: Path) -> None:
    """260 sounds, 149 names; what is drawn once stays drawn."""
    manifest = everyday.read(data_dir)
    assert not leaking(manifest)
    assert Counter(recording.split for recording in manifest.recordings) == {
        Split.TRAIN: 143,
        Split.VALIDATION: 18,
        Split.TEST: 99,
    }
    assert len(manifest.captions) == 149
    assert len(manifest.positives()) == 260
    assert all((data_dir / recording.path).is_file() for recording in manifest.recordings)


def test_split_depends_on_the_author_alone(tmp_path: Path, data_dir: Path) -> None:
    """A set with fewer sounds splits the rest as before."""
    write(tmp_path, "thunder.flac,thunder,CC BY 3.0,juskiddink")
    (alone,) = everyday.read(tmp_path).recordings
    among = [r for r in everyday.read(data_dir).recordings if r.source == alone.source]
    assert {recording.split for recording in among} == {alone.split}


def test_unknown_authors_may_be_one_person(tmp_path: Path) -> None:
    """They share a source, and the model card does not call them by a footnote's sign."""
    write(tmp_path, "a.flac,a,CC0,[↓](#authors)", "b.flac,b,CC0,N/A")
    recordings = everyday.read(tmp_path).recordings
    assert {recording.source for recording in recordings} == {"everyday-cc/unknown"}
    assert {recording.attribution for recording in recordings} == {
        "author not stated, AntumMT/mod-sounds"
    }


def test_edited_sound_belongs_to_its_recordist(tmp_path: Path) -> None:
    """Both are named, the first decides about the split."""
    write(tmp_path, "a.flac,duck,CC BY 3.0,dobroide / qubodup", "b.flac,owl,CC0,dobroide")
    first, second = everyday.read(tmp_path).recordings
    assert first.source == second.source == "everyday-cc/dobroide"
    assert first.attribution == "dobroide / qubodup"
