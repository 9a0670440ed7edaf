"""The disk fails while the box listens: it says so, goes on, and heals; no alert is lost."""

from __future__ import annotations

import random
import resource
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from agent.store import FILE_NAME
from tests.faults.disks import small_disk
from tests.faults.harness import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.broker

_SPEED = 10.0


@contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    bench = Bench(folder, speed=_SPEED)
    try:
        yield bench
    finally:
        bench.close()


def _everything_arrived(bench: Bench) -> None:
    """End the agent: what its log tells of is what arrived, in order, and what is on the disk."""
    bench.finish(lambda: len(bench.told()))
    told = bench.told()
    assert bench.heard() == told
    with closing(sqlite3.connect(bench.state / FILE_NAME)) as database:
        kept = {row[0] for row in database.execute("SELECT alert_id FROM alerts")}
    return_of_disk = [e for e in bench.events() if e["event"] == "store_usable"]
    assert return_of_disk
    assert {alert_id for alert_id, _ in told} - kept == set()


def test_full_disk(tmp_path: Path) -> None:
    """Alerts arrive from memory; the broker goes and comes back meanwhile; space heals it."""
    with small_disk(tmp_path / "state") as disk, _bench(tmp_path) as bench:
        bench.start_agent()
        bench.wait_for_alerts(1)
        disk.fill()
        assert "free the disk" in bench.wait_for_store("full")
        bench.wait_for_alerts(2)
        bench.kill_broker()
        bench.wait_for_alerts(2)
        disk.free()
        bench.wait(
            lambda: any(e["event"] == "store_usable" for e in bench.events()), "the disk's return"
        )
        bench.wait_for_alerts(1)
        bench.start_broker()
        bench.wait_for_store(None)
        _everything_arrived(bench)


def test_disk_that_fails_to_write(tmp_path: Path) -> None:
    """An error from the operating system in the middle of a file, as a worn-out card gives it."""
    with _bench(tmp_path) as bench:
        bench.start_agent()
        bench.wait_for_alerts(1)
        # The database is larger than this by now, the log is not yet.
        unlimited = resource.prlimit(bench.life.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(bench.life.pid, resource.RLIMIT_FSIZE, (40_000, unlimited[1]))
        bench.wait_for_store(FILE_NAME)
        bench.wait_for_alerts(2)
        resource.prlimit(bench.life.pid, resource.RLIMIT_FSIZE, unlimited)
        bench.wait_for_store(None)
        _everything_arrived(bench)


def _random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))  # noqa: S311


def _truncated(path: Path) -> None:
    size = path.stat().st_size
    assert size >= 3 * 4_096
    path.write_bytes(path.read_bytes()[: size // 2])


@pytest.mark.parametrize("damage", [_random_bytes, _truncated])
def test_damaged_database_at_the_start(tmp_path: Path, damage: object) -> None:
    """It listens and alerts all the same; the file moved away, a new one takes everything."""
    assert callable(damage)
    with _bench(tmp_path) as bench:
        path = bench.state / FILE_NAME
        damage(path)
        bench.start_agent()
        assert "move a damaged database away" in bench.wait_for_store(FILE_NAME)
        bench.wait_for_alerts(1)
        path.rename(tmp_path / "damaged.sqlite3")
        bench.wait_for_store(None)
        bench.wait_for_alerts(1)
        _everything_arrived(bench)


def test_database_damaged_while_it_runs(tmp_path: Path) -> None:
    """Random bytes over every file of the database; moved away, a new one takes everything."""
    with _bench(tmp_path) as bench:
        bench.start_agent()
        bench.wait_for_alerts(1)
        bench.wait(lambda: len(bench.heard()) >= len(bench.told()), "the alerts so far")
        for path in bench.state.glob(f"{FILE_NAME}*"):
            with path.open("r+b") as file:
                file.write(random.Random(2).randbytes(path.stat().st_size))  # noqa: S311
        bench.wait_for_store(FILE_NAME)
        bench.wait_for_alerts(1)
        for path in bench.state.glob(f"{FILE_NAME}*"):
            path.rename(tmp_path / path.name)
        bench.wait_for_store(None)
        bench.wait_for_alerts(1)
        bench.finish(lambda: len(bench.told()))
        assert bench.heard() == bench.told()


def test_database_deleted_while_it_runs(tmp_path: Path) -> None:
    """Somebody tidied up: a new database is made, and nothing that comes is lost."""
    with _bench(tmp_path) as bench:
        bench.start_agent()
        bench.wait_for_alerts(1)
        for path in bench.state.glob(f"{FILE_NAME}*"):
            path.unlink()
        bench.wait((bench.state / FILE_NAME).exists, "a new database")
        bench.wait_for_store(None)
        bench.wait_for_alerts(1)
        _everything_arrived(bench)
