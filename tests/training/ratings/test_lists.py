"""Ratings as lists, and what is left of them as labels."""

from __future__ import annotations

from training.data.records import Rating, RatingKind
from training.ratings.lists import RatedList, binarised, rated_lists

RATINGS = (
    Rating("c1", "r1", 90.0, "a", RatingKind.HUMAN),
    Rating("c2", "r1", 10.0, "a", RatingKind.HUMAN),
    Rating("c1", "r2", 50.0, "a", RatingKind.HUMAN),
    Rating("c1", "r1", 60.0, "b", RatingKind.HUMAN),
    Rating("c1", "r1", 0.0, "model", RatingKind.SIMULATED),
)


def test_raters_are_averaged_and_kinds_are_not() -> None:
    """One list a caption and kind, in the order in which they come."""
    assert rated_lists(RATINGS) == (
        RatedList("c1", RatingKind.HUMAN, ("r1", "r2"), (75.0, 50.0)),
        RatedList("c2", RatingKind.HUMAN, ("r1",), (10.0,)),
        RatedList("c1", RatingKind.SIMULATED, ("r1",), (0.0,)),
    )


def test_labels_start_at_the_threshold() -> None:
    """The threshold itself is a yes; where the label comes from is told."""
    pairs = binarised(rated_lists(RATINGS), 50.0)
    assert [(pair.caption, pair.recording, pair.label) for pair in pairs] == [
        ("c1", "r1", True),
        ("c1", "r2", True),
        ("c2", "r1", False),
        ("c1", "r1", False),
    ]
    assert pairs[0].provenance == "human rating, from 50"
    assert pairs[3].provenance == "simulated rating, from 50"
