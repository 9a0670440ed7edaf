"""What recordings sound like in words: wordings of each label, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Numbers
from training.data.captions import CaptionKind, Described
from training.data.lexicon import Entry, by_label
from training.data.readers import effects
from training.data.takes import Take


@dataclass(frozen=True, slots=True)
class Meaning:
    """What some labels mean, as people say it."""

    wordings: Mapping[str, tuple[str, ...]]
    """By language, the plainest first."""


@dataclass(frozen=True, slots=True)
class TakeMeanings:
    """What each recording means."""

    meanings: tuple[Meaning, ...]
    of_take: Numbers
    """Number of each take's meaning, then of each synthetic recording's; -1 where nobody has put
    it into words."""


def take_meanings(
    known: Sequence[Take],
    lexicon: Sequence[Entry],
    captions: Sequence[Described],
    kinds: Sequence[str] = (),
) -> TakeMeanings:
    """What takes sound like, and synthetic recordings after them.

    Labels of effects are worded by the lexicon, which several of them may share an entry of;
    classes of the other sets by their captions. Captions of single recordings are left out.

    Args:
        known: the takes.
        lexicon: its entries.
        captions: of classes.
        kinds: of synthetic recordings: what the lexicon's entry of each begins with.

    Raises:
        KeyError: no entry begins with a kind.
    """
    entries = {effects.class_name(label): entry for label, entry in by_label(lexicon).items()}
    worded: dict[tuple[str, str], dict[str, list[str]]] = {}
    for caption in captions:
        if not caption.recordings:
            of_class = worded.setdefault((caption.data_set, caption.name), {})
            texts = of_class.setdefault(caption.language, [])
            texts.insert(0 if caption.kind is CaptionKind.NAME else len(texts), caption.text)
    numbered = _Numbered()
    of_take = []
    for take in known:
        wordings: Mapping[str, tuple[str, ...]] | None = None
        key: object = (take.data_set, take.label)
        if take.data_set in effects.SETS:
            entry = entries.get(take.label)
            if entry is not None:
                key = entry.where
                names = map(effects.class_name, entry.labels)
                own = (name for name in names if name not in entry.en)
                wordings = {"en": (*own, *entry.en), "ja": entry.ja}
        elif (found := worded.get((take.data_set, take.label))) and "ja" in found:
            wordings = {"en": (take.label, *found.get("en", ())), "ja": tuple(found["ja"])}
        if wordings is None:
            of_take.append(-1)
            continue
        of_take.append(numbered.number(key, wordings))
    first = {entry.en[0]: entry for entry in lexicon}
    for kind in kinds:
        entry = first[kind]
        of_take.append(numbered.number(entry.where, {"en": entry.en, "ja": entry.ja}))
    return TakeMeanings(tuple(numbered.meanings), np.array(of_take))


class _Numbered:
    """Meanings by what they are known by, numbered as they come."""

    def __init__(self) -> None:
        self.meanings: list[Meaning] = []
        self._numbers: dict[object, int] = {}

    def number(self, key: object, wordings: Mapping[str, tuple[str, ...]]) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.meanings)
            self.meanings.append(Meaning(wordings))
        return self._numbers[key]
