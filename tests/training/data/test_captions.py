"""Our captions of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data.captions import Described, described, read_captions
from training.data.readers import esc50
from training.data.readers.classes import Labelled, class_manifest
from training.data.records import Recording, Split

if TYPE_CHECKING:
    from pathlib import Path


def test_every_class_has_captions_and_onomatopoeia_in_japanese(data_dir: Path) -> None:
    """Three of each language, and one that is sound alone."""
    classes = {pair.caption.rpartition("/")[2] for pair in esc50.read(data_dir).pairs}
    captions = read_captions()
    assert {one.name for one in captions} == classes
    for name in classes:
        own = [(one.language, one.kind) for one in captions if one.name == name]
        assert own.count(("en", "caption")) >= 3
        assert own.count(("ja", "caption")) >= 3
        assert own.count(("ja", "onomatopoeia")) >= 1
    texts = [one.text for one in captions]
    assert len(texts) == len(set(texts))


def test_captions_fit_all_recordings_of_their_class_and_no_other() -> None:
    """Each adds a pair a recording."""
    labelled = [
        Labelled(Recording(name, f"{name}.wav", name, Split.TRAIN), kind)
        for name, kind in (("a", "bell"), ("b", "bell"), ("c", "dog"))
    ]
    captions = [
        Described("bell", "ja", "onomatopoeia", "ゴーン"),
        Described("cow", "en", "caption", "a cow moos"),
    ]
    manifest = described(class_manifest("set", labelled), "set", captions)
    added = manifest.captions[2:]
    assert [one.text for one in added] == ["ゴーン"]
    fitting = {pair.recording for pair in manifest.pairs if pair.caption == added[0].id}
    assert fitting == {"a", "b"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("class,text\n", "columns are class,text"),
        ("class,language,kind,text\nbell,fr,caption,cloche\n", "c.csv:2: 'fr'"),
        ("class,language,kind,text\nbell,en,caption,\n", "c.csv:2: the text is empty"),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, content: str, message: str) -> None:
    """With its line and what to write."""
    path = tmp_path / "c.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_captions(path)
