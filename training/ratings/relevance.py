"""How relevant a recording of known contents is to a caption that names classes.

The relevance of one class is that of the part that answers it best: how audible the part is, times
how near its class is in AudioSet's ontology. A caption that names several classes asks for all of
them: theirs are averaged. What else is heard costs nothing, beyond what it masks.

The numbers of :class:`Masking` are assumed, not measured: no listening test stands behind them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from training.data.arrays import Values
from training.data.contents import Contents, Part, classes
from training.data.mix_command import AUDIBLE_DB
from training.data.ontology import ClassNodes
from training.data.readers.classes import CLASS_LABEL
from training.data.records import Manifest

Meaning: TypeAlias = "tuple[tuple[str, ...], ...]"
"""Classes that a caption names, by their captions' ids: all of these, each by any of its classes
(a ``click`` may be a mouse's or a key's)."""


@dataclass(frozen=True, slots=True)
class Masking:
    """When a sound among others is heard."""

    half_db: float = -10.0
    """Level over everything else at which a sound is half audible."""
    slope_db: float = 4.0
    """Width of the logistic."""
    release_db: float = 6.0
    """What a part gains that sounds while no other part does."""
    full_share: float = 0.25
    """A part that sounds for less of the time loses 3 dB with every halving."""

    def audibility(self, part: Part) -> float:
        """0 (not heard) to 1; rises with level and share, falls with overlap."""
        if part.share <= 0.0:
            return 0.0
        short_db = min(0.0, 10.0 * math.log10(part.share / self.full_share))
        level_db = part.level_db + self.release_db * (1.0 - part.overlap) + short_db
        return 1.0 / (1.0 + math.exp((self.half_db - level_db) / self.slope_db))


@dataclass(frozen=True, slots=True, eq=False)
class Audibility:
    """How audible classes are in recordings."""

    classes: tuple[str, ...]
    """Ids of the captions that name them."""
    audible: Values
    """Of each recording and class, ``(recordings, classes)``; 0 where it is no part."""


def audibility_in(contents: Sequence[Contents], hearing: Masking | None = None) -> Audibility:
    """How audible the parts of recordings are."""
    hearing = hearing or Masking()
    named = {part.caption for content in contents for part in content.parts}
    column = {caption: at for at, caption in enumerate(sorted(named))}
    audible = np.zeros((len(contents), len(column)))
    for row, clip in zip(audible, contents, strict=True):
        for part in clip.parts:
            at = column[part.caption]
            row[at] = max(row[at], hearing.audibility(part))
    return Audibility(tuple(column), audible)


class Judge:
    """Relevance of recordings to captions; remembers how near classes are."""

    def __init__(self, nodes: ClassNodes, semantic: float) -> None:
        """Judge by an ontology.

        Args:
            nodes: where classes stand.
            semantic: exponent of the similarity, see :class:`RaterModel`.
        """
        self._nodes = nodes
        self._semantic = semantic
        self._known: dict[tuple[str, str], float] = {}

    def knows(self, named: str) -> bool:
        """Whether a class, by its caption's id, stands in the ontology."""
        return named in self._nodes.nodes

    def understands(self, meaning: Meaning) -> bool:
        """Whether all classes of a meaning stand in the ontology."""
        return all(self.knows(name) for any_of in meaning for name in any_of)

    def nearness(self, named: str, heard: str) -> float:
        """Of two classes by their captions' ids, 0 to 1.

        Raises:
            KeyError: one is not known.
        """
        key = (named, heard)
        if key not in self._known:
            self._known[key] = self._nodes.similarity(named, heard) ** self._semantic
        return self._known[key]

    def relevance(self, meaning: Meaning, heard: Audibility) -> Values:
        """Of recordings to a caption of some meaning, 0 to 1, ``(recordings,)``.

        Raises:
            KeyError: a class is not known.
        """
        answered = np.zeros(len(heard.audible))
        for any_of in meaning:
            near = [[self.nearness(name, other) for other in heard.classes] for name in any_of]
            answered += (heard.audible * np.max(near, axis=0)).max(axis=1)
        relevance: Values = answered / len(meaning)
        return relevance


def meanings(manifest: Manifest, contents: Mapping[str, Contents]) -> dict[str, Meaning]:
    """What captions name, by the caption's id; captions of unknown meaning are absent.

    A class's own caption names it; a caption that was written for a recording of known contents
    names all parts that are loud enough to be in it; any other names the class of the recordings
    that it is paired with, or any of their classes where several share it.

    Args:
        manifest: with captions and pairs.
        contents: by recording.
    """
    own = classes(manifest)
    found: dict[str, Meaning] = {caption: ((caption,),) for caption in dict.fromkeys(own.values())}
    paired: dict[str, dict[str, None]] = {}
    for pair in manifest.pairs:
        if pair.label and pair.provenance == CLASS_LABEL and pair.recording in own:
            paired.setdefault(pair.caption, {})[own[pair.recording]] = None
    for caption in manifest.captions:
        if caption.id in found:
            continue
        if caption.recording is not None and caption.recording in contents:
            parts = contents[caption.recording].parts
            least = min(AUDIBLE_DB, max(part.level_db for part in parts))
            audible = dict.fromkeys(part.caption for part in parts if part.level_db >= least)
            found[caption.id] = tuple((caption,) for caption in audible)
        elif caption.id in paired:
            found[caption.id] = (tuple(paired[caption.id]),)
    return found
