"""Sentences that stand in two languages."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from training.data.readers import audiocaps
from training.data.records import Split

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, language: str, part: str, rows: str) -> None:
    path = folder / audiocaps.NAME / language / f"{part}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"audiocap_id,youtube_id,start_time,caption\n{rows}", encoding="utf-8")


def test_sentences_meet_by_their_id(tmp_path: Path) -> None:
    """One that was not translated, or has no text, is left out."""
    _write(tmp_path, "en", "val", "1,a,0,A dog barks\n2,b,0,Rain falls\n3,c,0,A bell rings\n")
    _write(tmp_path, "ja", "val", "2,b,0,雨が降る\n1,a,0,犬が吠える\n3,c,0, \n4,d,0,風が吹く\n")
    _write(tmp_path, "en", "test", "")
    _write(tmp_path, "ja", "test", "")
    found = audiocaps.read(tmp_path)
    assert [(one.english, one.japanese) for one in found] == [
        ("Rain falls", "雨が降る"),
        ("A dog barks", "犬が吠える"),
    ]


def test_missing_tables_are_named(tmp_path: Path) -> None:
    """With what belongs there."""
    with pytest.raises(FileNotFoundError, match="captions of AudioCaps"):
        audiocaps.read(tmp_path)


def test_published_sentences(data_dir: Path) -> None:
    """All 7,350, about 1,470 sounds, each sound in one split."""
    found = audiocaps.read(data_dir)
    assert len(found) == 7_350
    splits = Counter(one.split for one in found)
    assert splits[Split.TEST] > 1_000
    assert splits[Split.TRAIN] > 3_000
