"""Sounds of an archive found by words or by a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from agent.encoder.text import embed_texts
from agent.hearing.files import LONGEST_WHOLE_S, FileHearing, read_short
from agent.hearing.windows import windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from agent.archive.views import Place, View
    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

_WIDER = 4
"""How many times more windows are asked for where too many of them were of one sound."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: in words by the joint view, as a recording by the acoustic one."""

    view: View
    vectors: FloatArray
    """Unit length, float32, ``(vectors, size)``: the best of them counts."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A window that resembles the query."""

    place: Place
    cosine: float


class Searched(Protocol):
    """Where the views of an archive can be searched."""

    def nearest(self, view: View, vector: FloatArray, most: int) -> list[Hit]:
        """The windows that resemble a vector most, the best first; fewer if there are fewer."""


def of_text(bundle: Bundle, text: str) -> Query:
    """What a text means.

    Raises:
        TextError: the bundle cannot read it.
        BundleError: its text side cannot be run here.
    """
    return Query("joint", embed_texts(bundle, [text], None))


def of_clip(bundle: Bundle, path: Path, remark: Callable[[str], None]) -> Query:
    """What a recording sounds like, window by window.

    Raises:
        AudioFileError: it cannot be read, or is longer than a minute.
    """
    hearing = FileHearing.of(bundle)
    remedy = f"cut out what is looked for, at most {LONGEST_WHOLE_S:.0f} s"
    samples = read_short(path, hearing.rate_hz, LONGEST_WHOLE_S, remedy, remark=remark)
    windows = windows_of(bundle, path.name, [samples], hearing.hop_s, rest=True)
    return Query("acoustic", hearing.encoder.embed(list(windows)).acoustic)


def search(searched: Searched, query: Query, top: int) -> list[Hit]:
    """The sounds that resemble a query most: of windows that overlap, the best one.

    Args:
        searched: the archive.
        query: what is looked for.
        top: sounds at the most.
    """
    asked = top * _WIDER
    while True:
        found = [searched.nearest(query.view, vector, asked) for vector in query.vectors]
        apart = _apart(sorted((hit for hits in found for hit in hits), key=_best_first))
        if len(apart) >= top or all(len(hits) < asked for hits in found):
            return apart[:top]
        asked *= _WIDER


def _best_first(hit: Hit) -> tuple[float, str, float]:
    return -hit.cosine, hit.place.file, hit.place.start


def _apart(hits: Iterable[Hit]) -> list[Hit]:
    """Those that overlap no better one."""
    taken: dict[str, list[Place]] = {}
    kept = []
    for hit in hits:
        others = taken.setdefault(hit.place.file, [])
        if not _overlaps(hit.place, others):
            others.append(hit.place)
            kept.append(hit)
    return kept


def _overlaps(place: Place, others: Sequence[Place]) -> bool:
    return any(place.start < other.end and other.start < place.end for other in others)


def cosines(rows: FloatArray, vector: FloatArray) -> FloatArray:
    """Of rows that 16-bit floats left a little off unit length, ``(rows,)``."""
    products: FloatArray = rows @ vector / np.maximum(np.linalg.norm(rows, axis=1), 1e-6)
    return products
