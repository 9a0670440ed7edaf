"""``python -m training select``: from a manifest and a model to a list for a rating console."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from tests.training.small import small_manifest, small_model
from tests.training.typed import run_typed
from training.data.manifest import write_manifest
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split
from training.model import checkpoint
from training.ratings import select_command
from training.ratings.embedded import Embedded

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_PEOPLE = frozenset({RatingKind.HUMAN, RatingKind.SIMULATED})


def embedded(manifest: Manifest) -> Embedded:
    """Training recordings and all captions, each with a direction of its own."""
    recordings = tuple(one for one in manifest.recordings if one.split is Split.TRAIN)
    unit = np.eye(16, dtype=np.float32)
    return Embedded(
        manifest.captions, recordings, unit[: len(manifest.captions)], unit[: len(recordings)]
    )


def test_rated_pairs_are_known_and_closed() -> None:
    """What people or their stand-ins rated is not asked again; people count before these."""
    manifest = small_manifest()
    human = Rating("c00", "r00", 33.0, "tanaka", RatingKind.HUMAN)
    manifest = replace(manifest, ratings=(*manifest.ratings, human))
    own = embedded(manifest)
    known, pool = select_command.survey(manifest, own, _PEOPLE)
    assert len(known.ratings) == 16
    assert known.ratings[0] == 33.0
    assert not pool.open[known.captions, known.recordings].any()
    assert pool.open.sum() == 8 * 8 - 16
    people, pool = select_command.survey(manifest, own, frozenset({RatingKind.HUMAN}))
    assert people.ratings.tolist() == [33.0]
    assert pool.open.sum() == 8 * 8 - 1


def test_labels_and_opinions_of_models_leave_a_pair_open() -> None:
    """Nobody has listened to these with a rating in mind; they are no ratings either."""
    label = Pair("c00", "r00", label=True, provenance="a")
    guess = Rating("c01", "r00", 64.0, "teacher-1", RatingKind.ESTIMATED)
    manifest = replace(small_manifest(), pairs=(label,), ratings=(guess,))
    known, pool = select_command.survey(manifest, embedded(manifest), _PEOPLE)
    assert not len(known.ratings)
    assert bool(pool.open.all())


def build(folder: Path) -> list[str]:
    """A manifest with real sound and a model; the arguments of the command."""
    rng = np.random.default_rng(0)
    recordings = []
    for at in range(12):
        split = Split.TRAIN if at < 9 else Split.TEST
        recordings.append(Recording(f"r{at}", f"r{at}.wav", f"source {at}", split))
        if at != 8:
            soundfile.write(folder / f"r{at}.wav", 0.1 * rng.standard_normal(16_000), 16_000)
    texts = ("金属部品が床に落ちた音", "a dog barks", "air hisses", "a drill, and a saw")
    captions = [Caption(f"c{at}", text, "ja" if not at else "en") for at, text in enumerate(texts)]
    captions.append(Caption("of the test", "a bell rings", "en", "r11"))
    ratings = [
        Rating(f"c{at % 2}", f"r{at}", 20.0 * at, "tanaka", RatingKind.HUMAN) for at in range(5)
    ]
    write_manifest(Manifest(tuple(recordings), tuple(captions), (), tuple(ratings)), folder / "m")
    checkpoint.save(small_model(), folder / "model.pt")
    places = {"manifest": "m", "model": "model.pt", "cache": "cache", "output": "out.jsonl"}
    named = [text for name, at in places.items() for text in (f"--{name}", str(folder / at))]
    return ["select", "--data", str(folder), *named]


def run(arguments: list[str]) -> int:
    """What ``python -m training`` does with them."""
    return run_typed(*arguments)


def test_command_writes_a_list_for_a_console(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real sound and texts: new pairs of the training split, in lists, and a summary of them."""
    arguments = build(tmp_path)
    assert run([*arguments, "--budget", "9", "--items", "3"]) == 0
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    assert len({(one["caption"], one["recording"]) for one in asked}) == 9
    assert [one["list"] for one in asked] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert all(one["recording"] in {f"r{at}" for at in range(8)} for one in asked)
    assert all(one["caption"] != "of the test" for one in asked)
    rated = {(f"c{at % 2}", f"r{at}") for at in range(5)}
    assert not rated & {(one["caption"], one["recording"]) for one in asked}
    assert list(asked[0]) == [
        "list", "caption", "text", "language", "recording", "path", "score", "why",
    ]  # fmt: skip
    assert all(one["why"].startswith("the model expects ") for one in asked)
    told = capsys.readouterr()
    assert "9 pairs in 3 lists of 3 to 3" in told.out
    assert "of 27 that may be rated" in told.out
    assert f"left out: r8: {tmp_path}/r8.wav: No such file" in told.err
    # The second time from the cache, as a table: the same pairs.
    table = ["--output", str(tmp_path / "out.csv")]
    assert run([*arguments, *table, "--budget", "9", "--items", "3"]) == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        again = list(csv.DictReader(file))
    assert [(one["caption"], one["recording"]) for one in again] == [
        (one["caption"], one["recording"]) for one in asked
    ]
    assert {one["text"] for one in again} == {one["text"] for one in asked}


def test_more_than_there_is_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that may be rated, and how many are missing."""
    assert run([*build(tmp_path), "--budget", "30"]) == 0
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 27
    assert "3 fewer than asked for" in capsys.readouterr().out


def test_output_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """Before anything is embedded."""
    arguments = [*build(tmp_path), "--budget", "3", "--output", str(tmp_path / "out.xlsx")]
    with pytest.raises(ValueError, match=r"ends in \.jsonl or \.csv"):
        run(arguments)
    assert not (tmp_path / "cache").exists()
