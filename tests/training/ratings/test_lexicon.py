"""The lexicon of sounds: what stands in it, and what is said of a wrong row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from training.__main__ import main
from training.data.audioset import load_classes
from training.data.lexicon import TRAITS, Entry, by_label, read_lexicon
from training.data.manifest import ManifestError
from training.data.readers import effects
from training.ratings.lexicon_command import fit

_TOKENIZER = Path(__file__).parents[3] / "agent" / "bundle" / "default" / "tokenizer.json"
_HEADER = "labels,en,ja,classes,length,pitch,brightness,rhythm,material\n"
_GOOD = (
    "clank,a clank|iron clanks,ガチン|鉄が鳴る音,Clang:90|Bang:20|Tools:40,"
    "short,tonal,bright,single,metal"
)
_HISS = (
    "hiss,a hiss|air hisses,シュー|空気が漏れる音,Hiss:90|Bang:1|Tools:1,"
    "lasting,noisy,bright,steady,gas"
)
_CLASSES = ("Clang", "Bang", "Tools", "Hiss")
_JAPANESE = re.compile("[ぁ-ゖァ-ヺー一-鿿]")


@pytest.fixture(scope="module")
def entries(data_dir: Path) -> tuple[Entry, ...]:
    """The whole lexicon."""
    return read_lexicon([sound.name for sound in load_classes(data_dir)])


def write(folder: Path, *rows: str) -> Path:
    """A file of entries."""
    path = folder / "l.csv"
    path.write_text(_HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_every_label_has_an_entry(entries: tuple[Entry, ...], data_dir: Path) -> None:
    """Both ways: no label without an entry, and none that no recording has."""
    labels = {clip.label for name in effects.SETS for clip in effects.clips(data_dir, name)}
    assert by_label(entries).keys() == labels
    assert len(entries) >= 1_200


def test_wordings_are_of_their_language_and_known(entries: tuple[Entry, ...]) -> None:
    """The text tower has no unknown piece; Japanese is written in Japanese, English in ASCII."""
    tokenizer = Tokenizer.from_file(str(_TOKENIZER))
    unknown = tokenizer.token_to_id("<unk>")
    texts = [text for entry in entries for text in entry.wordings]
    assert [text for text in texts if unknown in tokenizer.encode(f"query: {text}").ids] == []
    assert [text for entry in entries for text in entry.en if not text.isascii()] == []
    assert [text for entry in entries for text in entry.ja if not _JAPANESE.search(text)] == []


def test_traits_are_balanced(entries: tuple[Entry, ...]) -> None:
    """No value of a trait is left to a handful of entries."""
    for trait, values in TRAITS.items():
        told = [entry.traits[trait] for entry in entries]
        assert min(told.count(value) for value in values) >= 0.04 * len(entries), trait


def test_an_entry_is_read(tmp_path: Path) -> None:
    """Wordings in order, ratings by the class's index, from 0 to 1 as a row."""
    (entry,) = read_lexicon(_CLASSES, write(tmp_path, _GOOD))
    assert (entry.labels, entry.en) == (("clank",), ("a clank", "iron clanks"))
    assert entry.ja == ("ガチン", "鉄が鳴る音")
    assert entry.traits["rhythm"] == "single"
    np.testing.assert_allclose(entry.relevance(4), [0.9, 0.2, 0.4, 0.0])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Clang:90", "Clank:90", "l.csv:2 classes: has 'Clank'.*did you mean 'Clang'"),
        ("Clang:90", "Clang:900", "rates 'Clang' '900'; write a whole number from 1 to 100"),
        ("Clang:90", "Bang:90", "has 'Bang' twice"),
        ("|Bang:20|Tools:40", "", "has 1 classes; write 3 to 12"),
        ("short", "brief", "length: is 'brief'; write one of short, medium, lasting"),
        ("ガチン|", "", "ja: has 1 wordings"),
        ("a clank|", "a clank |", "without spaces at their ends"),
        (",metal", ",", "material: is empty"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    """By file, line and column, with what to write instead."""
    with pytest.raises(ManifestError, match=said):
        read_lexicon(_CLASSES, write(tmp_path, _GOOD.replace(before, after, 1)))


def test_a_wording_stands_once(tmp_path: Path) -> None:
    """Else neither of two entries could be told from the other."""
    again = _GOOD.replace("clank,", "clang,", 1).replace("ガチン", "カーン").replace("鉄が", "鐘が")
    with pytest.raises(ManifestError, match=r"l.csv:3 en: has 'a clank', as .*l.csv:2"):
        read_lexicon(_CLASSES, write(tmp_path, _GOOD, again))


def test_ratings_are_held_against_what_is_heard(tmp_path: Path) -> None:
    """An entry whose ratings are what its recordings sound like comes first, else not."""
    entries = read_lexicon(_CLASSES, write(tmp_path, _GOOD, _HISS))
    clang, air = np.array([0.9, 0.3, 0.4, 0.1]), np.array([0.1, 0.1, 0.1, 0.9])
    wheres = [entry.where for entry in entries]
    right, _ = fit(entries, dict(zip(wheres, (clang, air), strict=True)), 4)
    wrong, among = fit(entries, dict(zip(wheres, (air, clang), strict=True)), 4)
    assert "rank first in 1.000" in right
    assert "rank first in 0.000" in wrong
    assert among.endswith("in 0.000 of them")


def test_the_command_tells_what_there_is(
    capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    """It ends with 0 where every label has an entry."""
    assert main(["lexicon", "--data", str(data_dir)]) == 0
    assert "0 without an entry" in capsys.readouterr().out
