"""The texts that classes are told by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.training.evaluation.world import world
from training.data.build import read_data_set
from training.evaluation.classes import Classes

if TYPE_CHECKING:
    from pathlib import Path

    from training.data.records import Manifest

pytestmark = pytest.mark.torch


def _positives(manifest: Manifest) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for caption, recording in manifest.positives():
        found.setdefault(caption, set()).add(recording)
    return {name: frozenset(own) for name, own in found.items()}


@pytest.mark.parametrize("name", ["esc50-40", "brushless-motors", "vroom-lathe", "mimii-fan"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_shipped_names_are_of_the_set_s_classes(data_dir: Path, name: str, language: str) -> None:
    """Each text of configs/evaluation is of a class that has recordings, and none is missing."""
    manifest = read_data_set(data_dir, name)
    positives = _positives(manifest)
    classes = Classes.of(manifest, positives, name)
    texts = classes.names(manifest.captions, positives, language)
    assert {one.class_name for one in texts} == set(classes.recordings)
    assert len(texts) == len(classes.recordings)
    assert all(classes.recordings.values())


def test_wrong_operation_is_not_taken_for_the_right_one(data_dir: Path) -> None:
    """The text about speeding is of the recordings that are too fast."""
    manifest = read_data_set(data_dir, "vroom-lathe")
    positives = _positives(manifest)
    classes = Classes.of(manifest, positives, "vroom-lathe")
    texts = classes.names(manifest.captions, positives, "en")
    fast = next(one.class_name for one in texts if "too fast" in one.text)
    assert all("/too_fast/" in one for one in classes.recordings[fast])


def test_captions_where_there_is_no_file() -> None:
    """Class names in English, captions of the kind ``name`` in Japanese, onomatopoeia apart."""
    manifest = world()
    positives = _positives(manifest)
    classes = Classes.of(manifest, positives, "s")
    names = {
        language: [
            (one.text, one.class_name)
            for one in classes.names(manifest.captions, positives, language)
        ][:2]
        for language in ("en", "ja")
    }
    assert names["en"] == [("bell 0", "bell"), ("horn 1", "horn")]
    assert names["ja"] == [("0 の音", "bell"), ("1 の音", "horn")]
    imitated = classes.onomatopoeia(manifest.captions, positives, "ja")
    assert (imitated[3].text, imitated[3].class_name) == ("ガン 3", "saw")
    assert classes.onomatopoeia(manifest.captions, positives, "en") == ()
