"""The unit in systemd's own eyes, and an installation that overwrites nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import cli
from agent.cli import install
from agent.config import load_settings
from agent.core.errors import KikimimiError
from agent.core.telemetry import SWITCHED_OFF

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "systemd" / "kikimimi.service"
_MOST_EXPOSURE = 1.7
_NOBODY = 65_534


@pytest.fixture
def analyze() -> str:
    """The tool that knows what a unit means."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    return found


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Somebody who may not write where root may."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        if not _readable(UNIT):
            pytest.skip(f"nobody but root can read {UNIT.parent}")
        yield
    finally:
        os.seteuid(user)


def _readable(path: Path) -> bool:
    """By the effective user, which os.access does not ask about."""
    try:
        path.read_bytes()
    except PermissionError:
        return False
    return True


def settings_of(unit: str) -> list[str]:
    """The assignments of a unit, without comments."""
    return [line for line in unit.splitlines() if line and not line.startswith(("#", "["))]


def _call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = cli.main(["install-service", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.mark.parametrize("service", install.Service)
def test_systemd_finds_no_fault_in_the_unit(
    tmp_path: Path, analyze: str, service: install.Service
) -> None:
    """As it is installed: the command exists, every setting is known to this systemd."""
    unit = tmp_path / service.unit
    unit.write_text(install.unit(install.command(), install.CONFIG, service), encoding="utf-8")
    verified = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stderr
    assert service.unit not in verified.stdout + verified.stderr


@pytest.mark.parametrize("service", install.Service)
def test_service_is_hardly_exposed(analyze: str, service: install.Service) -> None:
    """By systemd's own count, of 10."""
    unit = UNIT.with_name(service.unit)
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", rated.stdout)
    assert found, rated.stdout + rated.stderr
    assert float(found[1]) <= _MOST_EXPOSURE


@pytest.mark.parametrize("service", install.Service)
def test_unit_switches_the_telemetry_of_libraries_off(service: install.Service) -> None:
    """With the variables that the program sets, and no others."""
    (line,) = (
        one.removeprefix("Environment=")
        for one in settings_of(UNIT.with_name(service.unit).read_text(encoding="utf-8"))
        if one.startswith("Environment=")
    )
    assert tuple(tuple(one.split("=")) for one in line.split()) == SWITCHED_OFF


def test_printed_unit_names_this_installation_and_the_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Everything else is the unit of the repository, line by line."""
    status, text = _call(capsys, "--print", "--config", "/srv/site 1/agent.yaml")
    assert status == 0
    own, shipped = settings_of(text), settings_of(UNIT.read_text(encoding="utf-8"))
    differing = [(a, b) for a, b in zip(own, shipped, strict=True) if a != b]
    command = install.command()
    assert [a for a, _ in differing] == [
        f'ExecStart={command} run --config "/srv/site 1/agent.yaml"'
    ]
    assert [b for _, b in differing] == [
        "ExecStart=/opt/kikimimi/.venv/bin/kikimimi run --config /etc/kikimimi/agent.yaml"
    ]


@pytest.mark.parametrize("path", ["agent.yaml", "/a$b/c.yaml", "/a%h/c.yaml", '/a"b', "/\n"])
def test_path_that_systemd_would_misread_is_refused(path: str) -> None:
    """Told before anything is written."""
    with pytest.raises(KikimimiError, match=r"write it from / on|cannot stand in a unit"):
        install.unit(install.command(), Path(path))


def test_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """With an example."""
    with pytest.raises(SystemExit) as ended:
        _call(capsys, "--help")
    assert ended.value.code == 0
    assert "kikimimi install-service --print" in capsys.readouterr().out


def test_first_installation_writes_unit_and_examples(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Readable by the service's user, valid, and the next steps are told."""
    status, text = _call(capsys, "--prefix", tmp_path)
    assert status == 0
    unit = tmp_path / "etc/systemd/system/kikimimi.service"
    folder = tmp_path / "etc/kikimimi"
    assert unit.read_text(encoding="utf-8") == install.unit(install.command(), install.CONFIG)
    assert sorted(path.name for path in folder.iterdir()) == [
        "agent.yaml",
        "descriptions.en.yaml",
        "descriptions.ja.yaml",
    ]
    assert load_settings(folder / "agent.yaml", {}).descriptions.parent == folder
    assert {path.stat().st_mode & 0o777 for path in (unit, *folder.iterdir())} == {0o644}
    assert text.count("written ") == 4
    assert "sudo systemctl daemon-reload" in text
    assert "sudo systemctl enable --now kikimimi" in text
    assert f"{install.command()} check --config /etc/kikimimi/agent.yaml --online" in text


def test_console_is_a_second_service(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Written where it is asked for, and again where the agent's is there already."""
    _call(capsys, "--prefix", tmp_path)
    units = tmp_path / "etc/systemd/system"
    assert [path.name for path in units.iterdir()] == ["kikimimi.service"]
    status, text = _call(capsys, "--prefix", tmp_path, "--console")
    assert status == 0
    assert f"the same  {units}/kikimimi.service" in text
    assert f"written   {units}/kikimimi-console.service" in text
    assert "sudo systemctl enable --now kikimimi kikimimi-console" in text
    written = (units / "kikimimi-console.service").read_text(encoding="utf-8")
    assert f"ExecStart={install.command()} console --config {install.CONFIG}\n" in written
    assert _call(capsys, "--print", "--console") == (0, written)
    (units / "kikimimi-console.service").write_text("[Service]\n", encoding="utf-8")
    status, text = _call(capsys, "--prefix", tmp_path, "--console")
    assert status == 1
    assert "install-service --console --config /etc/kikimimi/agent.yaml --print" in text


def test_second_installation_overwrites_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A configuration that was edited and descriptions that were deleted stay so."""
    _call(capsys, "--prefix", tmp_path)
    folder = tmp_path / "etc/kikimimi"
    (folder / "agent.yaml").write_text("site: mine\n", encoding="utf-8")
    (folder / "descriptions.en.yaml").unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status, text = _call(capsys, "--prefix", tmp_path)
    assert status == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert (folder / "agent.yaml").read_text(encoding="utf-8") == "site: mine\n"
    assert f"kept      {folder / 'agent.yaml'}" in text
    assert f"the same  {tmp_path}/etc/systemd/system/kikimimi.service" in text


def test_unit_changed_by_hand_stays_and_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Status 1: what runs is not what this version would run."""
    unit = tmp_path / "etc/systemd/system/kikimimi.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    status, text = _call(capsys, "--prefix", tmp_path)
    assert status == 1
    assert unit.read_text(encoding="utf-8") == "[Service]\nExecStart=/bin/true\n"
    assert f"kept      {unit}" in text
    assert f"problem: {unit}: is not what this version would write" in text


def test_broken_link_is_somebody_s_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nothing is written through it."""
    config = tmp_path / "etc/kikimimi/agent.yaml"
    config.parent.mkdir(parents=True)
    config.symlink_to(tmp_path / "elsewhere.yaml")
    status, text = _call(capsys, "--prefix", tmp_path)
    assert status == 0
    assert f"kept      {config}" in text
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_without_rights_it_says_what_to_type(
    capsys: pytest.CaptureFixture[str], unprivileged: None
) -> None:
    """Status 2, one line, and nothing is written."""
    status, text = _call(capsys, "--prefix", "/")
    assert status == 2
    assert re.fullmatch(
        r"kikimimi: /etc/\S+: Permission denied; type: sudo \S+ install-service\n", text
    )


def test_folder_that_is_a_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Status 2 and the reason."""
    (tmp_path / "etc").write_text("", encoding="utf-8")
    status, text = _call(capsys, "--prefix", tmp_path)
    assert status == 2
    assert "etc/kikimimi/descriptions.ja.yaml: Not a directory" in text


def test_what_the_service_would_not_see_is_refused(tmp_path: Path) -> None:
    """ProtectHome= and PrivateTmp= hide it: told now, not by a service that cannot start."""
    with pytest.raises(
        KikimimiError, match="sees nothing below /home; install kikimimi below /opt"
    ):
        install._refuse_if_hidden(Path("/home/a/.venv/bin/kikimimi"), "install kikimimi below /opt")
    with pytest.raises(KikimimiError, match=f"{tmp_path}/kikimimi: is missing"):
        install.install(tmp_path / "kikimimi", install.CONFIG)


def test_installed_command_is_the_one_of_this_environment() -> None:
    """The service runs what was tested, not what the PATH finds."""
    assert install.command().parent == Path(sys.executable).parent
