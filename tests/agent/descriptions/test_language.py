"""Descriptions in languages that the bundle was not made for, and the many that are in its own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from agent import descriptions
from agent.descriptions.language import foreign, guess_of

CONFIGS = sorted(
    path
    for folder in ("configs", "configs/evaluation")
    for path in (Path(__file__).parents[3] / folder).glob("*.yaml")
    if "errors:" in path.read_text(encoding="utf-8")
)
SHIPPED = ("en", "ja")

# Written after the rule was fixed, which was made on other texts.
FOREIGN = {
    "German": [
        "Werkzeug fällt in die Maschine",
        "die Pumpe saugt Luft an",
        "Riss im Kessel, Dampf tritt aus",
        "quietschende Bremsen",
        "Stapler piept beim Rückwärtsfahren",
    ],
    "Spanish": [
        "se cae una herramienta al suelo",
        "la bomba aspira aire",
        "chirrido de frenos",
        "una persona tose",
        "la cinta transportadora se atasca",
    ],
    "Indonesian": [
        "rem berdecit",
        "pompa menghisap udara",
        "sabuk konveyor macet",
        "seseorang batuk di dekat mesin",
        "alat jatuh ke lantai",
    ],
    "Chinese": [
        "工具掉到地上",
        "水泵吸入空气",
        "刹车发出尖锐的声音",
        "传送带卡住了",
        "有人咳嗽",
    ],
}


def _described(folder: Path, texts: list[str]) -> descriptions.DescriptionSet:
    lines = ["version: 1", "errors:"]
    for number, text in enumerate(texts):
        lines += [f"  - id: sound_{number}", f"    text: {text}"]
    path = folder / "d.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return descriptions.load(path)


def test_descriptions_in_other_languages_are_told_with_their_lines(tmp_path: Path) -> None:
    """Of twenty texts in four languages at least eighteen, each at its line."""
    texts = [text for ones in FOREIGN.values() for text in ones]
    told = [str(note) for note in foreign(_described(tmp_path, texts), SHIPPED)]
    assert len(told) >= 18
    where = f"{tmp_path / 'd.yaml'}:6 errors[1].text"
    assert told[1] == (
        f"{where}: 'die Pumpe saugt Luft an' reads like German; "
        "write it in a language that the bundle was made for (en, ja), unless it is"
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_no_description_that_comes_with_it_is_told(path: Path) -> None:
    """Those to start from and those of the evaluation, in both languages, with what is unlike."""
    described = descriptions.load(path)
    assert described.texts()
    assert [str(note) for note in foreign(described, SHIPPED)] == []
    assert described.notes == ()


def test_the_files_to_start_from_were_found() -> None:
    """Two, and two for each of four evaluations."""
    assert len(CONFIGS) == 10


@pytest.mark.parametrize("language", SHIPPED)
def test_captions_of_sounds_are_hardly_ever_told(data_dir: Path, language: str) -> None:
    """At most one in a thousand of 7,350 in each language; the list of words is of others."""
    captions = []
    for part in ("val", "test"):
        path = data_dir / "audiocaps-captions" / language / f"{part}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            captions += [row["caption"] for row in csv.DictReader(file)]
    guesses = [guess_of(caption) for caption in captions]
    told = [one for one in guesses if one is not None and not one.tags & set(SHIPPED)]
    assert len(captions) > 7_000
    assert len(told) <= len(captions) / 1_000


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("금속 부품이 바닥에 떨어진다", "Korean"),
        ("металлическая деталь падает на пол", "a language in Cyrillic"),
        ("ชิ้นส่วนโลหะตกลงบนพื้น", "Thai"),
        ("金屬零件掉落在地板上", "Chinese"),
        ("軸承發出尖銳的聲音", "Chinese"),
        ("il motore non si avvia", "Italian"),
        ("een doos valt van de pallet", "Dutch"),
        ("van thép rò rỉ", "neither English nor Japanese"),
    ],
)
def test_other_scripts_and_neighbouring_languages_are_named(text: str, name: str) -> None:
    """By their script or their words; what cannot be named is told as what it is not."""
    guess = guess_of(text)
    assert guess is not None
    assert guess.name == name


@pytest.mark.parametrize(
    "text",
    [
        "金属部品が落ちる音",
        "異音",
        "油圧装置作動音",
        "断続的警報音",
        "剝離音",
        "ｶﾞﾁｬﾝという音",
        "PLC の警報",
        "siren",
        "a café's espresso machine hisses",
        "V-belt squealing",
        "ＡＬＡＲＭ ｂｅｌｌ",
        "50 μm chatter marks scraping",
        "S7 PLC",
        "440 Hz",
        "A die is changed",
    ],
)
def test_short_texts_names_and_numbers_are_left_alone(text: str) -> None:
    """What may be either language, or none, is no reason for a note."""
    guess = guess_of(text)
    assert guess is None or guess.tags & set(SHIPPED)


def test_only_languages_that_the_bundle_lacks_are_told(tmp_path: Path) -> None:
    """A bundle for English alone tells Japanese; one for German too leaves German alone."""
    described = _described(tmp_path, ["ein Hammer fällt auf den Boden", "金属が落ちる", "a hiss"])
    told = {
        languages: [note.found.rpartition(" ")[2] for note in foreign(described, languages)]
        for languages in (("en",), ("en-GB", "de"), ("ja",))
    }
    assert told[("en",)] == ["German", "Japanese"]
    assert told[("en-GB", "de")] == ["Japanese"]
    assert told[("ja",)] == ["German", "English"]
