"""Dictionary forms of English words, by their tag, their ending and how often each form is written.

Like WordNet's Morphy (Fellbaum, 1998), with a list of frequencies in place of WordNet.
"""

from __future__ import annotations

import re

from wordfreq import get_frequency_dict

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


def lemma(word: str, tag: str) -> str:
    """The dictionary form of a word in small letters with a tag of the Penn Treebank.

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
