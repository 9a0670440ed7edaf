"""What a caption is made of: words, content words and nouns, in English and Japanese.

English: the tagger of TextBlob, from Pattern (De Smedt and Daelemans, JMLR 2012), whose lexicon
is part of its package. Japanese: SudachiPy with its small dictionary, which has onomatopoeia as
words of their own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10

from wordfreq import get_frequency_dict

LANGUAGES = ("en", "ja")
# As the tagger's lexicon (Penn Treebank) splits them: "is n't", "dog 's".
_ENGLISH_WORD = re.compile(r"\w+(?=n't\b)|n't\b|'\w+|\w+(?:-\w+)*")
_UNWRITTEN_ZIPF = 0.0
"""Of a word that the frequency list does not have: rarer than one in a thousand million."""

_ENDINGS = {
    "VBG": "ing",
    "VBD": "ed",
    "VBN": "ed",
    "JJR": "er",
    "RBR": "er",
    "JJS": "est",
    "RBS": "est",
}
_PLURALS = frozenset({"NNS", "NNPS", "VBZ"})
_HISSED = ("sses", "zzes", "xes", "ches", "shes", "oes")
"""Where "es" may be the ending: "buzzes", not "drives"."""
_VOWEL = re.compile("[aeiouy]")
_DOUBLED = re.compile(r"([^aeiou])\1$")
_SHORT = re.compile("[^aeiou]*[aeiou][^aeiouwxy]")
"""One vowel, one consonant: had it no e, the consonant would be doubled ("scraping", "tapping")."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a caption as a tagger sees it."""

    written: str
    lemma: str
    """Its dictionary form, in small letters."""
    content: bool
    """A noun, verb, adjective or adverb, not an auxiliary."""
    noun: bool


@dataclass(frozen=True, slots=True)
class CaptionFeatures:
    """Counts of one caption."""

    words: int
    """Without punctuation; in Japanese morphemes, so never compared between languages."""
    characters: int
    """Without white space."""
    content_words: int
    nouns: int
    zipf: float
    """Mean Zipf frequency of the content words' lemmas: 3 is one in a million, 6 one in a
    thousand. 0 where there is no content word."""
    lemmas: frozenset[str]
    """Of the content words."""

    @property
    def content_share(self) -> float:
        """Content words a word, 0 to 1: the density."""
        return self.content_words / max(self.words, 1)

    @property
    def noun_share(self) -> float:
        """Nouns a word, 0 to 1."""
        return self.nouns / max(self.words, 1)


class EnglishTagger:
    """TextBlob's tagger, tags of the Penn Treebank; nothing is downloaded for it."""

    _CONTENT = ("NN", "VB", "JJ", "RB")
    # The Penn Treebank tags them as nouns.
    _PRONOUNS = frozenset(
        f"{which}{what}"
        for which in ("any", "every", "no", "some")
        for what in ("body", "one", "thing")
    )
    # ... and these as verbs and adverbs.
    _HELPS = (
        frozenset({"be", "am", "is", "are", "was", "were", "been", "being", "'m", "'re"})
        | {"has", "have", "had", "having", "'ve", "do", "does", "did", "doing", "done"}
        | {"not", "n't"}
    )

    def __init__(self) -> None:
        from textblob.taggers import PatternTagger

        self._tagger = PatternTagger()
        # It reads its lexicon at the first word and leaves the file to be closed by chance.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self._tagger.tag("word", tokenize=False)

    def words(self, text: str) -> tuple[Word, ...]:
        """Words in their order, without punctuation."""
        found = _ENGLISH_WORD.findall(text.replace("\u2019", "'"))
        if not found:
            return ()
        # A capital at the beginning makes no name.
        tagged = self._tagger.tag(" ".join([found[0].lower(), *found[1:]]), tokenize=False)
        return tuple(self._word(word, tag) for word, (_, tag) in zip(found, tagged, strict=True))

    def _word(self, written: str, tag: str) -> Word:
        small = written.lower()
        content = tag.startswith(self._CONTENT) and small not in self._PRONOUNS | self._HELPS
        form = lemma(small, tag) if content else small
        return Word(written, form, content, content and tag.startswith("NN"))


