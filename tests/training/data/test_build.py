"""``python -m training manifest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.__main__ import main
from training.data.build import read_data_sets
from training.data.manifest import load_manifest
from training.data.readers import tau
from training.data.records import Split

if TYPE_CHECKING:
    import pytest


def test_command_writes_a_manifest_of_all_sets(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2,224 recordings but for two that a later split holds; none of the fan's is learned."""
    arguments = ["manifest", "--data", str(data_dir), "--output", str(tmp_path / "data")]
    assert main(arguments) == 0
    manifest = load_manifest(tmp_path / "data")
    assert len(manifest.recordings) == 1_078 + 260 + 48 + 116 + 682 + 40 - 2
    assert all(not Path(recording.path).is_absolute() for recording in manifest.recordings)
    assert all((data_dir / recording.path).is_file() for recording in manifest.recordings)
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["esc50-40", "509", "281", "288", "677", "0"]
    assert printed[-2] == "left out: 2 recordings of 2 sources that a later split holds"
    assert printed[-1] == f"wrote {tmp_path / 'data'}"


def test_one_set_may_be_chosen(data_dir: Path, tmp_path: Path) -> None:
    """Who trains on motors needs no birds."""
    output = str(tmp_path / "data")
    arguments = ["manifest", "--data", str(data_dir), "--output", output]
    assert main([*arguments, "--sets", "brushless-motors"]) == 0
    assert {r.id.split("/")[0] for r in load_manifest(tmp_path / "data").recordings} == {
        "brushless-motors"
    }


def test_missing_set_is_an_error_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A manifest of less than what was asked for would go unnoticed."""
    output = tmp_path / "data"
    arguments = ["--data", str(tmp_path), "--output", str(output), "--sets", "vroom-lathe"]
    assert main(["manifest", *arguments]) == 1
    assert "vroom-lathe: holds no FLAC file" in capsys.readouterr().err
    assert not output.exists()


def test_ratings_join_where_clotho_is(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sounds of Freesound that both sets hold are kept out of the earlier split."""
    sets = read_data_sets(data_dir, ["esc50-40"])
    for recording in tau.published(data_dir, tmp_path / "clotho").recordings:
        path = data_dir / recording.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    arguments = ["--data", str(data_dir), "--output", str(tmp_path / "data")]
    chosen = ["--sets", "esc50-40", "--clotho", str(tmp_path / "clotho")]
    assert main(["manifest", *arguments, *chosen]) == 0
    manifest = load_manifest(tmp_path / "data")
    ids = {recording.id for recording in manifest.recordings}
    test = [r.id for r in sets["esc50-40"].recordings if r.split is Split.TEST]
    assert ids.issuperset(test)
    sources: dict[str, set[Split]] = {}
    for recording in manifest.recordings:
        sources.setdefault(recording.source, set()).add(recording.split)
    assert all(len(splits) == 1 for splits in sources.values())
    assert "left out: " in capsys.readouterr().out
