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
    """Number of each take's meaning; -1 where nobody has put it into words."""


def take_meanings(
    known: Sequence[Take], lexicon: Sequence[Entry], captions: Sequence[Described]
) -> TakeMeanings:
    """What takes sound like.

    Labels of effects are worded by the lexicon, which several of them may share an entry of;
    classes of the other sets by their captions. Captions of single recordings are left out.

    Args:
        known: the takes.
        lexicon: its entries.
        captions: of classes.
    """
    entries = {effects.class_name(label): entry for label, entry in by_label(lexicon).items()}
    worded: dict[tuple[str, str], dict[str, list[str]]] = {}
    for caption in captions:
        if not caption.recordings:
            of_class = worded.setdefault((caption.data_set, caption.name), {})
            texts = of_class.setdefault(caption.language, [])
            texts.insert(0 if caption.kind is CaptionKind.NAME else len(texts), caption.text)
    numbers: dict[object, int] = {}
    meanings: list[Meaning] = []
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
        if key not in numbers:
            numbers[key] = len(meanings)
            meanings.append(Meaning(wordings))
        of_take.append(numbers[key])
    return TakeMeanings(tuple(meanings), np.array(of_take))
