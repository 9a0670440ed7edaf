"""Environments made from nothing, as pip makes them for a user, and what is typed in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that runs the tests."""
_VERSIONS = ("3.11", "3.12", "3.13")

# What would let an environment see more than was installed into it, or a site that is not its own.
_HIDDEN = ("PYTHON", "VIRTUAL_ENV", "KIKIMIMI_", "COVERAGE")


def interpreter(version: str) -> Path:
    """A Python of this machine; the test is skipped, visibly, where there is none.

    Args:
        version: ``3.12``.
    """
    for found in _candidates(version):
        told = subprocess.run(
            [found, "-c", "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.stdout.strip() == version:
            return found
    return pytest.skip(f"this machine has no Python {version} that makes virtual environments")


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    if version == OWN:
        yield Path(sys.base_prefix, "bin", name)
    # The last one is the newest: 3.12.10 before 3.12.9 does no harm.
    yield from sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}"), reverse=True)
    for folder in os.get_exec_path():
        if (path := Path(folder, name)).is_file():
            yield path


def copy_of_the_tree(folder: Path) -> Path:
    """What a clone would hold, with what has not been committed yet; nothing is built in it yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # one that was deleted is still listed
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def build_wheel(folder: Path) -> Path:
    """The wheel of the tree, built in a copy of it."""
    source = copy_of_the_tree(folder / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    _succeed([*command, str(folder), str(source)], outside())
    (wheel,) = folder.glob("*.whl")
    return wheel


def outside() -> dict[str, str]:
    """The variables of a shell that knows nothing of the tree that is tested."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}


@dataclass(frozen=True)
class Environment:
    """A virtual environment and whoever types in it."""

    folder: Path
    home: Path
    """Of the user, and where they are."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of their shell, beside those of every shell."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def kikimimi(self) -> Path:
        """The command that pip has written."""
        return self.folder / "bin" / "kikimimi"

    @property
    def shell(self) -> dict[str, str]:
        """Variables for what is run in it."""
        return outside() | {"HOME": str(self.home)} | dict(self.variables)

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run something in it to its end."""
        return subprocess.run(
            list(map(str, words)),
            cwd=self.home,
            env=self.shell,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def make(folder: Path, version: str, wheel: Path, extra: str) -> Environment:
    """An environment with the wheel, and maybe an extra, in the versions of constraints.txt."""
    _succeed([str(interpreter(version)), "-m", "venv", str(folder / "venv")], outside())
    wanted = f"{wheel}[{extra}]" if extra else str(wheel)
    made = Environment(folder / "venv", folder / "home")
    made.home.mkdir()
    pip = [str(made.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _succeed([*pip, "--constraint", str(ROOT / "constraints.txt"), wanted], outside())
    return made


def installed(*extras: str) -> pytest.MarkDecorator:
    """Environments with one of these extras each, of every Python."""
    return pytest.mark.parametrize(
        "environment",
        [
            pytest.param(
                (version, extra),
                id=f"{version}-{extra or 'base'}",
                marks=() if version == OWN else pytest.mark.full,
            )
            for version in dict.fromkeys((OWN, *_VERSIONS))
            for extra in extras
        ],
        indirect=True,
    )


def _succeed(command: list[str], variables: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
