"""The command line: what a person with a wrong file in hand sees."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from agent import cli
from agent.bundle import loading as bundles
from agent.cli.commands import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

_GOOD = "version: 1\nerrors:\n  - {id: drop, text: 金属部品が床に落ちた音}\n"


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    try:
        status = cli.main([str(one) for one in arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert "Traceback" not in text
    return status, text


@pytest.mark.parametrize("command", [one.name for one in COMMANDS])
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """With an example."""
    status, text = _run(capsys, command, "--help")
    assert status == 0
    assert f"kikimimi {command}" in text
    assert "example" in text


def test_wrong_usage_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command, and none."""
    assert _run(capsys, "listen")[0] == 2
    assert _run(capsys)[0] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version: 1\nerrors:\n  - {id: a, text: x, sevrity: major}\n", "did you mean 'severity'?"),
        (_GOOD + "  - {id: drop, text: b}\n", "is 'drop' again"),
        ("version: 1\nerrors:\n  - {id: a, text: ''}\n", "errors[0].text: is empty"),
        ("version: 1\nerrors:\n  - {id: a, text: звук металла}\n", "the bundle does not know"),
        ("version: 1\nerrors: [\n", "d.yaml:"),
        ("", "d.yaml"),
    ],
)
def test_wrong_descriptions_are_named_with_their_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, message: str
) -> None:
    """Status 1, and the line says what to write."""
    path = tmp_path / "d.yaml"
    path.write_text(content, encoding="utf-8")
    status, text = _run(capsys, "check", "--descriptions", path)
    assert status == 1
    problems = [line for line in text.splitlines() if line.startswith("problem:")]
    assert any(message in line for line in problems), text


def test_missing_files_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Neither check nor run goes on without what they were given."""
    assert "nope.yaml" in _run(capsys, "check", "--descriptions", tmp_path / "nope.yaml")[1]
    status, text = _run(capsys, "run", "--config", tmp_path / "nope.yaml")
    assert status == 2
    assert "nope.yaml" in text


def test_damaged_bundle_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One byte more, one byte changed, a file gone: each is told by its name."""
    described = tmp_path / "d.yaml"
    described.write_text(_GOOD, encoding="utf-8")
    for name, damage in (
        ("audio.onnx", lambda path: path.write_bytes(path.read_bytes() + b"x")),
        ("text_head.onnx", lambda path: path.write_bytes(b"x" + path.read_bytes()[1:])),
        ("tokenizer.json", lambda path: path.unlink()),
    ):
        folder = tmp_path / f"without-{name}"
        shutil.copytree(bundles.load(None).folder, folder)
        damage(folder / name)
        status, text = _run(capsys, "check", "--bundle", folder, "--descriptions", described)
        assert status == 1
        assert name in text


def test_check_says_when_all_is_fine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And as JSON for a program."""
    path = tmp_path / "d.yaml"
    path.write_text(_GOOD, encoding="utf-8")
    status, text = _run(capsys, "check", "--descriptions", path)
    assert status == 0
    assert text.splitlines()[-1].startswith("ready: 1 descriptions")
    status, text = _run(capsys, "check", "--descriptions", path, "--json")
    report = json.loads(text)
    assert report["ok"] is True
    assert report["descriptions"] == 1
