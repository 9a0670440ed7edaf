"""No command tells anybody but the broker of anything, or leaves a trace in the home folder.

Libraries begin before they send: ONNX Runtime writes an identifier and a queue of events as it is
loaded and looks up its maker's server nine seconds later. It keeps still where variables such as
CI tell it that it is tested: the commands here run without them, and with such as would undo what
Kikimimi switches off.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.cli.report import browser
from agent.core.telemetry import SWITCHED_OFF
from tests.bundles import make_bundle
from tests.faults.camera import Camera
from tests.integration.scenes import write_siren
from tests.mosquitto import free_port, mosquitto
from tests.signals import noise
from tests.tracing import PATIENCE_S, Address, traced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.tracing import Trace, Traced

pytestmark = pytest.mark.broker

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 16_000
_HERE = "127.0.0.1"
# No files; Chromium tells the kernel there which of its processes is to end first.
_NOWHERE = ("/dev/null", "/dev/tty", "/proc")
# Chromium asks the kernel for a way to this address, as a datagram socket's connect does, and sends
# nothing there.
_ROUTE = Address("2001:4860:4860::8888", 443)
_FULL = pytest.mark.full
_DESCRIPTIONS = """\
version: 1
errors:
  - {id: drop, text: metal part dropped, threshold: 0.3, hits: 1 of 2}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A box on a machine whose user has nothing yet."""

    folder: Path
    broker: Address
    camera: Address
    console: Address

    @property
    def home(self) -> Path:
        """Nobody has written here."""
        return self.folder / "home"

    @property
    def box(self) -> Path:
        """Where the commands may write ..."""
        return self.folder / "box"

    @property
    def temporary(self) -> Path:
        """... and here, as long as they run."""
        return self.folder / "temporary"

    @property
    def environment(self) -> dict[str, str]:
        """What little a login sets, and what would undo the opt-out."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),  # and no XDG_… folders
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(ROOT),
            # Python's own, beside the code.
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            **{name: "0" for name, _ in SWITCHED_OFF},
        }

    def kikimimi(self, command: str) -> AbstractContextManager[Traced]:
        """A command of the box, under strace."""
        words = command.split()
        return self.python(words[0], "-m", "agent", *words)

    def python(self, name: str, *arguments: str) -> AbstractContextManager[Traced]:
        """A program in Python, under strace."""
        folder = self.folder / f"trace-{name}"
        return traced(folder, [sys.executable, *arguments], self.environment, self.box)

    def ended(self, started: Traced, status: int = 0) -> Trace:
        """Wait for its end, and see that it kept to this machine and to its folders."""
        said = started.end()
        assert started.process.returncode == status, said
        assert "telemetry" not in said.lower()
        trace = started.trace()
        assert {one.host for one in trace.listeners} <= {_HERE}
        places = (self.box, self.temporary, *_NOWHERE)
        assert not {one for one in trace.written if not any(map(one.is_relative_to, places))}
        assert list(self.home.rglob("*")) == []
        assert list(self.temporary.rglob("*")) == []
        return trace


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A broker, a camera, a small bundle and twenty seconds of sound with an event."""
    folder = tmp_path_factory.mktemp("site")
    write_siren(folder / "gate.wav")
    camera = Camera(folder / "gate.wav")
    with mosquitto(folder) as broker:
        ports = (broker.port, camera.port, free_port())
        site = Site(folder, *(Address(_HERE, port) for port in ports))
        for path in (site.home, site.box, site.temporary):
            path.mkdir()
        make_bundle(site.box / "bundle")
        (site.box / "descriptions.yaml").write_text(_DESCRIPTIONS, encoding="utf-8")
        sound = 0.2 * noise(20 * RATE_HZ)
        sound[8 * RATE_HZ : 9 * RATE_HZ] += 0.5 * np.sin(np.arange(RATE_HZ) / 3.0)
        soundfile.write(site.box / "hall.wav", sound, RATE_HZ)
        settings = {
            "site": "plant",
            "node": "box",
            "bundle": "bundle",
            "descriptions": "descriptions.yaml",
            "state_dir": "state",
            "sources": [
                {"name": "hall", "kind": "file", "path": "hall.wav", "speed": 20},
                {"name": "gate", "kind": "stream", "url": f"http://{_HERE}:{camera.port}/"},
            ],
            "mqtt": {"host": _HERE, "port": broker.port},
            "console": {"port": site.console.port},
        }
        (site.box / "agent.yaml").write_text(json.dumps(settings), encoding="utf-8")
        camera.start()
        yield site
        camera.kill()


@pytest.fixture(scope="module")
def heard(site: Site) -> Trace:
    """The agent has heard the sound: there are an alert, a clip and embeddings of texts."""
    with site.kikimimi("run --config agent.yaml") as started:
        started.wait_for("clip_written", 'source="gate" state="ok"')
        started.stop()
        return site.ended(started)


def test_agent_and_its_worker_tell_the_broker_alone(site: Site, heard: Trace) -> None:
    """From the first description to the clip; the camera is asked for its sound."""
    assert _reached(heard) == {site.broker, site.camera}
    assert any("agent.encoder.text_worker" in program for program in heard.programs)
    assert any(path.suffix == ".flac" for path in site.box.rglob("clips/*"))


@pytest.mark.parametrize(
    ("command", "reaches_broker", "status"),
    [
        ("check --config agent.yaml --online", True, 0),
        ("score hall.wav --bundle bundle --descriptions descriptions.yaml", False, 0),
        # Twenty seconds are no background.
        ("calibrate --config agent.yaml --files hall.wav", False, 1),
        pytest.param("replay hall.wav --config agent.yaml --bundle bundle", False, 0, marks=_FULL),
        pytest.param("labels export labels --config agent.yaml", False, 0, marks=_FULL),
        # These two have a broker of their own; the demo lasts as long as its scene.
        pytest.param("bench --bundle bundle --seconds 15", False, 0, marks=_FULL),
        pytest.param("demo --language en", False, 0, marks=_FULL),
    ],
)
def test_command_tells_nobody(
    site: Site, heard: Trace, command: str, reaches_broker: bool, status: int
) -> None:
    """Whatever it computes."""
    with site.kikimimi(command) as started:
        trace = site.ended(started, status)
    assert _reached(trace) == ({site.broker} if reaches_broker else set())


def test_console_listens_where_it_says_and_nowhere_else(site: Site, heard: Trace) -> None:
    """While a page is asked for, with its data."""
    with site.kikimimi("console --config agent.yaml") as started:
        started.wait_for("Uvicorn running", "broker_connected")
        cookie = ""
        for path in ("/", "/api/session", "/api/overview"):
            with closing(http.client.HTTPConnection(_HERE, site.console.port)) as connection:
                connection.request("GET", path, headers={"cookie": cookie})
                answer = connection.getresponse()
                assert answer.status == http.HTTPStatus.OK
                cookie = answer.getheader("set-cookie", cookie).partition(";")[0]
        started.stop()
        trace = site.ended(started, -signal.SIGTERM)
    assert _reached(trace) == {site.broker}
    assert site.console in trace.listeners


def test_broker_of_the_demo_tells_nobody(site: Site) -> None:
    """The one that stands in where Mosquitto is not installed."""
    port = free_port()
    with site.python("broker", "-m", "agent.cli.demo_broker", str(port)) as started:
        _wait_for_listener(port)
        started.stop()
        trace = site.ended(started)
    assert _reached(trace) == set()
    assert trace.listeners == {Address(_HERE, port)}


@pytest.mark.skipif(browser.find() is None, reason="no Chromium on the PATH: apt install chromium")
def test_browser_that_prints_the_report_tells_nobody(site: Site, heard: Trace) -> None:
    """It would ask its maker for updates, and leave reports of crashes."""
    command = "report --config agent.yaml --since 1d --output report.html --pdf"
    with site.kikimimi(command) as started:
        trace = site.ended(started)
    assert trace.contacts <= {_ROUTE}
    assert any("--print-to-pdf" in program for program in trace.programs)
    assert (site.box / "report.pdf").stat().st_size > 0


@pytest.mark.full
@pytest.mark.torch
def test_training_and_export_tell_nobody(site: Site) -> None:
    """All their libraries are loaded at once."""
    program = "import training.__main__, export.__main__"
    with site.python("training", "-c", program) as started:
        trace = site.ended(started)
    assert _reached(trace) == set()
    assert {"torch", "onnxruntime", "matplotlib"} <= {
        part for path in trace.opened for part in path.parts
    }


def _reached(trace: Trace) -> set[Address]:
    """What it was connected with; no name was looked up."""
    assert not trace.looks_up_names
    return set(trace.contacts)


def _wait_for_listener(port: int) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        with suppress(OSError), socket.create_connection((_HERE, port), 1.0):
            return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")
