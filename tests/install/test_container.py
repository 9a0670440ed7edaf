"""The image of script/packaging/container: built from nothing, run, stopped."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.config import yaml_tree
from tests.install.debian import bootstrap, needs
from tests.install.environments import ROOT
from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.secure_broker import person, secure_broker

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINER = ROOT / "script" / "packaging" / "container"
_BASE, _IMAGE, _NAME = "localhost/kikimimi-test-base", "localhost/kikimimi-test", "kikimimi-test"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Of pip's settings here: from where it takes packages, and whom it trusts.
_ASKED = re.compile(r"^\S+\.((?:extra-)?index-url|proxy|trusted-host)='(.*)'$", re.MULTILINE)


def test_containerfile_copies_what_is_there_and_runs_as_nobody_special() -> None:
    """What a build would find out after minutes."""
    text = (CONTAINER / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    copied = [
        word
        for line in lines
        if line[0] == "COPY" and not line[1].startswith("--from")
        for word in line[1:-1]
    ]
    assert "agent" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    by_name = {line[0]: line[1:] for line in lines}
    assert by_name["USER"] == ["kikimimi"]
    assert by_name["ENTRYPOINT"] == ['["kikimimi"]']


def test_compose_file_mounts_what_is_there() -> None:
    """Of the repository; the rest is told at its head."""
    problems: list[object] = []
    yaml_tree.load(CONTAINER / "compose.yaml", problems)  # type: ignore[arg-type]
    assert problems == []
    text = (CONTAINER / "compose.yaml").read_text(encoding="utf-8")
    mounted = re.findall(r"^\s+- (\.\S+?):", text, re.MULTILINE)
    told = text.partition("services:")[0]
    shipped = [name for name in mounted if name.startswith("../..")]
    assert len(shipped) == 2
    assert all((CONTAINER / name).is_file() for name in shipped)
    assert all(name.split("/")[1] in told for name in mounted if name not in shipped)


@dataclass(frozen=True)
class Podman:
    """Podman with a store of its own, so that nothing of it stays on the machine."""

    folder: Path

    def __call__(self, *words: object, status: int = 0) -> str:
        """A command of it; what it says."""
        stores = ("--root", self.folder / "store", "--runroot", self.folder / "run")
        command = ["podman", *map(str, (*stores, *words))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = f"{words}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
        assert done.returncode == status, told
        return done.stdout


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """With the image in it.

    ``KIKIMIMI_CONTAINER_ROOT`` names a root that was made before, ``KIKIMIMI_CONTAINER_WHEELS`` a
    folder of wheels, for what takes long to compile.
    """
    needs("podman", "debootstrap", "tar")
    folder = tmp_path_factory.mktemp("podman")
    run = Podman(folder)
    root = Path(os.environ.get("KIKIMIMI_CONTAINER_ROOT", folder / "root"))
    if not root.exists():
        bootstrap(root, "python3", "python3-venv", "python3-dev", "ca-certificates")
    subprocess.run(["tar", "-C", root, "-cf", folder / "root.tar", "."], check=True)
    try:
        run("import", folder / "root.tar", _BASE)
        told = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=True)
        settings = "".join(f"{name} = {value}\n" for name, value in _ASKED.findall(told.stdout))
        wheels = Path(os.environ.get("KIKIMIMI_CONTAINER_WHEELS", folder))
        settings += "find-links = /wheels\n"
        pip = folder / "pip.conf"
        pip.write_text(f"[global]\ncert = {_CERTIFICATES}\n{settings}", encoding="utf-8")
        run(
            *("build", "--format", "docker", "--network", "host", "--isolation", "chroot"),
            *("--volume", f"{pip}:/etc/pip.conf:ro", "--volume", f"{wheels}:/wheels:ro"),
            *("--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"),
            *("--build-arg", f"BASE={_BASE}", "--tag", _IMAGE),
            *("--file", CONTAINER / "Containerfile", ROOT),
        )
        yield run
    finally:
        run("rm", "--all", "--force")
        run("rmi", "--all", "--force")


def _healthcheck() -> list[str]:
    """The words of its command."""
    text = (CONTAINER / "Containerfile").read_text(encoding="utf-8")
    found = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", text, re.MULTILINE)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return words


@pytest.mark.install
@pytest.mark.full
@pytest.mark.broker
def test_container_hears_tells_and_says_goodbye(podman: Podman, tmp_path: Path) -> None:
    """Without rights, on a root that cannot be written, by the shipped access list."""
    passwords = {"press3": "of the box", "dashboard": "of people"}
    site = tmp_path / "site"
    site.mkdir()
    (site / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    write_siren(site / "hall.wav")
    (site / "mqtt-password").write_text(passwords["press3"], encoding="utf-8")
    with secure_broker(tmp_path, passwords) as (broker, authority):
        (site / "ca.crt").write_bytes(authority.certificate.read_bytes())
        settings = {
            "site": "p1",
            "node": "press3",
            "descriptions": "descriptions.yaml",
            "sources": [{"name": "hall", "kind": "file", "path": "hall.wav", "loop": True}],
            "mqtt": {
                "host": "127.0.0.1",
                "port": broker.port,
                "username": "press3",
                "password_file": "mqtt-password",
                "tls": {"enabled": True, "ca_file": "ca.crt"},
            },
        }
        (site / "agent.yaml").write_text(json.dumps(settings), encoding="utf-8")
        os.chown(site / "mqtt-password", 970, 970)
        (site / "mqtt-password").chmod(0o400)
        mounts = ("--volume", f"{site}:/etc/kikimimi:ro", "--volume", "state:/var/lib/kikimimi")
        # Neither more open files than here, nor timers of a systemd that need not run here.
        here = ("--ulimit", "host", "--no-healthcheck")
        locked = (*here, "--read-only", "--cap-drop", "all", "--network", "host", *mounts)
        with person(broker.port, authority, "dashboard", passwords["dashboard"]) as people:
            people.subscribe("kikimimi/p1/press3/#")
            podman("run", "--detach", "--name", _NAME, *locked, _IMAGE)
            people.wait(lambda: bool(people.on("kikimimi/p1/press3/alert")))
            alert = json.loads(people.on("kikimimi/p1/press3/alert")[0])
            assert (alert["error_id"], alert["source"]) == ("siren", "hall")
            podman("exec", _NAME, *_healthcheck())
            who = podman("exec", _NAME, "python", "-c", "import os; print(os.getuid())")
            assert who.strip() == "970"
            podman("exec", _NAME, "python", "-c", "open('/opt/mine', 'w')", status=1)
            podman("stop", "--time", 120, _NAME)
            people.wait(lambda: people.on("kikimimi/p1/press3/status")[-1:] == ["offline"])
        ended = podman("inspect", "--format", "{{.State.ExitCode}}", _NAME)
        assert ended.strip() == "0"
        listed = podman("run", "--rm", *locked, _IMAGE, "labels", "audit", "--json")
        assert listed.strip() in {"", "[]"}
