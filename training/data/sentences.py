"""One sentence that says what is heard, in English or Japanese, from a caption of each sound.

Connectives say what is true of the sounds' times and powers: after one another, at the same time,
in the background. A caption may be a clause (*a dog barks*) or a noun phrase (*a long deep moo*);
"while" is written before what surely is a clause, and what fits both before all else. Japanese
nominalises with の and needs no such care, but a noun at the end has to be heard (が聞こえる).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

LANGUAGES = ("en", "ja")
VARIANTS = 2
"""Ways in which each sentence can be put."""

BACKGROUND_DB = 6.0
"""So much weaker than what drowns it, a sound is in the background."""
_DROWNED = 0.5
# "Then" is true where little of the shorter sound is left to sound with the other.
_TOGETHER = 0.2

_SINGULAR = frozenset({"a", "an", "the", "one", "another", "somebody", "someone", "something"})
_NO_SUBJECT = frozenset({"few", "lot", "couple", "pair", "series", "number"})
_STOPS = re.compile(
    r"of|in|on|at|with|over|under|from|to|by|through|along|around|across|behind|near|into|onto|"
    r"off|up|down|out|past|like|during|before|after|against|for|as|and|or|that|which"
)
_BE = frozenset({"is", "are"})
_NO_VERB = re.compile(r"(?:ss|us|is|'s|[^a-z])$")
_RELATIVE = re.compile(r"\b(?:that|which|who) (?:is|are)\b")
# Verbs and adjectives in their plain form; a noun that ends so is of one of the others' letters.
_PREDICATE = re.compile(r"(?:[うくぐすつぬぶむるただ]|ない|[しきさたるろか高低長短強弱鈍鋭]い)$")
_LINKED = (
    ("聞こえる", "聞こえ"),
    ("聞こえている", "聞こえていて"),
    ("音がする", "音がして"),
    ("声がする", "声がして"),
)
_NOT_PLAIN = {
    "en": re.compile(r"[,;:]|\b(?:while|then|when|because|before|after|quiet|silen(?:t|ce))\b"),
    "ja": re.compile(r"[、。]|静か|静けさ"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One sound among others."""

    sounding: npt.NDArray[np.bool_]
    """Whether it sounds, by frame."""
    power_db: float
    """Mean power while it sounds; its zero is the same for all voices."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who sounds when; numbers of voices."""

    foreground: tuple[tuple[int, ...], ...]
    """Groups after one another; those of one group sound together, the strongest first."""
    meanwhile: tuple[int, ...] = ()
    """Sounds along with several groups."""
    background: tuple[int, ...] = ()
    lasting: frozenset[int] = frozenset()
    """Those that go on for at least half as long as the longest."""


def order(voices: Sequence[Voice]) -> Order:
    """What is true of the voices' times and powers."""
    by_power = sorted(range(len(voices)), key=lambda number: -voices[number].power_db)
    background = tuple(voice for voice in by_power if _drowned(voice, voices))
    front = [voice for voice in by_power if voice not in background]
    groups = _groups(front, voices)
    meanwhile: tuple[int, ...] = ()
    for group in groups:
        apart = [pair for pair in combinations(group, 2) if not _together(*pair, voices)]
        between = [voice for voice in group if all(voice not in pair for pair in apart)]
        if apart and between:
            meanwhile = (between[-1],)
            groups = _groups([voice for voice in front if voice not in meanwhile], voices)
            break
    spans = [end - start for start, end in map(_span, voices)]
    lasting = frozenset(voice for voice, span in enumerate(spans) if span >= max(spans) / 2)
    return Order(tuple(groups), meanwhile, background, lasting)


def plain(texts: Sequence[str], language: str) -> tuple[str, ...]:
    """Those captions that can be put together with others; all where none can."""
    simple = tuple(text for text in texts if not _NOT_PLAIN[language].search(text))
    return simple or tuple(texts)


def compose(texts: Sequence[str], how: Order, language: str, variant: int) -> str:
    """One sentence, without a full stop.

    Args:
        texts: a caption for each voice.
        how: of the voices.
        language: one of :data:`LANGUAGES`.
        variant: below :data:`VARIANTS`; other connectives.
    """
    if language == "en":
        return _english(texts, how, variant)
    return _japanese([_predicate(text) for text in texts], how, variant)


def _drowned(one: int, voices: Sequence[Voice]) -> bool:
    louder = [v for v in voices if v.power_db >= voices[one].power_db + BACKGROUND_DB]
    own = voices[one].sounding
    covered = np.zeros_like(own)
    for voice in louder:
        first, last = _span(voice)
        covered[first:last] = True
    return bool((covered & own).sum() >= _DROWNED * own.sum()) if louder else False


def _span(voice: Voice) -> tuple[int, int]:
    at = np.flatnonzero(voice.sounding)
    return int(at[0]), int(at[-1]) + 1


def _together(one: int, other: int, voices: Sequence[Voice]) -> bool:
    (start, end), (starts, ends) = _span(voices[one]), _span(voices[other])
    shared = min(end, ends) - max(start, starts)
    return shared > _TOGETHER * min(end - start, ends - starts)


