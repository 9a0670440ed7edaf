"""Every way in, as a user has it: from the wheel, in an environment that holds nothing else."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

from agent.cli import install
from agent.cli.commands import COMMANDS
from tests.install.environments import ROOT, Environment, installed
from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.mosquitto import PATIENCE_S, free_port, listener, mosquitto
from training.commands import COMMANDS as TRAINING

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.install

_EXTRAS = ("", "demo", "console")
_LABELS = ("list", "export", "purge", "audit")
# As on a machine without Mosquitto, which is found wherever Debian may have put it.
_WITHOUT_MOSQUITTO = (
    "import agent.cli.demo_broker as broker, sys; broker.shutil.which = lambda *_, **__: None; "
    "from agent.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Machines, and a siren from the third second on."""
    return write_siren(tmp_path_factory.mktemp("sound") / "hall.wav")


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Descriptions that fit it."""
    path = tmp_path_factory.mktemp("site") / "descriptions.yaml"
    path.write_text(DESCRIPTIONS, encoding="utf-8")
    return path


def _told_once(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line of a command that failed."""
    assert done.returncode == status, done.stdout + done.stderr
    assert not done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def _would_install(environment: Environment, line: str) -> list[str]:
    """What the command in a message would add, as pip itself says."""
    words = shlex.split(line.partition("; type: ")[2])
    assert words[1:4] == ["-m", "pip", "install"]
    done = environment.run(*words, "--dry-run")
    assert done.returncode == 0, done.stderr
    last = next(one for one in done.stdout.splitlines() if one.startswith("Would install"))
    return last.split()[2:]


@installed(*_EXTRAS)
def test_help_of_every_command(environment: Environment) -> None:
    """Of the whole program too, and of what needs an extra that is not there."""
    told = environment.run(environment.kikimimi, "--help")
    assert told.returncode == 0, told.stderr
    for command in COMMANDS:
        assert f"    {command.name}" in told.stdout
        own = environment.run(environment.kikimimi, command.name, "--help")
        assert (own.returncode, own.stderr) == (0, ""), command.name
        assert f"usage: kikimimi {command.name} " in own.stdout
    for name in _LABELS:
        own = environment.run(environment.kikimimi, "labels", name, "--help")
        assert (own.returncode, own.stderr) == (0, ""), name


@installed(*_EXTRAS)
def test_main_job(environment: Environment, recording: Path, described: Path) -> None:
    """A file is scored, a site is checked, and what is heard is published, kept and reported."""
    known = ("--descriptions", described)
    scored = environment.run(environment.kikimimi, "score", recording, *known, "--json")
    assert scored.returncode == 0, scored.stderr
    best = max(json.loads(line)["scores"]["siren"] for line in scored.stdout.splitlines())
    assert best > 4.0
    checked = environment.run(environment.kikimimi, "check", *known)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.splitlines()[-1].startswith("ready: 2 descriptions")


@installed(*_EXTRAS)
@pytest.mark.broker
def test_alert_of_a_file_is_published_and_reported(
    environment: Environment, recording: Path, described: Path, tmp_path: Path
) -> None:
    """By ``run`` on a real broker; ``report`` has its page's texts and templates."""
    config = tmp_path / "agent.yaml"
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = {
            "descriptions": str(described),
            "state_dir": str(tmp_path / "state"),
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "sources": [
                {"name": "hall", "kind": "file", "path": str(recording), "realtime": False}
            ],
        }
        config.write_text(json.dumps(settings), encoding="utf-8")
        done = environment.run(environment.kikimimi, "run", "--config", config)
        assert done.returncode == 0, done.stderr
        heard.wait(lambda: bool(heard.on("/alert")))
        assert json.loads(heard.on("/alert")[0])["error_id"] == "siren"
    page = tmp_path / "report.html"
    done = environment.run(
        environment.kikimimi, "report", "--config", config, "--output", page, "--language", "en"
    )
    assert done.returncode == 0, done.stderr
    assert "サイレンが鳴り響く音" in page.read_text(encoding="utf-8")


