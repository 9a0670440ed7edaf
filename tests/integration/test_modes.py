"""Nothing that lies in a state folder can be written by others, whatever the umask."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent.cli import main
from agent.core.folders import close_to_others, make
from agent.store import Store
from tests.integration.scenes import write_siren

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def modes(folder: Path) -> dict[str, int]:
    """The rights of all that lies in a folder, and of the folder."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def run(*words: str | Path, said: str = "") -> None:
    """A command of a user who has switched the umask off."""
    ended = subprocess.run(
        [sys.executable, "-m", "agent", *map(str, words)],
        input=said,
        text=True,
        umask=0,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def no_umask() -> Iterator[None]:
    """This process makes files that everybody may write, unless told otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_the_commands_write_is_closed_to_others(tmp_path: Path) -> None:
    """The agent with its clips, embeddings and journal, the console, calibrations, exports."""
    described = "version: 1\nerrors: [{id: siren, text: a siren wails, threshold: 3}]\n"
    (tmp_path / "descriptions.yaml").write_text(described)
    state = tmp_path / "new" / "state"
    config = tmp_path / "agent.yaml"
    settings = {
        "state_dir": str(state),
        "descriptions": "descriptions.yaml",
        "mqtt": {"enabled": False},
        "sources": [
            {
                "name": "hall",
                "kind": "file",
                "path": str(write_siren(tmp_path / "siren.wav")),
                "realtime": False,
            }
        ],
    }
    config.write_text(json.dumps(settings))
    run("run", "--config", config)
    run("console", "--config", config, "--set-password", said="long enough for it\n")
    run("labels", "export", state / "exports" / "labels", "--config", config)
    calibrate = ["calibrate", "--files", tmp_path / "siren.wav", "--config", config, "--json"]
    subprocess.run(
        [sys.executable, "-m", "agent", *map(str, calibrate)],
        umask=0,
        capture_output=True,
        check=False,  # the recording is too short for a threshold, and kept
    )
    store = Store.open(state)
    assert store.clips(), "the scene leaves a clip"
    found = modes(state.parent)
    store.close()
    assert not {name: oct(mode) for name, mode in found.items() if mode & 0o022}
    for made in ("clips", "embeddings", "calibration", "console", "exports/labels"):
        assert any(name.startswith(f"state/{made}/") for name in found), made
    assert {"state/kikimimi.sqlite3-wal", "state/agent.lock"} <= found.keys()


@pytest.mark.usefixtures("no_umask")
def test_every_command_closes_what_it_makes_from_its_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the one place that they all come through, before they do anything."""
    assert main(["labels", "list", "--config", "/no/such/agent.yaml"]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert os.umask(0) == 0o022


@pytest.mark.usefixtures("no_umask")
def test_folders_are_closed_with_those_above_them(tmp_path: Path) -> None:
    """Whoever makes them."""
    make(tmp_path / "a" / "b" / "c")
    assert set(modes(tmp_path / "a").values()) == {0o750}


def test_what_was_open_before_is_closed_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The right of others to write is taken, no other; links lead nowhere else."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o666)
    folder = tmp_path / "state"
    (folder / "levels").mkdir(parents=True)
    (folder / "levels").chmod(0o777)
    (folder / "levels" / "mic1.json").write_text("{}")
    (folder / "levels" / "mic1.json").chmod(0o666)
    (folder / "link").symlink_to(outside)
    close_to_others(folder)
    assert stat.S_IMODE((folder / "levels").stat().st_mode) == 0o775
    assert stat.S_IMODE((folder / "levels" / "mic1.json").stat().st_mode) == 0o664
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
    told = [(one.getMessage(), vars(one)["path"]) for one in caplog.records]
    assert told == [
        ("state_closed_to_others", str(folder / "levels")),
        ("state_closed_to_others", str(folder / "levels" / "mic1.json")),
    ]
