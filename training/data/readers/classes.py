"""Data sets whose recordings have a class: the class's name is a caption of them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.data.records import Caption, Manifest, Pair, Recording, Split

CLASS = "/class/"
"""In the id of a caption, between its data set and the class that it names."""
CLASS_LABEL = "class label"
"""Provenance of the pairs: who collected the set named the class."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recording and the class that it belongs to."""

    recording: Recording
    name: str
    """In English words: ``metal hit``."""

    @classmethod
    def of(
        cls, data_set: str, inside: str, name: str, source: str, split: Split, *terms: str
    ) -> Labelled:
        """A file of a data set.

        Args:
            data_set: its folder in the data folder.
            inside: path of the file in it; ``audio/`` is no part of the recording's id.
            name: of the class.
            source: what it was cut from or who made it.
            split: what it may be used for.
            terms: licence and attribution.
        """
        identity = recording_id(data_set, inside)
        return cls(Recording(identity, f"{data_set}/{inside}", source, split, *terms), name)


def recording_id(data_set: str, inside: str) -> str:
    """Id of a recording, from its set and the path of its file in it."""
    return f"{data_set}/{inside.removeprefix('audio/').rpartition('.')[0]}"


def class_caption(data_set: str, name: str) -> str:
    """Id of the caption that names a class."""
    return f"{data_set}{CLASS}{name}"


def class_manifest(data_set: str, labelled: Iterable[Labelled]) -> Manifest:
    """Recordings, one English caption a class, and a pair for each recording and its class."""
    labelled = tuple(labelled)
    names = dict.fromkeys(clip.name for clip in labelled)
    return Manifest(
        recordings=tuple(clip.recording for clip in labelled),
        captions=tuple(Caption(class_caption(data_set, name), name, "en") for name in names),
        pairs=tuple(
            Pair(class_caption(data_set, clip.name), clip.recording.id, True, CLASS_LABEL)
            for clip in labelled
        ),
    )
