"""Our captions of classes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from training.data.build import DATA_SETS, read_data_set
from training.data.captions import CaptionKind, Described, described, read_captions
from training.data.manifest import ManifestError
from training.data.readers.classes import Labelled, class_manifest
from training.data.records import Manifest, Recording, Split

_TOKENIZER = Path(__file__).parents[3] / "agent" / "bundle" / "default" / "tokenizer.json"
_HEADER = "set,class,recording,language,kind,text\n"
_JAPANESE = re.compile("[ぁ-ゖァ-ヺー一-鿿]")
# A fan that is broken sounds like one that is not, to whoever spells sounds.
_WITHOUT_ONOMATOPOEIA = {("mimii-fan", "industrial fan"), ("mimii-fan", "broken industrial fan")}


def bells() -> Manifest:
    """Two bells and a dog."""
    labelled = [
        Labelled(Recording(f"set/{name}", f"{name}.wav", name, Split.TRAIN), kind)
        for name, kind in (("bell_01", "bell"), ("bell_02", "bell"), ("dog", "dog"))
    ]
    return class_manifest("set", labelled)


def say(name: str, text: str, recordings: str = "", data_set: str = "set") -> Described:
    """A caption that stands in line 7."""
    return Described("c.csv:7", data_set, name, recordings, "en", CaptionKind.CAPTION, text)


def heard(manifest: Manifest, text: str) -> set[str]:
    """Recordings that a caption fits."""
    (caption,) = [one.id for one in manifest.captions if one.text == text]
    return {pair.recording for pair in manifest.pairs if pair.caption == caption}


def write(folder: Path, *rows: str) -> Path:
    """A file of captions."""
    path = folder / "c.csv"
    path.write_text(_HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_every_row_meets_the_set_and_every_class_has_its_rows(
    data_dir: Path, data_set: str
) -> None:
    """A name, two captions a language that fit all recordings, and the sound where one is said."""
    manifest = read_data_set(data_dir, data_set)
    rows = [one for one in read_captions(DATA_SETS) if one.data_set == data_set]
    classes = {one.text for one in manifest.captions if "/class/" in one.id}
    assert {one.name for one in rows} == classes
    counts = Counter((one.name, one.language, one.kind) for one in rows if not one.recordings)
    for name in classes:
        assert counts[name, "ja", CaptionKind.NAME] == 1
        assert counts[name, "ja", CaptionKind.CAPTION] >= 2
        assert counts[name, "en", CaptionKind.CAPTION] >= 2
        sounds = [one for one in rows if one.name == name and one.kind is CaptionKind.ONOMATOPOEIA]
        assert bool(sounds) is ((data_set, name) not in _WITHOUT_ONOMATOPOEIA)
    texts = {(one.language, one.text) for one in manifest.captions if "/class/" not in one.id}
    assert texts == {(one.language, one.text) for one in rows}


def test_texts_are_of_their_language_and_no_sentence_is_said_twice() -> None:
    """Onomatopoeia may be shared between classes, a few are."""
    rows = read_captions(DATA_SETS)
    for one in rows:
        assert (_JAPANESE.search(one.text) is not None) is (one.language == "ja"), one
        assert one.language == "ja" or 3 <= len(one.text.split()) <= 15, one
    sentences = [one.text for one in rows if one.kind is not CaptionKind.ONOMATOPOEIA]
    assert len(sentences) == len(set(sentences))


def test_text_tower_knows_every_character() -> None:
    """A rare one would be learned as any other rare one."""
    tokenizer = Tokenizer.from_file(str(_TOKENIZER))
    unknown = tokenizer.token_to_id("<unk>")
    texts = [one.text for one in read_captions(DATA_SETS)]
    assert [text for text in texts if unknown in tokenizer.encode(text).ids] == []


def test_captions_fit_all_recordings_of_their_class_and_no_other() -> None:
    """Those of other sets are not used."""
    captions = [say("bell", "a bell rings"), say("bell", "elsewhere", data_set="other")]
    manifest = described(bells(), "set", captions)
    assert heard(manifest, "a bell rings") == {"set/bell_01", "set/bell_02"}
    assert [one.text for one in manifest.captions] == ["bell", "dog", "a bell rings"]


def test_caption_of_some_recordings_fits_them_alone() -> None:
    """Two takes of a class may differ."""
    captions = [say("bell", "one stroke", "bell_02"), say("bell", "a bell", "bell_0[12]")]
    manifest = described(bells(), "set", captions)
    assert heard(manifest, "one stroke") == {"set/bell_02"}
    assert heard(manifest, "a bell") == {"set/bell_01", "set/bell_02"}


def test_shared_text_is_one_caption_of_all_its_classes() -> None:
    """Else each class's recordings would be wrong answers to the other's caption."""
    manifest = described(bells(), "set", [say("bell", "ding", "bell_01"), say("dog", "ding")])
    assert heard(manifest, "ding") == {"set/bell_01", "set/dog"}


def test_unknown_class_and_recording_are_named() -> None:
    """Both, with their line and what may be meant."""
    captions = [say("bel", "a bell rings"), say("bell", "one stroke", "bell_03")]
    with pytest.raises(ManifestError) as caught:
        described(bells(), "set", captions)
    assert str(caught.value).splitlines() == [
        "c.csv:7 class: is 'bel', which set does not have; did you mean 'bell'?",
        "c.csv:7 recording: is 'bell_03', which set does not have; did you mean 'bell_02'?",
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("sets,bell,,en,caption,a bell", r"c\.csv:2 set: is 'sets'; write one of set, other"),
        ("set,bell,,fr,caption,cloche", r"c\.csv:2 language: is 'fr'; write one of en, ja"),
        ("set,bell,,en,poem,a bell", r"c\.csv:2 kind: is 'poem'; write one of name, caption, ono"),
        ("set,bell,,en,caption,", r"c\.csv:2 text: is ''; write one line"),
        ("set, bell,,en,caption,a bell", r"c\.csv:2 class: is ' bell'; write one line, without"),
        ("set,bell,,en,name,bell", r"c\.csv:2 kind: is 'name'; a name is Japanese"),
        ("set,bell,bell_01,ja,name,鐘の音", r"c\.csv:2 kind: is 'name'; a name is Japanese"),
        ("set,bell,,en,caption,a bell,a bell", r"c\.csv:2: has not 6 values; quote"),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    """With its line and what to write."""
    with pytest.raises(ManifestError, match=message):
        read_captions(("set", "other"), write(tmp_path, row))


def test_every_wrong_row_is_named_at_once(tmp_path: Path) -> None:
    """Whoever writes a hundred mends them in one go."""
    path = write(tmp_path, "set,a,,fr,caption,cloche", "set,a,,en,poem,x y")
    with pytest.raises(ManifestError) as caught:
        read_captions(("set",), path)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "other,dog,,en,caption,A Bell",
            r"c\.csv:3 text: is 'A Bell', as .*:2 of set 'bell'",
        ),
        ("set,bell,,en,caption,a bell", r"c\.csv:3 text: is 'a bell', as .*:2 of set 'bell'"),
    ],
)
def test_sentence_stands_once(tmp_path: Path, row: str, message: str) -> None:
    """Across sets and however it is capitalised."""
    path = write(tmp_path, "set,bell,,en,caption,a bell", row)
    with pytest.raises(ManifestError, match=message):
        read_captions(("set", "other"), path)


def test_class_has_one_name(tmp_path: Path) -> None:
    """By which it is asked for."""
    path = write(tmp_path, "set,bell,,ja,name,鐘", "set,bell,,ja,name,鐘の音")
    with pytest.raises(ManifestError, match=r"c\.csv:3 kind: is a second name beside .*c\.csv:2"):
        read_captions(("set",), path)


def test_onomatopoeia_may_be_shared_but_not_repeated(tmp_path: Path) -> None:
    """Many things go the same; one thing says it once."""
    rows = ("set,bell,,ja,onomatopoeia,カーン", "set,gong,,ja,onomatopoeia,カーン")
    assert len(read_captions(("set",), write(tmp_path, *rows))) == 2
    with pytest.raises(ManifestError, match=r"c\.csv:4 text"):
        read_captions(("set",), write(tmp_path, *rows, rows[0]))


def test_folder_without_captions_is_named(tmp_path: Path) -> None:
    """A training without any would go unnoticed."""
    with pytest.raises(FileNotFoundError, match="holds no CSV file"):
        read_captions(("set",), tmp_path)
