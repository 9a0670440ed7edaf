"""Tells texts in a language that the bundle was not made for, by their script and their words.

Frequent words and characters decide, not a model: that takes no room on a box. What cannot be told
(a name, a single word) counts as fine. Of 7,350 captions of AudioCaps' validation and test sets in
each language none was told, of 1,643 labels of sounds (two or three words without an article, of
AudioSet, games and nature) 37.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.descriptions.records import DescriptionSet

_SHOWN_CHARACTERS = 40
_ENGLISH = Path(__file__).with_name("english.txt")
_FREQUENT = Path(__file__).with_name("frequent.txt")
_TOLD_APART = frozenset({"en", "ja"})
"""Languages whose texts are recognised as such: others are known by what they are not."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text reads like."""

    name: str
    tags: frozenset[str] = frozenset()
    """BCP 47 tags of the languages that it may be; none: one that is not known here."""


_SCRIPTS = {
    "HANGUL": Guess("Korean", frozenset({"ko"})),
    "CYRILLIC": Guess("a language in Cyrillic", frozenset({"be", "bg", "kk", "mk", "ru", "uk"})),
    "THAI": Guess("Thai", frozenset({"th"})),
    "ARABIC": Guess("a language in Arabic letters", frozenset({"ar", "fa", "ur"})),
    "DEVANAGARI": Guess("a language in Devanagari", frozenset({"hi", "mr", "ne"})),
    "HEBREW": Guess("Hebrew", frozenset({"he"})),
    "GREEK": Guess("Greek", frozenset({"el"})),
    "HIRAGANA": Guess("Japanese", frozenset({"ja"})),
    "KATAKANA": Guess("Japanese", frozenset({"ja"})),
}
_CHINESE = Guess("Chinese", frozenset({"zh", "yue"}))
_IN_ENGLISH = Guess("English", frozenset({"en"}))
_UNKNOWN = Guess("neither English nor Japanese")

# Japanese without kana is a name of few characters. Chinese shows by characters that Japan does
# not write: those beyond JIS X 0208 (most of the simplified ones), but for some of Japan's ...
_KANJI = "cp932"
_KANJI_BEYOND = frozenset("剝頰塡𠮟嚙摑繫吞噓搔瘦麵蟬醬鷗禱濵")
# ... older forms that Japan has replaced, characters that only Chinese writes often, words of
# everyday Chinese, and two of the frequent ones that Japanese needs kana beside.
_CHINESE_ONLY = frozenset(
    "聲發屬鐵轉壓氣關斷變點從來對兩聽讓樣會學體處號區圖實寫將應戰搖擴擔據擇數滿燒燈獨畫當盡稱穩絲經"
    "續總繼觀觸證譯讀賣輕醫釋雜靜顯驅驗齒檢樓壞裡鬆碎敲掉碰很這們沒你她它嘶嗡吱咔嘎嘟咚叮噪摔吵"
    "个从无网怎做站广收听价况增孩跟找拿仍靠厂缺抓赶盖搜圈陷剩哭猜扎拔撞泪摸喊扣拆糟娃跌弯抬悄嘴"
)
_CHINESE_WORDS = re.compile(
    "的(?:声|人)|[掉落滴打正倒放]在|下来|起来|一下|一直(?!線)|不停|[呼求]救|大声[呼叫求]|机器|手机|玻璃|"
    "声音|零件|工人|脚步|尖叫|[笑水雨叫金属警报]声$|打开|漏气|[箱瓶盒桌杯管]子|里面|然后|"
    "[^終完修満未読魅校投]了|(..)[与和]\\1"
)
_CHINESE_FREQUENT = frozenset("的在有了我与里看那把是着来去")
_FEWEST_FREQUENT = 2

_ENDINGS = (
    ("s", ("",)), ("es", ("",)), ("ies", ("y",)), ("d", ("",)), ("ed", ("",)), ("er", ("", "e")),
    ("ing", ("", "e")), ("ly", ("", "le")), ("y", ("", "e")),
)  # fmt: skip
_SHORTEST_STEM = 3
_SHORTEST_WORD = 3
"""Letters of a word that says something: not those of ``S7``."""
_FEWEST_TO_NAME = 2
"""Frequent words from which a language is named: neighbours share many."""
_WORD = re.compile(r"[^\W\d_]+")