@installed("")
def test_files_beside_the_code_arrive(environment: Environment, tmp_path: Path) -> None:
    """Units, settings and descriptions are those of the tree, and they are found."""
    done = environment.run(environment.kikimimi, "install-service", "--prefix", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in install.EXAMPLES:
        written = (tmp_path / "etc/kikimimi" / name).read_bytes()
        assert written == (ROOT / "configs" / name).read_bytes()
    unit = (tmp_path / "etc/systemd/system/kikimimi.service").read_text(encoding="utf-8")
    own = (ROOT / "systemd/kikimimi.service").read_text(encoding="utf-8")
    assert f"ExecStart={environment.kikimimi} run --config /etc/kikimimi/agent.yaml" in unit
    assert len(unit.splitlines()) == len(own.splitlines())
    shared = environment.folder / "share/kikimimi"
    for path in (
        *("roi.yaml", "mosquitto/mosquitto.conf", "mosquitto/kikimimi.acl"),
        *("grafana/kikimimi.json", "prometheus/prometheus.yml", "prometheus/kikimimi.rules.yml"),
        *("node-red/flows.json", "evaluation/esc50-40.ja.yaml"),
    ):
        assert (shared / path).read_bytes() == (ROOT / "configs" / path).read_bytes()
    assert (shared / "constraints.txt").read_bytes() == (ROOT / "constraints.txt").read_bytes()


@installed("")
def test_missing_console_is_told_with_what_installs_it(
    environment: Environment, tmp_path: Path
) -> None:
    """By the page itself and by its service; the command is right, in the versions tested."""
    line = _told_once(environment.run(environment.kikimimi, "console"), 2)
    assert line.startswith("kikimimi: console needs the extra 'console': 'uvicorn' is not")
    added = _would_install(environment, line)
    assert any(name.startswith("starlette-") for name in added)
    assert not any(name.startswith("kikimimi-") for name in added)
    versions = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    assert {name.lower().replace("_", "-") for name in added} <= {
        one.replace("==", "-").replace("_", "-") for one in versions
    }
    done = environment.run(
        environment.kikimimi, "install-service", "--console", "--prefix", tmp_path
    )
    assert "needs the extra 'console'" in _told_once(done, 2)
    assert list(tmp_path.iterdir()) == []


@installed("")
def test_missing_broker_is_told_with_what_installs_it(environment: Environment) -> None:
    """Where the machine has no Mosquitto either."""
    done = environment.run(environment.python, "-c", _WITHOUT_MOSQUITTO, "demo")
    line = next(one for one in done.stderr.splitlines() if one.startswith("kikimimi: "))
    assert done.returncode == 2
    assert "without Mosquitto (sudo apt install mosquitto), a broker" in line
    assert "needs the extra 'demo': 'amqtt' is not installed" in line
    assert any(name.startswith("amqtt-") for name in _would_install(environment, line))


@installed("")
def test_missing_training_and_export_are_told(environment: Environment) -> None:
    """The help of the whole is there; a command says which extra it lacks."""
    told = environment.run(environment.python, "-m", "training", "--help")
    assert told.returncode == 0, told.stderr
    assert environment.run(environment.python, "-m", "export", "--help").returncode == 0
    for command in TRAINING:
        assert f"    {command.name}" in told.stdout
    line = _told_once(environment.run(environment.python, "-m", "training", "train"), 1)
    assert line.startswith("python -m training: train needs the extra 'training': 'torch' is not")
    assert line.endswith("'kikimimi[training]'")
    export = environment.run(
        environment.python, "-m", "export", "--checkpoint", "a.pt", "--output", "b"
    )
    line = _told_once(export, 1)
    assert line.startswith("python -m export: this needs the extra 'export': 'torch' is not")


@installed("")
@pytest.mark.full
def test_missing_metrics_are_told(
    environment: Environment, described: Path, tmp_path: Path
) -> None:
    """By a check, as a warning: the box listens without."""
    config = tmp_path / "agent.yaml"
    config.write_text(json.dumps({"descriptions": str(described), "metrics": {"enabled": True}}))
    done = environment.run(environment.kikimimi, "check", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(one for one in done.stdout.splitlines() if one.startswith("warning: metrics: "))
    assert "metrics.enabled needs the extra 'metrics': 'prometheus_client' is not inst" in line
    added = _would_install(environment, line)
    assert [name.partition("-")[0] for name in added] == ["prometheus_client"]


@installed("metrics")
@pytest.mark.full
def test_metrics_are_served(
    environment: Environment, recording: Path, described: Path, tmp_path: Path
) -> None:
    """By a box that listens, until it is stopped."""
    config, port = tmp_path / "agent.yaml", free_port()
    settings = {
        "descriptions": str(described),
        "state_dir": str(tmp_path / "state"),
        "mqtt": {"enabled": False},
        "metrics": {"enabled": True, "port": port},
        "sources": [{"name": "hall", "kind": "file", "path": str(recording), "loop": True}],
    }
    config.write_text(json.dumps(settings), encoding="utf-8")
    box = subprocess.Popen(
        [environment.kikimimi, "run", "--config", config],
        cwd=environment.home,
        env=environment.shell,
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while 'kikimimi_state{state="ok"} 1.0' not in _answer(
            box, f"http://127.0.0.1:{port}/metrics"
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        box.send_signal(signal.SIGTERM)
    assert box.wait(PATIENCE_S) == 0


@installed("demo")
def test_demo_without_mosquitto(environment: Environment) -> None:
    """The scene of a minute, with the broker that the extra brings."""
    done = environment.run(environment.python, "-c", _WITHOUT_MOSQUITTO, "demo", "--language", "en")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "broker: amqtt on" in done.stdout
    assert "5 of 5 found, 0 false alarms" in done.stdout


@installed("console")
def test_console_answers(environment: Environment, described: Path) -> None:
    """Its page and what belongs to it, until it is stopped."""
    port = free_port()
    words = ["console", "--port", port, "--descriptions", described]
    served = subprocess.Popen(
        [environment.kikimimi, *map(str, words)], cwd=environment.home, env=environment.shell
    )
    try:
        page = _answer(served, f"http://127.0.0.1:{port}/")
        assert "<title>" in page
        for name in ("app.js", "style.css"):
            assert f"/static/{name}" in page
            assert _answer(served, f"http://127.0.0.1:{port}/static/{name}")
    finally:
        served.send_signal(signal.SIGTERM)
    # uvicorn shuts down in order and then ends by the signal that asked for it.
    assert served.wait(PATIENCE_S) in {0, -signal.SIGTERM}


def _answer(served: subprocess.Popen[bytes], address: str) -> str:
    """What is there, as soon as it is."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(address) as response:  # noqa: S310 - of this machine
                return str(response.read().decode())
        except URLError:
            assert served.poll() is None, "it has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