def _groups(numbers: Sequence[int], voices: Sequence[Voice]) -> list[tuple[int, ...]]:
    """Voices that sound together, directly or by another, in the order of time."""
    groups: list[list[int]] = []
    for voice in numbers:
        touched = [g for g in groups if any(_together(voice, other, voices) for other in g)]
        groups = [g for g in groups if g not in touched]
        # Still the strongest first: numbers come in that order.
        joined = {voice}.union(*touched)
        groups.append([number for number in numbers if number in joined])
    groups.sort(key=lambda group: min(_span(voices[voice])[0] for voice in group))
    return [tuple(group) for group in groups]


def is_clause(text: str) -> bool:
    """Whether an English caption surely has a subject and a finite verb; False where in doubt."""
    words = text.lower().split()
    if _BE & set(words) and not _RELATIVE.search(text.lower()):
        return True
    if words[0] not in _SINGULAR or len(words) < 2 or words[1] in _NO_SUBJECT:  # noqa: PLR2004
        return False
    for word in words[1 if words[0].startswith("some") else 2 :]:
        if _STOPS.fullmatch(word):
            return False
        if word.endswith("s") and not _NO_VERB.search(word):
            return True
    return False


def _english(texts: Sequence[str], how: Order, variant: int) -> str:
    only = len(how.foreground) == 1
    groups = [
        _at_once([texts[voice] for voice in group], variant, only) for group in how.foreground
    ]
    said = groups[0]
    if len(groups) > 1:
        first, step = (("", ", then "), ("first ", ", and then "))[variant]
        said = first + step.join(groups)
        if len(groups) > 2:  # noqa: PLR2004
            last = (", and finally ", ", and after that ")[variant]
            said = first + ", then ".join(groups[:-1]) + last + groups[-1]
    if how.meanwhile:
        said = f"{said}; meanwhile, {_and([texts[number] for number in how.meanwhile])}"
    if how.background:
        behind = [texts[voice] for voice in how.background]
        listed = _and(behind)
        if variant == 0 and " while " not in said and all(map(is_clause, behind)):
            return f"{said} while {listed} in the background"
        if ";" in said or variant:
            return f"{said}, and in the background {listed}"
        return f"{said}; in the background, {listed}"
    if variant and len(texts) == 1:
        return f"{said} over background noise"
    return said


def _at_once(texts: Sequence[str], variant: int, only: bool) -> str:
    """English for sounds that are heard with each other; ``only`` these."""
    if len(texts) == 1:
        return texts[0]
    rest = _and(texts[1:])
    if variant == 0 and all(map(is_clause, texts[1:])):
        return f"{texts[0]} while {rest}"
    apart = only and (variant or len(texts) > 2)  # noqa: PLR2004
    return f"{texts[0]}{'; at the same time, ' if apart else ' and at the same time '}{rest}"


def _and(texts: Sequence[str]) -> str:
    return (", and " if any(" and " in text for text in texts) else " and ").join(texts)


def _predicate(text: str) -> str:
    """A Japanese caption that ends in a verb."""
    return text if _PREDICATE.search(text) else f"{text}が聞こえる"


def _japanese(texts: Sequence[str], how: Order, variant: int) -> str:
    groups = [_same_time(group, texts, how, variant) for group in how.foreground]
    said = groups[0]
    if len(groups) > 1:
        first, step = (("", "その後、"), ("最初に", "続いて"))[variant]
        steps = [first, *[step] * (len(groups) - 2), "最後に" if len(groups) > 2 else step]  # noqa: PLR2004
        told = [*map(_heard, groups[:-1]), groups[-1]]
        said = "、".join(word + text for word, text in zip(steps, told, strict=True))
    behind = [texts[voice] for voice in (*how.meanwhile, *how.background)]
    if not behind:
        return f"騒音の中で、{said}" if variant and len(texts) == 1 else said
    listed = "、".join([*map(_heard, behind[:-1]), behind[-1]])
    # 中 is for what goes on, once in a sentence.
    goes_on = how.lasting.issuperset(how.background) and _goes_on(listed) and "中、" not in said
    if goes_on and not (variant and how.background):
        return f"{listed}中、{said}"
    return f"{_heard(said)}、{'背景で' if how.background else 'その間に'}{listed}"


def _same_time(group: Sequence[int], texts: Sequence[str], how: Order, variant: int) -> str:
    """Japanese for sounds that are heard with each other."""
    if len(group) == 2:  # noqa: PLR2004
        brief, lasting = sorted(group, key=how.lasting.__contains__)
        if variant == 0 and lasting in how.lasting and _goes_on(texts[lasting]):
            return f"{texts[lasting]}中、{texts[brief]}"
    own = [texts[voice] for voice in group]
    link = ("と同時に、", "一方で、")[variant]
    return "、".join([*map(_heard, own[:-2]), link.join(own[-2:])])


def _goes_on(text: str) -> bool:
    return not text.endswith(("た", "だ"))


def _heard(text: str) -> str:
    """The same, to be gone on from: 犬が吠えるのが聞こえ."""
    for end, linked in _LINKED:
        if text.endswith(end):
            return text.removesuffix(end) + linked
    return f"{text}のが聞こえ"
