"""Licences and the bill of materials tell of everything that an environment holds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent.core.errors import KikimimiError
from release.__main__ import main
from release.licences import licensed, text
from release.sbom import write_sbom

if TYPE_CHECKING:
    from pathlib import Path


def _install(site: Path, name: str, metadata: str, **files: str) -> None:
    """What pip leaves of a distribution, so far as it is read here."""
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    (folder / "licenses").mkdir(parents=True)
    written = {f"{folder.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\n{metadata}"}
    written |= {f"{folder.name}/licenses/{file}": content for file, content in files.items()}
    for file, content in written.items():
        (site / file).write_text(content, encoding="utf-8")
    record = "".join(f"{file},,\n" for file in (*written, f"{folder.name}/RECORD"))
    (folder / "RECORD").write_text(record, encoding="utf-8")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program and two libraries, one of which brings no text."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    _install(
        *(site, "kikimimi", "Version: 1.0\nLicense-Expression: Apache-2.0\n"),
        LICENSE="Apache License\n",
    )
    _install(site, "Loud.Sounds", "Version: 1.0\nLicense: MIT\n")
    _install(
        *(site, "quiet-sounds"),
        "Version: 1.0\nClassifier: License :: OSI Approved :: BSD License\n",
        COPYING="Redistribution and use\n",
        NOTICE="Made by many\n",
    )
    return folder


def test_text_holds_every_licence_and_names_who_brought_none(environment: Path) -> None:
    """The list has all three; each text stands once."""
    found = licensed(environment)
    assert [(one.name, one.version, one.licence) for one in found] == [
        ("kikimimi", "1.0", "Apache-2.0"),
        ("Loud.Sounds", "1.0", "MIT"),
        ("quiet-sounds", "1.0", "BSD License"),
    ]
    whole = text(found)
    for content in ("Apache License", "Redistribution and use", "Made by many"):
        assert whole.count(content) == 1
    without = whole.partition("came without")[2].partition("====")[0]
    assert "Loud.Sounds 1.0: MIT" in without
    assert "quiet-sounds" not in without


def test_bill_of_materials_names_every_distribution(environment: Path, tmp_path: Path) -> None:
    """The program as what it is of; nothing tells where it was made."""
    output = tmp_path / "bill.json"
    assert write_sbom(environment, output, validate=False) == 3
    written = output.read_text(encoding="utf-8")
    bill = json.loads(written)
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "kikimimi"
    assert {one["name"] for one in bill["components"]} >= {"Loud.Sounds", "quiet-sounds"}
    assert str(environment) not in written


def test_folder_that_is_no_environment_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name, with what to name instead."""
    assert main(["licences", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert "name the folder of a virtual environment" in told
    with pytest.raises(KikimimiError):
        write_sbom(tmp_path, tmp_path / "bill.json", validate=False)