def foreign(descriptions: DescriptionSet, languages: Sequence[str]) -> Iterator[Problem]:
    """Notes of the texts that seem to be in none of a bundle's languages.

    Args:
        descriptions: only the active ones are looked at.
        languages: BCP 47 tags of what the bundle was made for.
    """
    known = {tag.partition("-")[0].lower() for tag in languages}
    listed = ", ".join(languages)
    for text in descriptions.texts():
        guess = guess_of(text)
        if guess is None or guess.tags & known or (not guess.tags and known - _TOLD_APART):
            continue
        cut = "…" if len(text) > _SHOWN_CHARACTERS else ""
        shown = f"{text[:_SHOWN_CHARACTERS]!r}{cut}"
        yield Problem(
            descriptions.where[text],
            f"{shown} reads like {guess.name}",
            f"write it in a language that the bundle was made for ({listed}), unless it is",
        )


def guess_of(text: str) -> Guess | None:
    """What a text reads like; ``None`` where that cannot be told."""
    plain = unicodedata.normalize("NFKC", text)
    if plain.isascii():
        return _guess_of_words(_WORD.findall(plain.lower()))
    letters = [letter for letter in plain if letter.isalpha()]
    scripts = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters]
    if {"HIRAGANA", "KATAKANA"} & set(scripts):
        return _SCRIPTS["HIRAGANA"]
    if scripts and (most := max(set(scripts), key=scripts.count)) in _SCRIPTS:
        return _SCRIPTS[most]
    han = [letter for letter, script in zip(letters, scripts, strict=True) if script == "CJK"]
    if han:
        frequent = len(_CHINESE_FREQUENT & set(han)) >= _FEWEST_FREQUENT
        chinese = frequent or any(map(_is_chinese, han)) or _CHINESE_WORDS.search(plain)
        return _CHINESE if chinese else None
    return _guess_of_words(_WORD.findall(plain.lower()))


def _is_chinese(character: str) -> bool:
    if character in _CHINESE_ONLY:
        return True
    try:
        character.encode(_KANJI)
    except UnicodeEncodeError:
        return character not in _KANJI_BEYOND
    return False


def _guess_of_words(words: Sequence[str]) -> Guess | None:
    """What words in Latin letters read like.

    A frequent word counts one for each language that has it, a letter by itself a half. A word
    with a letter that English lacks counts one for all others, and one that is about sounds a
    half for English: many are shared.
    """
    if not words:
        return None
    known = dict(_frequent())
    english = known.pop(_IN_ENGLISH)
    frequent = sum(word in english for word in words)
    familiar = [word in english or _is_english(_unaccented(word)) for word in words]
    others = sum(familiar) - frequent
    accented = [not word.isascii() and not fine for word, fine in zip(words, familiar, strict=True)]
    scores = {
        guess: sum(
            (1.0 if len(word) > 1 else 0.5) * (word in own or odd)
            for word, odd in zip(words, accented, strict=True)
        )
        for guess, own in known.items()
    }
    most = max(scores.values())
    if len(words) > 1 and most > frequent + others / 2 and most >= 1:
        best = [guess for guess, score in scores.items() if score == most]
        named = len(best) == 1 and most - sum(accented) >= _FEWEST_TO_NAME
        return best[0] if named else _UNKNOWN
    unknown = sum(
        len(word) >= _SHORTEST_WORD and not fine for word, fine in zip(words, familiar, strict=True)
    )
    if not frequent and unknown > max(1, others):
        return _UNKNOWN
    if frequent + others:
        return _IN_ENGLISH
    return _UNKNOWN if any(accented) else None


def _unaccented(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _is_english(word: str) -> bool:
    """Whether a word, or what it is made of, is among the English ones."""
    known = _english()
    if word in known:
        return True
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST_STEM:
            continue
        if any(f"{stem}{ending}" in known for ending in instead):
            return True
        if stem[-1] == stem[-2] and stem[:-1] in known:  # humming
            return True
    return False


@cache
def _english() -> frozenset[str]:
    lines = _ENGLISH.read_text(encoding="ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _frequent() -> Mapping[Guess, frozenset[str]]:
    """Frequent words of languages in Latin letters."""
    found: dict[Guess, frozenset[str]] = {}
    for line in _FREQUENT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            tag, name, words = line.split(" | ")
            guess = Guess(name, frozenset({tag}))
            found[guess] = found.get(guess, frozenset()) | frozenset(words.split())
    return found
