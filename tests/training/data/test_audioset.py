"""Texts about AudioSet's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data.audioset import CLASSES, load_classes, load_texts, load_texts_file

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = "index,mid,language,kind,text\n"


def test_every_class_has_names_and_phrases_in_both_languages(data_dir: Path) -> None:
    """A class without Japanese would be found in English only."""
    texts = load_texts(load_classes(data_dir))
    for language in ("en", "ja"):
        for kind in ("name", "phrase"):
            found = {t.index for t in texts if t.language == language and t.kind == kind}
            assert found == set(range(CLASSES)), (language, kind)


def test_japanese_texts_are_japanese() -> None:
    """Each holds kana or kanji."""
    for text in load_texts_file():
        if text.language == "ja":
            assert any("\u3040" <= c <= "\u9fff" for c in text.text), text


def test_no_text_stands_twice_for_a_class() -> None:
    """A copy would count twice in the regression."""
    rows = [(text.index, text.text) for text in load_texts_file()]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("index,text\n", "has the columns index, text; mid, language, kind must be among them"),
        (_HEADER + "527,/m/x,ja,name,音\n", r"texts.csv:2 index: is '527'; write 0 to 526"),
        (_HEADER + "1,/m/x,fr,name,son\n", r"texts.csv:2 language: is 'fr'; write one of ja, en"),
        (_HEADER + "1,/m/x,ja,name, \n", r"texts.csv:2 text: is ' '; write one or delete"),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, content: str, message: str) -> None:
    """The error says where, what was found and what to write."""
    path = tmp_path / "texts.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_texts_file(path=path)


def test_branches_are_the_top_of_the_ontology(data_dir: Path) -> None:
    """Every class hangs in one of the seven."""
    branches = {name for sound in load_classes(data_dir) for name in sound.branches}
    assert len(branches) == 7
    assert all(sound.branches for sound in load_classes(data_dir))