class JapaneseTagger:
    """SudachiPy with the small dictionary, longest units."""

    _CONTENT = frozenset({"名詞", "動詞", "形容詞", "形状詞", "副詞", "感動詞"})
    _NO_WORD = frozenset({"補助記号", "空白"})

    def __init__(self) -> None:
        from sudachipy import Dictionary, SplitMode

        self._tokenizer = Dictionary(dict="small").tokenizer(SplitMode.C)

    def words(self, text: str) -> tuple[Word, ...]:
        """Morphemes in their order, without punctuation."""
        found = []
        before = ""
        for word in self._tokenizer.tokenize(text):
            kind, detail = word.part_of_speech()[:2]
            # 鳴っている: the verb after a connective て only helps.
            helps = detail == "非自立可能" and kind == "動詞" and before == "接続助詞"
            before = detail
            if kind not in self._NO_WORD:
                content = kind in self._CONTENT and not helps
                lemma = word.dictionary_form().lower()
                found.append(Word(word.surface(), lemma, content, kind == "名詞"))
        return tuple(found)


class CaptionReader:
    """Features of captions; each language's tagger is loaded when it is first needed."""

    def __init__(self) -> None:
        self._taggers: dict[str, EnglishTagger | JapaneseTagger] = {}

    def read(self, text: str, language: str) -> CaptionFeatures:
        """Features of one caption.

        Raises:
            ValueError: there is no tagger for the language.
        """
        words = self._tagger(language).words(text)
        content = [word for word in words if word.content]
        return CaptionFeatures(
            words=len(words),
            characters=len("".join(text.split())),
            content_words=len(content),
            nouns=sum(word.noun for word in words),
            zipf=_mean_zipf((word.lemma for word in content), get_frequency_dict(language)),
            lemmas=frozenset(word.lemma for word in content),
        )

    def _tagger(self, language: str) -> EnglishTagger | JapaneseTagger:
        if language not in self._taggers:
            if language not in LANGUAGES:
                known = " and ".join(LANGUAGES)
                raise ValueError(f"language {language!r}: captions can be read in {known} only")
            self._taggers[language] = EnglishTagger() if language == "en" else JapaneseTagger()
        return self._taggers[language]


def _mean_zipf(lemmas: Iterable[str], frequencies: Mapping[str, float]) -> float:
    values = [
        log10(frequencies[lemma]) + 9.0 if lemma in frequencies else _UNWRITTEN_ZIPF
        for lemma in lemmas
    ]
    return sum(values) / len(values) if values else _UNWRITTEN_ZIPF


def lemma(word: str, tag: str) -> str:
    """The dictionary form of a word in small letters with a tag of the Penn Treebank.

    Like WordNet's Morphy (Fellbaum, 1998), with a list of frequencies in place of WordNet.
    Irregular forms ("ran", "children") are returned as they are, like all that has no known form.
    """
    if tag in _PLURALS:
        return _without_s(word)
    ending = _ENDINGS.get(tag)
    if ending is None or not word.endswith(ending):
        return word
    stem = word.removesuffix(ending)
    if not _VOWEL.search(stem):
        return word
    if _SHORT.fullmatch(stem):
        return stem + "e"
    # whine, roll: of whining, rolling.
    forms = [stem, stem + "e"]
    if stem.endswith("i"):
        forms.append(stem[:-1] + "y")
    if _DOUBLED.search(stem):
        forms.append(stem[:-1])
    return _commonest(forms) or word


def _without_s(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us")):
        return word
    if word.endswith("ies"):
        return _commonest([word[:-3] + "y", word[:-1]]) or word[:-3] + "y"
    if word.endswith(_HISSED):
        return _commonest([word[:-1], word[:-2]]) or word[:-2]
    return word[:-1]


def _commonest(forms: list[str]) -> str | None:
    frequencies = get_frequency_dict("en")
    known = [form for form in forms if form in frequencies]
    return max(known, key=frequencies.__getitem__, default=None)
