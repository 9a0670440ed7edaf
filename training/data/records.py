"""Frozen values of a manifest: see docs/manifest.md."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

LOWEST_RATING = 0.0
HIGHEST_RATING = 100.0


class Split(StrEnum):
    """What a recording may be used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class RatingKind(StrEnum):
    """Where a rating comes from; never confused, never averaged together."""

    HUMAN = "human"
    SIMULATED = "simulated"
    ESTIMATED = "estimated"

    @property
    def measures(self) -> bool:
        """Whether models may be judged by it: not by what a model thinks."""
        return self is not RatingKind.ESTIMATED


@dataclass(frozen=True, slots=True)
class Recording:
    """One sound file."""

    id: str
    path: str
    """Relative to the data folder, with ``/``; or absolute."""
    source: str
    """What it was cut from or who made it: never in two splits."""
    split: Split
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """One text about sounds."""

    id: str
    text: str
    language: str
    """Two or three lower-case letters (ISO 639): ``ja``, ``en``."""
    recording: str | None = None
    """The recording that it was written for: a positive pair without a line of its own."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Someone's or something's yes or no: does the caption fit the recording?"""

    caption: str
    recording: str
    label: bool
    provenance: str
    """Who or what says so: ``class label``, ``verdict of shift-a`` ..."""


@dataclass(frozen=True, slots=True)
class Rating:
    """How well a caption fits a recording, 0 (not at all) to 100."""

    caption: str
    recording: str
    rating: float
    rater: str
    kind: RatingKind


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that one training learns from; ids are unique, references resolve."""

    recordings: tuple[Recording, ...] = ()
    captions: tuple[Caption, ...] = ()
    pairs: tuple[Pair, ...] = ()
    ratings: tuple[Rating, ...] = ()

    def __add__(self, other: Manifest) -> Manifest:
        return Manifest(
            self.recordings + other.recordings,
            self.captions + other.captions,
            self.pairs + other.pairs,
            self.ratings + other.ratings,
        )

    def without(self, recordings: Collection[str] = (), captions: Collection[str] = ()) -> Manifest:
        """Less some recordings and captions, by id, and all that is about them.

        A caption that was written for one of the recordings goes with it.
        """
        gone = {c.id for c in self.captions if c.id in captions or c.recording in recordings}
        return Manifest(
            tuple(r for r in self.recordings if r.id not in recordings),
            tuple(c for c in self.captions if c.id not in gone),
            tuple(p for p in self.pairs if not (p.recording in recordings or p.caption in gone)),
            tuple(r for r in self.ratings if not (r.recording in recordings or r.caption in gone)),
        )

    def fitting(self) -> dict[str, frozenset[str]]:
        """Recordings that fit, by caption; captions that fit none are left out."""
        found: dict[str, set[str]] = {}
        for caption, recording in self.positives():
            found.setdefault(caption, set()).add(recording)
        return {caption: frozenset(own) for caption, own in found.items()}

    def positives(self) -> frozenset[tuple[str, str]]:
        """(caption, recording) of all pairs that fit, by label or because it was written for it."""
        written = {(c.id, c.recording) for c in self.captions if c.recording is not None}
        return frozenset(written | {(p.caption, p.recording) for p in self.pairs if p.label})
