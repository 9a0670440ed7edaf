"""``python -m training rate``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from tests.training.small import small_model
from tests.training.typed import run_typed
from training.data.contents import Contents, Part, alone, read_contents, write_contents
from training.data.manifest import load_manifest, write_manifest
from training.data.readers.classes import CLASS_LABEL, class_caption
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.model import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_NAMES = ("cow", "sheep", "siren", "engine", "rain")
_RATE_HZ = 32_000


def rate(*arguments: str) -> int:
    """Run the command."""
    return run_typed("rate", *arguments)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A manifest with contents: recordings of five classes and a mixture in each split.

    One class has no nodes; two recordings are there as sound.
    """
    recordings, pairs, contents = [], [], []
    for split in Split:
        for name in _NAMES:
            for take in range(3):
                one = f"{split}-{name}-{take}"
                path = tmp_path / f"{one}.wav"
                recordings.append(Recording(one, str(path), one, split))
                pairs.append(Pair(class_caption("esc50-40", name), one, True, CLASS_LABEL))
                contents.append(alone(one, class_caption("esc50-40", name)))
        one = f"{split}-mixed"
        recordings.append(Recording(one, f"{one}.flac", f"mixed/{split}", split))
        parts = [
            Part(f"{split}-{name}-0", class_caption("esc50-40", name), level, 1.0, 1.0)
            for name, level in (("cow", -3.0), ("engine", 3.0))
        ]
        contents.append(Contents(one, tuple(parts)))
    for at, name in enumerate(("train-cow-0", "train-siren-1", "train-engine-2")):
        samples = 0.1 * np.random.default_rng(at).standard_normal(_RATE_HZ)
        soundfile.write(tmp_path / f"{name}.wav", samples, _RATE_HZ)
    captions = [Caption(class_caption("esc50-40", name), name, "en") for name in _NAMES]
    captions.append(Caption("m", "エンジンが回り、牛が鳴く", "ja", "test-mixed"))
    human = (Rating("m", "test-mixed", 70.0, "tanaka", RatingKind.HUMAN),)
    manifest = Manifest(tuple(recordings), tuple(captions), tuple(pairs), human)
    write_manifest(manifest, tmp_path / "mixed")
    write_contents(contents, tmp_path / "mixed", manifest)
    return tmp_path / "mixed"


def test_simulated_ratings_are_added_and_nothing_else_changes(
    data_dir: Path, mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All in 0 to 100 and of their kind, each list within one split; the rest is copied."""
    output = tmp_path / "rated"
    arguments = ["--data", str(data_dir), "--manifest", str(mixed), "--output", str(output)]
    assert rate(*arguments, "--items", "6", "--raters", "3") == 0
    before, after = load_manifest(mixed), load_manifest(output)
    assert after.recordings == before.recordings
    assert after.captions == before.captions
    assert after.pairs == before.pairs
    assert after.ratings[:1] == before.ratings
    assert read_contents(output, after) == read_contents(mixed, before)
    made = after.ratings[1:]
    assert {one.kind for one in made} == {RatingKind.SIMULATED}
    assert {one.rater for one in made} <= {"sim-01", "sim-02", "sim-03"}
    assert all(0.0 <= one.rating <= 100.0 for one in made)
    # "rain" has no nodes.
    assert not any("/rain" in one.caption or "-rain-" in one.recording for one in made)
    lists = Counter((one.caption, one.rater, one.recording.split("-")[0]) for one in made)
    assert set(lists.values()) == {6}
    assert {split for caption, _, split in lists if caption == "m"} == {"test"}
    fitting = [one.rating for one in made if one.recording.split("-")[1] in one.caption]
    others = [one.rating for one in made if one.recording.split("-")[1] not in one.caption]
    assert np.mean(fitting) > 50.0 > np.mean(others)
    printed = capsys.readouterr().out
    assert "left out: 9 recordings whose contents are not known or have no nodes" in printed
    assert "left out: 1 captions that name no class with nodes" in printed
    for split, count in (("train", 4), ("validation", 4), ("test", 5)):
        assert any(
            line.split()[:3] == ["simulated", split, str(count)] for line in printed.splitlines()
        )


def test_the_same_seed_writes_the_same_bytes(data_dir: Path, mixed: Path, tmp_path: Path) -> None:
    """And another seed others; fewer lists are some of them."""
    arguments = ["--data", str(data_dir), "--manifest", str(mixed), "--items", "6"]
    for name, more in (("a", []), ("b", []), ("c", ["--seed", "1"]), ("d", ["--lists", "2"])):
        assert rate(*arguments, "--output", str(tmp_path / name), *more) == 0
    written = {name: (tmp_path / name / "ratings.jsonl").read_text("utf-8") for name in "abcd"}
    assert written["a"] == written["b"] != written["c"]
    assert set(written["d"].splitlines()) < set(written["a"].splitlines())
    few = load_manifest(tmp_path / "d").ratings[1:]
    assert len({(one.caption, one.recording.split("-")[0]) for one in few}) == 2 * 3


def test_estimated_ratings_name_their_model_and_what_cannot_be_read(
    data_dir: Path, mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside simulated ones, never mixed with them."""
    checkpoint.save(small_model(), tmp_path / "model.pt")
    output = tmp_path / "rated"
    arguments = ["--data", str(data_dir), "--manifest", str(mixed), "--output", str(output)]
    chosen = ["--kind", "estimated", "--kind", "simulated", "--model", str(tmp_path / "model.pt")]
    assert rate(*arguments, *chosen, "--cache", str(tmp_path / "cache"), "--lists", "2") == 0
    ratings = load_manifest(output).ratings
    kinds = {one.rater: one.kind for one in ratings}
    teachers = [rater for rater, kind in kinds.items() if kind is RatingKind.ESTIMATED]
    assert len(teachers) == 1
    assert teachers[0].startswith("teacher-")
    made = [one for one in ratings if one.kind is RatingKind.ESTIMATED]
    assert {one.recording for one in made} == {"train-cow-0", "train-siren-1", "train-engine-2"}
    assert all(0.0 <= one.rating <= 100.0 for one in made)
    assert RatingKind.SIMULATED in kinds.values()
    printed = capsys.readouterr().out
    assert "left out: train-rain-0: " in printed
    assert f"left out: {3 * 16 - 3} recordings that cannot be read" in printed


def test_wrong_use_is_an_error_and_nothing_is_written(
    data_dir: Path, mixed: Path, tmp_path: Path
) -> None:
    """The manifest itself as output, ratings that are there already, contents that are not."""
    data = ["--data", str(data_dir)]
    with pytest.raises(ValueError, match="is the manifest itself; name another folder"):
        rate(*data, "--manifest", str(mixed), "--output", str(mixed))
    first, again = tmp_path / "first", tmp_path / "again"
    assert rate(*data, "--manifest", str(mixed), "--output", str(first), "--lists", "3") == 0
    with pytest.raises(ValueError, match=r"has ratings by sim-0.* already; name a manifest"):
        rate(*data, "--manifest", str(first), "--output", str(again), "--lists", "3")
    (mixed / "contents.jsonl").unlink()
    with pytest.raises(ValueError, match=r"contents\.jsonl: is missing; write it with"):
        rate(*data, "--manifest", str(mixed), "--output", str(again))
    assert not again.exists()


@pytest.mark.parametrize("arguments", [["--lists", "0"], ["--seed", "-1"], ["--kind", "human"]])
def test_wrong_argument_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage is told; nobody but people makes human ratings."""
    with pytest.raises(SystemExit) as caught:
        rate(*arguments)
    assert caught.value.code == 2
    assert "error: argument" in capsys.readouterr().err
