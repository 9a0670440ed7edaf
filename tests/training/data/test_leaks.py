"""Sources that several splits hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data.manifest import ManifestError, write_manifest
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.data.subsets import leaking, without_leaks

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = Manifest(
    recordings=(
        Recording("a", "a", "dog", Split.TRAIN),
        Recording("b", "b", "dog", Split.TEST),
        Recording("c", "c", "cat", Split.VALIDATION),
        Recording("d", "d", "cat", Split.TEST),
        Recording("e", "e", "owl", Split.TRAIN),
        Recording("f", "f", "owl", Split.TRAIN),
    ),
    captions=(Caption("of-a", "x", "en", "a"), Caption("of-e", "x", "en", "e")),
    pairs=(
        Pair("of-e", "c", label=False, provenance="p"),
        Pair("of-e", "f", label=True, provenance="p"),
    ),
    ratings=(
        Rating("of-a", "e", 1.0, "r", RatingKind.HUMAN),
        Rating("of-e", "a", 2.0, "r", RatingKind.HUMAN),
        Rating("of-e", "f", 3.0, "r", RatingKind.HUMAN),
    ),
)


def test_the_earlier_split_gives_way() -> None:
    """Train to validation and test, validation to test; the test set stays whole."""
    assert [recording.id for recording in leaking(MANIFEST)] == ["a", "c"]


def test_what_is_about_a_leaking_recording_goes_with_it(tmp_path: Path) -> None:
    """The rest can be written; before, it could not."""
    with pytest.raises(ManifestError, match="keep a source in one split"):
        write_manifest(MANIFEST, tmp_path)
    kept = without_leaks(MANIFEST)
    write_manifest(kept, tmp_path)
    assert [recording.id for recording in kept.recordings] == ["b", "d", "e", "f"]
    assert [caption.id for caption in kept.captions] == ["of-e"]
    assert [pair.recording for pair in kept.pairs] == ["f"]
    assert [rating.rating for rating in kept.ratings] == [3.0]


def test_nothing_leaks_from_a_clean_manifest() -> None:
    """And nothing is taken from it."""
    clean = without_leaks(MANIFEST)
    assert without_leaks(clean) == clean
