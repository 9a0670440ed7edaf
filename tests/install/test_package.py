"""The Debian package in a root of its own: installed, used, upgraded, removed and purged."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.store import FILE_NAME
from tests.install.debian import bootstrap, needs
from tests.install.environments import ROOT
from tests.integration.scenes import DESCRIPTIONS, write_siren

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.install, pytest.mark.full]

_MOUNTS = ("proc", "dev")
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class Machine:
    """A root of Debian that nothing was installed into."""

    root: Path

    def run(self, *words: str, status: int = 0) -> str:
        """A command in it; what it says."""
        done = subprocess.run(
            ["chroot", str(self.root), *words],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{words}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
        return done.stdout

    def path(self, name: str) -> Path:
        """A file of it, seen from here."""
        return self.root / name.lstrip("/")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``script/package deb`` builds; ``KIKIMIMI_DEB`` names one that was built before."""
    if built := os.environ.get("KIKIMIMI_DEB"):
        return Path(built)
    needs("dpkg-deb", "g++")
    folder = tmp_path_factory.mktemp("dist")
    maintainer = {"DEBEMAIL": "kikimimi@example.org"}
    subprocess.run(
        [ROOT / "script/package", "deb", "--output", folder],
        env=os.environ | maintainer,
        check=True,
    )
    (found,) = folder.glob("kikimimi_*.deb")
    return found


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next version, whose own configuration has another comment."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", package, folder / "root"], check=True)
    control = folder / "root/DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    version = next(line for line in text.splitlines() if line.startswith("Version: "))
    control.write_text(text.replace(version, f"{version}+2"), encoding="utf-8")
    with (folder / "root/etc/kikimimi/agent.yaml").open("a", encoding="utf-8") as file:
        file.write("# A new version.\n")
    made = folder / "newer.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "root", made]
    subprocess.run(command, check=True)
    return made


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """From this machine's mirror; ``KIKIMIMI_DEBOOTSTRAP`` names a root that was made before."""
    needs("debootstrap", "chroot", "mount")
    root = tmp_path_factory.mktemp("machine") / "root"
    if made := os.environ.get("KIKIMIMI_DEBOOTSTRAP"):
        subprocess.run(["cp", "-a", made, root], check=True)
    else:
        bootstrap(root)
    mounted = []
    try:
        for name in _MOUNTS:
            subprocess.run(["mount", "--bind", f"/{name}", root / name], check=True)
            mounted.append(root / name)
        yield Machine(root)
    finally:
        for folder in reversed(mounted):
            subprocess.run(["umount", "--lazy", folder], check=True)


def test_lintian_finds_no_error(package: Path) -> None:
    """What is overridden says why."""
    needs("lintian")
    command = ["lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_from_installation_to_purge(machine: Machine, package: Path, newer: Path) -> None:
    """What somebody has written survives an upgrade and a removal, and no purge."""
    for deb in (package, newer):
        shutil.copy(deb, machine.path(f"/root/{deb.name}"))
    machine.run("apt-get", "update", "-qq")
    told = machine.run(
        *("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/root/{package.name}")
    )
    assert "kikimimi does not listen yet" in told
    assert "audio" in machine.run("id", "-nG", "kikimimi").split()
    state = machine.path("/var/lib/kikimimi").stat()
    assert (state.st_mode & 0o777, state.st_uid) == (
        0o750,
        int(machine.run("id", "-u", "kikimimi")),
    )
    assert not machine.path("/etc/systemd/system/multi-user.target.wants/kikimimi.service").exists()
    config = machine.path("/etc/kikimimi/agent.yaml")
    config.write_text(
        "site: mine\nnode: box\nmqtt: {enabled: false}\n"
        "sources: [{name: hall, kind: file, path: /var/lib/kikimimi/hall.wav, realtime: false}]\n"
    )
    machine.path("/etc/kikimimi/descriptions.ja.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    machine.path("/etc/kikimimi/mqtt-password").write_text("secret\n")
    write_siren(machine.path("/var/lib/kikimimi/hall.wav"))
    checked = machine.run("kikimimi", "check", "--config", "/etc/kikimimi/agent.yaml")
    assert checked.splitlines()[-1].startswith("ready: 2 descriptions")
    completion = machine.path("/usr/share/bash-completion/completions/kikimimi").read_text()
    assert "install-service" in completion
    page = machine.path("/usr/share/man/man1/kikimimi-score.1.gz")
    assert b".SH EXAMPLES" in gzip.decompress(page.read_bytes())
    scored = machine.run(
        *("kikimimi", "score", "/var/lib/kikimimi/hall.wav", "--alerts"),
        *("--descriptions", "/etc/kikimimi/descriptions.ja.yaml"),
    )
    assert "siren" in scored
    as_service = ("env", "STATE_DIRECTORY=/var/lib/kikimimi")
    agent = ("kikimimi", "run", "--config", "/etc/kikimimi/agent.yaml")
    # Who runs the service may read the program and write its state.
    machine.run("chroot", "--userspec=kikimimi:kikimimi", "/", *as_service, *agent)
    listing = (*as_service, "kikimimi", "labels", "list", "--config", "/etc/kikimimi/agent.yaml")
    before = machine.run(*listing, "--json")

    # Who is there is asked about a file that both have changed, and keeps it by default.
    keeping = ("-o", "Dpkg::Options::=--force-confold")
    machine.run("apt-get", "install", "-y", "-qq", *keeping, f"/root/{newer.name}")
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "kikimimi").endswith("+2")
    assert config.read_text().startswith("site: mine\n")
    assert machine.run(*listing, "--json") == before
    checked = machine.run("kikimimi", "check", "--config", "/etc/kikimimi/agent.yaml")
    assert checked.splitlines()[-1].startswith("ready: 2 descriptions")
    machine.run("chroot", "--userspec=kikimimi:kikimimi", "/", *as_service, *agent)

    machine.run("apt-get", "remove", "-y", "-qq", "kikimimi")
    assert not machine.path("/opt/kikimimi").exists()
    assert not machine.path("/usr/bin/kikimimi").is_symlink()
    assert config.read_text().startswith("site: mine\n")
    assert machine.path(f"/var/lib/kikimimi/{FILE_NAME}").exists()
    machine.run("apt-get", "purge", "-y", "-qq", "kikimimi")
    for name in ("/etc/kikimimi", "/var/lib/kikimimi", "/opt/kikimimi"):
        assert not machine.path(name).exists(), name
    machine.run("getent", "passwd", "kikimimi", status=2)
