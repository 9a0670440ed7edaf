"""A training from its own extra: nothing else is installed beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.install.environments import installed
from training.commands import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.install.environments import Environment

pytestmark = [pytest.mark.install, pytest.mark.full]


@installed("training")
def test_help_of_every_command(environment: Environment) -> None:
    """Of the whole too."""
    told = environment.run(environment.python, "-m", "training", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    for command in COMMANDS:
        own = environment.run(environment.python, "-m", "training", command.name, "--help")
        assert own.returncode == 0, own.stderr
        assert f"usage: python -m training {command.name} " in own.stdout


@installed("training")
def test_class_names_are_found(environment: Environment) -> None:
    """Without them a data set's classes would be told by other texts, and no word said."""
    program = "from training.evaluation.classes import TEXTS; print(*sorted(TEXTS.iterdir()))"
    told = environment.run(environment.python, "-c", program)
    assert told.returncode == 0, told.stderr
    assert "share/kikimimi/evaluation/esc50-40.ja.yaml" in told.stdout


@installed("training")
def test_first_steps(environment: Environment, data_dir: Path, tmp_path: Path) -> None:
    """A manifest of recordings, and the lexicon."""
    steps = (
        ("manifest", "--data", data_dir, "--sets", "cc0-impacts", "--output", tmp_path / "data"),
        ("lexicon", "--data", data_dir),
    )
    for step in steps:
        done = environment.run(environment.python, "-m", "training", *step)
        assert done.returncode == 0, f"{step}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
    assert (tmp_path / "data" / "recordings.jsonl").is_file()
