"""Shells complete what is typed; they read the script that a package installs."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.cli.commands import COMMANDS
from release.completion import completion
from release.parsers import whole_parser

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

# What bash does at a TAB: the function that was registered fills in COMPREPLY.
_TAB = """
source "$1"; shift
read -ra told <<<"$(complete -p kikimimi)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
for place in "${!told[@]}"; do [ "${told[place]}" = -F ] && name=${told[place + 1]}; done
"$name" kikimimi "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    """With the options of every command."""
    return whole_parser()


def _script(parser: argparse.ArgumentParser, shell: str, folder: Path) -> Path:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = folder / f"kikimimi.{shell}"
    path.write_text(completion(parser, shell), encoding="utf-8")
    return path


def _told(*command: object, cwd: Path) -> list[str]:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_can_read_its_script(
    parser: argparse.ArgumentParser, tmp_path: Path, shell: str
) -> None:
    """And it names every command."""
    script = _script(parser, shell, tmp_path)
    assert _told(shell, "-n", script, cwd=tmp_path) == []
    text = script.read_text(encoding="utf-8")
    assert all(command.name in text for command in COMMANDS)


def test_bash_completes_commands_options_and_files(
    parser: argparse.ArgumentParser, tmp_path: Path
) -> None:
    """Those of a command within a command as well."""
    script = _script(parser, "bash", tmp_path)
    (tmp_path / "night.wav").touch()
    (tmp_path / "nights").mkdir()

    def tab(*words: str) -> set[str]:
        return set(_told("bash", "-c", _TAB, "bash", script, "kikimimi", *words, cwd=tmp_path))

    assert tab("sco") == {"score"}
    assert tab("labels", "p") == {"purge"}
    assert tab("score", "--des") == {"--descriptions"}
    assert tab("demo", "--language", "") == {"ja", "en"}
    assert tab("score", "ni") == {"night.wav", "nights"}
    assert tab("score", "--config", "ni") == {"night.wav", "nights"}
    assert tab("score", "--bundle", "ni") == {"nights"}


def test_fish_completes_a_command(parser: argparse.ArgumentParser, tmp_path: Path) -> None:
    """With what it does beside it."""
    script = _script(parser, "fish", tmp_path)
    told = _told("fish", "-c", f"source {script}; complete -C 'kikimimi sco'", cwd=tmp_path)
    assert [line.partition("\t")[0] for line in told] == ["score"]
