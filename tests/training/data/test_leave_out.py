"""A manifest without some classes."""

from __future__ import annotations

import pytest

from training.data.contents import Contents, Part
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.data.subsets import without_classes

_RECORDINGS = ("frog1", "frog2", "dog1", "mixed", "faint")


def _manifest() -> Manifest:
    return Manifest(
        recordings=tuple(Recording(one, f"{one}.flac", one, Split.TRAIN) for one in _RECORDINGS),
        captions=(
            Caption("pond/class/tree frog", "tree frog", "en"),
            Caption("pond/class/dog", "dog", "en"),
            Caption("croak", "croaking", "en"),
            Caption("both", "a dog barks while a frog croaks", "en", "mixed"),
        ),
        pairs=(
            Pair("pond/class/tree frog", "frog1", True, "class label"),
            Pair("pond/class/tree frog", "frog2", True, "class label"),
            Pair("croak", "frog1", True, "class label"),
            Pair("pond/class/dog", "dog1", True, "class label"),
            Pair("pond/class/dog", "faint", True, "class label"),
        ),
        ratings=tuple(
            Rating("pond/class/dog", one, 50.0, "a", RatingKind.SIMULATED) for one in _RECORDINGS
        ),
    )


def _contents() -> tuple[Contents, ...]:
    def part(name: str, level_db: float) -> Part:
        return Part("x", f"pond/class/{name}", level_db, 0.0, 1.0)

    return (
        Contents("mixed", (part("dog", 3.0), part("tree frog", -3.0))),
        Contents("faint", (part("dog", 20.0), part("tree frog", -20.0))),
        Contents("dog1", (part("dog", 60.0),)),
    )


def test_nothing_of_the_class_is_left() -> None:
    """Neither its recordings, nor mixtures that hold it faintly, nor its captions."""
    left = without_classes(_manifest(), ["pond/tree_frog"], _contents())
    assert [one.id for one in left.recordings] == ["dog1"]
    assert [one.id for one in left.captions] == ["pond/class/dog"]
    assert [one.recording for one in left.pairs] == ["dog1"]
    assert [one.recording for one in left.ratings] == ["dog1"]


def test_unknown_class_is_named() -> None:
    """Nobody measures by mistake what a training keeps of what it has heard."""
    with pytest.raises(ValueError, match="pond/class/toad: no such class"):
        without_classes(_manifest(), ["pond/toad"], ())
