"""``script/release``: what it refuses, and all that it builds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.install.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def _git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=Kikimimi", "-c", "user.email=kikimimi@example.org")
    subprocess.run(["git", "-C", folder, *named, *words], check=True, capture_output=True)


def _committed(folder: Path, names: Iterable[str]) -> Path:
    """Files as they are here, as the one commit of a repository, with this environment beside."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(ROOT / ".venv" / name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "As it is")
    return folder


def _release(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"DEBEMAIL": "kikimimi@example.org"}
    environ.pop("PYTHONPATH", None)
    return subprocess.run(
        [clone / "script/release", *words], env=environ, capture_output=True, text=True, check=False
    )


def test_what_is_not_ready_is_refused(tmp_path: Path) -> None:
    """Each with what to do, before anything is built."""
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("no .venv: script/bootstrap test")
    names = (".gitignore", "CHANGELOG.md", "pyproject.toml", "script/release")
    clone = _committed(tmp_path, names)
    done = _release(clone, "--output")
    assert (done.returncode, done.stderr.count("usage:")) == (2, 1)
    done = _release(clone, "99.9.9")
    assert done.returncode == 2
    assert f'says version {VERSION}, not 99.9.9; write version = "99.9.9" there' in done.stderr
    changelog = clone / "CHANGELOG.md"
    before = changelog.read_text(encoding="utf-8")
    changelog.write_text(before.replace(f"## [{VERSION}]", "## [0.0.0]"), encoding="utf-8")
    done = _release(clone, VERSION)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"CHANGELOG.md has no entry of {VERSION}; rename Unreleased" in done.stderr
    changelog.write_text(f"{before}\n## [{VERSION}]\n", encoding="utf-8")
    done = _release(clone)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the tree is not clean" in done.stderr
    assert " M CHANGELOG.md" in done.stderr


@pytest.mark.install
@pytest.mark.full
def test_release_has_all_its_parts(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Their sums are right, and bill and licences tell of what the package holds."""
    listing = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, capture_output=True, check=True, text=True).stdout
    names = [name for name in listed.split("\0") if (ROOT / name).is_file()]
    clone = _committed(tmp_path_factory.mktemp("clone"), names)
    with (clone / "CHANGELOG.md").open("a", encoding="utf-8") as file:
        file.write(f"\n## [{VERSION}] - 2026-11-30\n")
    _git(clone, "commit", "--quiet", "--all", "--message", "A version")
    done = _release(clone, VERSION, "--output", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (package,) = tmp_path.glob("kikimimi_*.deb")
    (wheel,) = tmp_path.glob("kikimimi-*.whl")
    bill, texts = tmp_path / f"kikimimi-{VERSION}.cdx.json", tmp_path / "THIRD-PARTY-LICENSES.txt"
    sums = tmp_path / "SHA256SUMS"
    assert {*tmp_path.iterdir()} == {package, wheel, bill, texts, sums}
    told = dict(reversed(line.split()) for line in sums.read_text(encoding="utf-8").splitlines())
    assert told == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (package, wheel, bill, texts)
    }
    assert "agent/cli/demo/texts/ja.yaml" in zipfile.ZipFile(wheel).namelist()
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "root"], check=True)
    folders = (tmp_path / "root/opt/kikimimi/.venv").glob("lib/python3*/site-packages/*.dist-info")
    names = {folder.name.partition("-")[0].lower().replace("_", "-") for folder in folders}
    components = json.loads(bill.read_text(encoding="utf-8"))["components"]
    billed = {one["name"].lower().replace("_", "-") for one in components}
    assert billed | {"kikimimi"} == names
    licences = texts.read_text(encoding="utf-8")
    listed = {line.split()[0] for line in licences.partition("\n\n")[2].splitlines()[: len(names)]}
    assert {name.lower().replace("_", "-") for name in listed} == names
    assert "Redistribution and use in source and binary forms" in licences
