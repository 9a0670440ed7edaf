"""The graded relevances as lists: what was rated, and what is known of it without its sound."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.data.arrays import Mask, Values
from training.data.readers import tau
from training.data.readers.table import Line, read_table
from training.data.readers.tau import Group
from training.data.records import Recording

OWN, SIMILAR, OTHER = "own recording", "first five", "other candidates"
UNRELATED = "unrelated"
FIRST = 5
"""The query tables name five candidates first that were evidently chosen as similar: they are
rated 46 on average, the ten after them 4. The tables do not say how either were chosen."""
CLOTHO_RATE_HZ = 44_100
"""Clotho's cuts are told in samples of this rate."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A rated recording and what was published about it."""

    recording: Recording
    keywords: tuple[str, ...]
    """Its tags on Freesound."""
    cut_s: float
    """Length of what was cut out of the sound on Freesound; NaN where it was taken whole."""
    captions: tuple[str, ...]
    """Written for it."""


@dataclass(frozen=True, slots=True)
class RatedLists:
    """All ratings; arrays are ``(lists, items)``, unrated places are at the end."""

    captions: tuple[str, ...]
    """Text of each list's caption."""
    clips: tuple[Clip, ...]
    places: npt.NDArray[np.intp]
    """Which clip was rated."""
    ratings: Values
    """0 to 100; 0 at unrated places."""
    groups: npt.NDArray[np.str_]
    """Values of :class:`Group`; empty at unrated places."""

    similar: Mask
    """Which candidates are among the first five of their query table."""

    def of(self, group: Group) -> Mask:
        """Where items of a group are."""
        return np.asarray(self.groups == str(group), dtype=np.bool_)

    def kinds(self) -> dict[str, Mask]:
        """Where the items of each kind are: candidates of two kinds, see :data:`FIRST`."""
        candidates = self.of(Group.CANDIDATE)
        return {
            OWN: self.of(Group.PAIRED),
            SIMILAR: candidates & self.similar,
            OTHER: candidates & ~self.similar,
            UNRELATED: self.of(Group.UNRELATED),
        }


def read_lists(data: Path, clotho: Path | None = None) -> RatedLists:
    """All published lists with their clips.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
        ValueError: there is no rating, or a rated recording has no caption.
    """
    published = tau.published(data, clotho)
    texts = {caption.id: caption.text for caption in published.captions}
    written: dict[str, list[str]] = {}
    for caption in published.captions:
        written.setdefault(str(caption.recording), []).append(caption.text)
    rated: dict[str, list[tau.Relevance]] = {}
    for relevance in tau.relevances(data):
        rated.setdefault(relevance.caption, []).append(relevance)
    if not rated:
        raise ValueError(f"{data / tau.NAME}: holds no ratings; copy the whole set there")
    wanted = dict.fromkeys(row.recording for rows in rated.values() for row in rows)
    if missing := [name for name in wanted if name not in written]:
        raise ValueError(
            f"{data / tau.NAME}/text_data: holds no caption of {len(missing)} rated recordings, "
            f"such as {missing[0]!r}; copy the whole set there"
        )
    about = _metadata(data)
    recordings = {clip.id: clip for clip in published.recordings}
    clips = tuple(Clip(recordings[name], *about[name], tuple(written[name])) for name in wanted)
    index = {name: at for at, name in enumerate(wanted)}
    shape = len(rated), max(len(rows) for rows in rated.values())
    places, ratings = np.zeros(shape, np.intp), np.zeros(shape)
    groups = np.full(shape, "", dtype="<U8")
    similar = np.zeros(shape, np.bool_)
    first = _first(data)
    for at, rows in enumerate(rated.values()):
        for item, rating in enumerate(rows):
            places[at, item] = index[rating.recording]
            ratings[at, item] = rating.rating
            groups[at, item] = str(rating.group)
            similar[at, item] = rating.recording in first.get(rating.caption, ())
    captions = tuple(texts[name] for name in rated)
    return RatedLists(captions, clips, places, ratings, groups, similar)


def _first(data: Path) -> dict[str, frozenset[str]]:
    """The first candidates of each caption's line in the query tables."""
    folder = data / tau.NAME / "query_data"
    paths = sorted(folder.glob("*_queries.csv"))
    if not paths:
        raise FileNotFoundError(f"{folder}: holds no *_queries.csv; put {tau.NAME} there")
    found = {}
    for path in paths:
        for line in read_table(path, ("tid", "fid_C15"), tau.NAME):
            try:
                names = ast.literal_eval(line["fid_C15"])
                first = frozenset(f"{tau.CLOTHO}/{name}" for name in names[:FIRST])
            except (ValueError, SyntaxError, TypeError) as error:
                raise line.wrong("fid_C15", "write a list of names in quotes") from error
            found[f"{tau.CLOTHO}/{line['tid']}"] = first
    return found


def _metadata(data: Path) -> dict[str, tuple[tuple[str, ...], float]]:
    folder = data / tau.NAME / "audio_metadata"
    found = {}
    for path in sorted(folder.glob("*_audio_metadata.csv")):
        for line in read_table(path, ("fid", "keywords", "start_end_samples"), tau.NAME):
            words = tuple(filter(None, (word.strip() for word in line["keywords"].split(";"))))
            found[f"{tau.CLOTHO}/{line['fid']}"] = words, _cut_s(line)
    return found


def _cut_s(line: Line) -> float:
    if not line["start_end_samples"]:
        return float("nan")
    try:
        start, end = json.loads(line["start_end_samples"])
        return (int(end) - int(start)) / CLOTHO_RATE_HZ
    except (ValueError, TypeError) as error:
        raise line.wrong("start_end_samples", "write [first, last], or nothing") from error
