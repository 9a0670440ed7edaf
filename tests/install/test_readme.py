"""The README's installation, line by line, as it is typed in a fresh clone."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.install.environments import ROOT, Environment, copy_of_the_tree
from tests.integration.pulse import PulseServer, pulse_server
from tests.mosquitto import PATIENCE_S, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTIONS = {"README.md": "## Install it on a box", "README.ja.md": "## 現場の箱に入れる"}
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LANGUAGE = re.compile(" --language (en|ja)")
_PACKAGES = "sudo apt install "


def blocks(name: str) -> list[list[str]]:
    """The commands of each block of a page, without what is said of them."""
    page = (ROOT / name).read_text(encoding="utf-8")
    return [
        [line.partition("#")[0].rstrip() for line in block.splitlines()]
        for block in _BLOCK.findall(page)
    ]


def installation(name: str) -> list[str]:
    """The commands of the section about the box."""
    page = (ROOT / name).read_text(encoding="utf-8")
    _, _, section = page.partition(f"{_SECTIONS[name]}\n")
    found = _BLOCK.search(section.partition("\n## ")[0])
    assert found, f"{name} has no commands below {_SECTIONS[name]}"
    return [line.partition("#")[0].rstrip() for line in found[1].splitlines()]


def test_both_languages_type_the_same() -> None:
    """Every block of commands, not only that of the installation; but for the language."""
    english, japanese = (
        [[_LANGUAGE.sub("", line) for line in block] for block in blocks(name)]
        for name in _SECTIONS
    )
    assert english == japanese
    assert installation("README.md") == installation("README.ja.md")


def test_packages_are_those_that_bootstrap_installs() -> None:
    """And Debian knows each of them."""
    first = installation("README.md")[0]
    assert first.startswith(_PACKAGES)
    packages = first.removeprefix(_PACKAGES).split()
    bootstrap = (ROOT / "script/bootstrap").read_text(encoding="utf-8")
    found = re.search(r"^demo\)\n\s+packages=\((.*?)\)", bootstrap, re.MULTILINE | re.DOTALL)
    assert found
    assert packages == found[1].split()
    if shutil.which("apt-cache") is None:
        pytest.skip("no apt on this machine")
    known = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert known.returncode == 0, known.stderr
    assert re.findall(r"^Package: (\S+)", known.stdout, re.MULTILINE) == packages


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseServer]:
    """A microphone for the box."""
    with pulse_server(tmp_path / "pulse", monkeypatch) as server:
        yield server


@pytest.mark.install
@pytest.mark.broker
@pytest.mark.device
def test_box_is_installed_line_by_line(tmp_path: Path, sound_server: PulseServer) -> None:
    """From nothing to a box that listens, with a broker and a microphone as on a real one."""
    clone = copy_of_the_tree(tmp_path / "clone")
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        box = Environment(
            clone / ".venv",
            Path.home(),  # where pip has its cache and settings
            {
                # Python 3.11 or newer, as the README asks for.
                "PATH": f"{sys.base_prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "KIKIMIMI_STATE_DIR": str(tmp_path / "state"),
                "KIKIMIMI_MQTT_PORT": str(broker.port),
            },
        )
        *prepared, last = installation("README.md")[1:]
        for line in prepared:
            # Nobody sits at a terminal here.
            typed = f"{line} --yes" if " init " in line else line
            done = subprocess.run(
                ["bash", "-c", typed],
                cwd=clone,
                env=box.shell,
                capture_output=True,
                text=True,
                check=False,
            )
            told = f"{line}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
            if " doctor " in line:
                failed = [one for one in done.stdout.splitlines() if one.startswith("fail")]
                # Nothing is played to the microphone.
                assert [one.split()[1] for one in failed] == ["sound"], told
            else:
                assert done.returncode == 0, told
        assert last.startswith(".venv/bin/kikimimi run ")
        running = subprocess.Popen(["bash", "-c", f"exec {last}"], cwd=clone, env=box.shell)
        try:
            # Nothing is played to this microphone.
            heard.wait(lambda: "silent" in heard.on("source/mic1/state"))
            assert running.poll() is None
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_S) == 0
        assert heard.on("/status") == ["online", "offline"]
    # What the section ends with.
    service = box.run(box.kikimimi, "install-service", "--prefix", tmp_path / "package")
    assert service.returncode == 0, service.stderr
    unit = tmp_path / "package/etc/systemd/system/kikimimi.service"
    assert f"ExecStart={box.kikimimi} run " in unit.read_text(encoding="utf-8")
