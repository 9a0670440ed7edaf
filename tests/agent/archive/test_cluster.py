"""A scan by several processes, and on a cluster of which a machine dies on the way: real Ray."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.archive import journal
from agent.archive.views import ViewArchive
from tests.agent.archive.archives import alerts_of, files_of, said, scan_options, write_recording
from tests.mosquitto import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.bundle.loading import Bundle

pytestmark = pytest.mark.full

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 300.0
FILES = 24
_NODE_BYTES = "100000000"  # of shared memory, each


@pytest.fixture
def many(archive: Path) -> Path:
    """Recordings for a while, and one that is no sound."""
    for number in range(FILES):
        name = f"{number:02}.wav"
        write_recording(archive / "recordings" / name, seed=number, seconds=20.0 + number)
    (archive / "recordings" / "no.wav").write_text("no sound")
    return archive


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """A home with nothing in it, and a token that the machines of the cluster share."""
    home = tmp_path / "home"
    home.mkdir()
    return os.environ | {
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        # A machine that is gone is known to be after some seconds, not after a minute.
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_initial_delay_ms": "0",
        "RAY_health_check_timeout_ms": "2000",
    }


def test_several_processes_find_what_one_finds(
    many: Path,
    small_bundle: Bundle,
    environment: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On this machine alone; nothing is left in the home folder."""
    alone, both = many / "alone.parquet", many / "both.parquet"
    command = scan_options(many, small_bundle.folder, alone)
    assert said(capsys, *command).status == 1
    words = [*command, "--workers", "2", "--out", str(both)]
    done = _kikimimi(words, environment)
    assert done.returncode == 1, done.stderr
    assert "no.wav: no sound file" in done.stderr
    assert alerts_of(both) == alerts_of(alone) != []
    assert files_of(both) == files_of(alone)
    assert list(Path(environment["HOME"]).iterdir()) == []


def test_a_machine_that_dies_loses_nothing(
    many: Path,
    small_bundle: Bundle,
    environment: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A head and two more, one of which is killed while it hears: the same tables and views."""
    alone, shared = many / "alone.parquet", many / "shared.parquet"
    command = scan_options(many, small_bundle.folder, alone)
    assert said(capsys, *command, "--embed", str(many / "one")).status == 1
    with _cluster(environment) as (address, victim):
        words = [word for word in command if word not in {"--workers", "1"}]
        words += ["--out", str(shared), "--embed", str(many / "all"), "--ray", address]
        with subprocess.Popen(
            [sys.executable, "-m", "agent", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as scan:
            _wait_for_lines(journal.of(shared), 4, scan)
            os.killpg(victim, signal.SIGKILL)
            heard = journal.of(shared).read_bytes().count(b"\n")
            _out, err = scan.communicate(timeout=PATIENCE_S)
    assert heard < FILES, "killed before the end"
    assert scan.returncode == 1, err
    assert "the worker that heard it died; another one hears it" in err
    assert alerts_of(shared) == alerts_of(alone) != []
    assert files_of(shared) == files_of(alone)
    parts = [
        [(part.name, part.windows) for part in ViewArchive.open(many / name, small_bundle).parts()]
        for name in ("one", "all")
    ]
    assert parts[0] == parts[1]


def test_a_cluster_that_is_not_there_is_told(
    archive: Path, small_bundle: Bundle, environment: Mapping[str, str]
) -> None:
    """With what to type; what was finished before stays as it is."""
    command = scan_options(archive, small_bundle.folder, archive / "alerts.parquet")
    done = _kikimimi([*command, "--ray", f"127.0.0.1:{free_port()}"], environment)
    assert done.returncode == 2
    assert "no Ray cluster can be reached" in done.stderr
    assert "ray start --head" in done.stderr
    assert "Traceback" not in done.stderr


def _kikimimi(words: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@contextmanager
def _cluster(environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """A head and two machines on this one: the head's address, the last one's process group."""
    # Not below pytest's folder: the names of Ray's sockets would be longer than a socket's may be.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        address = f"127.0.0.1:{port}"
        head = ["--head", "--port", str(port), "--include-dashboard=false", "--temp-dir", folder]
        nodes = [_node(environment, [*head, "--num-cpus", "1"])]
        try:
            _wait_for_nodes(address, 1, environment)
            joined = ["--address", address, "--num-cpus", "1"]
            nodes += [_node(environment, joined), _node(environment, joined)]
            _wait_for_nodes(address, 3, environment)
            yield address, nodes[-1].pid
        finally:
            for node in nodes:
                if node.poll() is None:
                    os.killpg(node.pid, signal.SIGKILL)
                node.wait()


def _node(environment: Mapping[str, str], options: list[str]) -> subprocess.Popen[bytes]:
    """A machine of the cluster, in a process group of its own."""
    ray = Path(sys.executable).with_name("ray")
    common = ["--node-ip-address", "127.0.0.1", "--object-store-memory", _NODE_BYTES, "--block"]
    # Those that Ray chooses itself it waits for, and gives up on a busy machine.
    for name in ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent"):
        common += [f"--{name}-port", str(free_port())]
    return subprocess.Popen(
        [str(ray), "start", *options, *common, "--disable-usage-stats"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_for_nodes(address: str, count: int, environment: Mapping[str, str]) -> None:
    program = (
        "import sys, time, ray\n"
        f"deadline = time.monotonic() + {PATIENCE_S}\n"
        "while time.monotonic() < deadline:\n"
        "    try:\n"
        f"        ray.init('{address}', logging_level='ERROR', log_to_driver=False)\n"
        "    except Exception:\n"
        "        time.sleep(0.5); continue\n"
        f"    while sum(n['Alive'] for n in ray.nodes()) < {count}: time.sleep(0.2)\n"
        "    sys.exit(0)\n"
        "sys.exit('no cluster')\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def _wait_for_lines(path: Path, lines: int, process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.01)
    process.kill()
    pytest.fail(str(process.communicate()))
