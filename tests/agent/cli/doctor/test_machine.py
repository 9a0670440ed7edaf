"""What the doctor says of a machine: its disk is a real one, its clock and memory are given."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent.cli.doctor import machine
from agent.cli.doctor.findings import Finding, Outcome
from agent.config import load_settings
from agent.core import memory
from agent.core.telemetry import SWITCHED_OFF
from tests.bundles import make_bundle
from tests.fakes import FakeClock
from tests.faults.disks import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.config import Settings


def codes(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Each with its outcome."""
    return [(one.outcome.value, one.code) for one in findings]


def take(path: Path, size_bytes: int) -> None:
    """Room on the disk, without writing all of it."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


def settings_of(folder: Path, text: str = "") -> Settings:
    """A site's settings, with a state folder of the test."""
    path = folder / "agent.yaml"
    path.write_text(f"state_dir: state\n{text}", encoding="utf-8")
    return load_settings(path, {"HOME": str(folder)})


def test_a_folder_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    """Nothing is made by looking."""
    (finding,) = machine.state_folder(settings_of(tmp_path, "clips: {quota: 10MB}\n"))
    assert codes([finding]) == [("ok", "state_fine")]
    assert finding.values["folder"] == str(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_what_everybody_may_write_is_warned_of(tmp_path: Path) -> None:
    """And the rest is looked at all the same."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    found = codes(machine.state_folder(settings_of(tmp_path, "clips: {quota: 10MB}\n")))
    assert found == [("warn", "state_open"), ("ok", "state_fine")]


def test_a_disk_that_fills_up_is_told_before_it_is_full(tmp_path: Path) -> None:
    """First clips have less room than the site allows them, then alerts have none."""
    with small_disk(tmp_path / "disk", "400m") as disk:
        settings = settings_of(disk.folder, "clips: {quota: 2GB}\n")
        (finding,) = machine.state_folder(settings)
        assert codes([finding]) == [("warn", "disk_little")]
        assert finding.values["wanted"] == "2.3 GB"
        assert codes(machine.state_folder(settings_of(disk.folder, "clips: {quota: 10MB}\n"))) == [
            ("ok", "state_fine")
        ]
        take(disk.folder / "ballast", 350 << 20)
        assert codes(machine.state_folder(settings)) == [("fail", "disk_full")]
        (disk.folder / "ballast").unlink()
        disk.make("ro")
        (finding,) = machine.state_folder(settings)
        assert codes([finding]) == [("fail", "state_unwritable")]
        assert "read-only file system" in finding.values["found"]


def test_clips_that_are_there_need_no_more_room(tmp_path: Path) -> None:
    """What they hold is theirs already."""
    with small_disk(tmp_path / "disk", "400m") as disk:
        (disk.folder / "state" / "clips").mkdir(parents=True)
        take(disk.folder / "state" / "clips" / "a.flac", 100_000_000)
        settings = settings_of(disk.folder, "clips: {quota: 100MB}\n")
        assert codes(machine.state_folder(settings)) == [("ok", "state_fine")]


@pytest.mark.parametrize(
    ("available_bytes", "runs", "expected"),
    [
        (None, False, ("warn", "memory_unknown")),
        (150 << 20, False, ("fail", "memory_short")),
        (300 << 20, False, ("warn", "memory_little")),
        (500 << 20, False, ("ok", "memory_enough")),
        # The agent has what it needs already.
        (150 << 20, True, ("ok", "memory_enough")),
    ],
)
def test_memory(available_bytes: int | None, runs: bool, expected: tuple[str, str]) -> None:
    """By what programs can still have."""
    assert codes([machine.memory(available_bytes, agent_runs=runs)]) == [expected]


def test_memory_is_read_as_linux_tells_it(tmp_path: Path) -> None:
    """And unknown where it tells nothing."""
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  900 kB\nMemAvailable:     400 kB\nBuffers:  1 kB\n")
    assert memory.available_bytes(told) == 409_600
    told.write_text("MemTotal:  900 kB\n")
    assert memory.available_bytes(told) is None
    assert memory.available_bytes(tmp_path / "none") is None
    found = memory.available_bytes()
    assert found is None or found > 0


def test_the_clock_and_the_zone(tmp_path: Path) -> None:
    """Set, free, or before the program was there; UTC is asked about unless it is meant."""
    clock = FakeClock(now=datetime(2026, 1, 2, 3, 4, tzinfo=UTC).timestamp())
    tokyo = {"TZ": "Asia/Tokyo"}
    (finding,) = machine.clock(clock, None, tokyo, 0.0)
    assert codes([finding]) == [("ok", "clock_set")]
    assert finding.values == {"time": "2026-01-02 12:04", "zone": "Asia/Tokyo"}
    free = FakeClock(synced=False)
    assert codes(machine.clock(free, None, tokyo, 0.0)) == [("warn", "clock_free")]
    assert codes(machine.clock(clock, None, tokyo, clock.now() + 60.0)) == [
        ("fail", "clock_behind")
    ]
    assert codes(machine.clock(clock, None, {"TZ": "UTC"}, 0.0)) == [
        ("ok", "clock_set"),
        ("warn", "zone_utc"),
    ]
    meant = settings_of(tmp_path, "report: {timezone: UTC}\n")
    assert codes(machine.clock(clock, meant, {}, 0.0)) == [("ok", "clock_set")]


def test_a_zone_that_is_none_falls_back_to_the_machines(tmp_path: Path) -> None:
    """As reports refuse it; the doctor goes on."""
    found = list(machine.clock(FakeClock(), None, {"TZ": "Mars/Base"}, 0.0))
    assert found[0].code == "clock_set"
    assert found[0].values["zone"] != "Mars/Base"


def test_the_real_graph_is_timed(tmp_path: Path) -> None:
    """All sources count; one that does not run is told by its file."""
    bundle = make_bundle(tmp_path / "bundle")
    one = machine.processor(bundle, None)
    assert one.outcome is not Outcome.FAIL
    assert float(one.values["milliseconds"]) >= 0.0
    sources = "sources: [{name: a}, {name: b}, {name: c}]\n"
    many = machine.processor(bundle, settings_of(tmp_path, sources))
    assert many.values["sources"] == "3"
    odd = settings_of(tmp_path, "windows: {hop_s: 0.123}\n")
    assert machine.processor(bundle, odd).values["where"] == "windows.hop_s"
    bundle.audio_tower.write_bytes(b"no graph")
    broken = machine.processor(bundle, None)
    assert broken.outcome is Outcome.FAIL
    assert str(bundle.audio_tower) in broken.values["where"]


def test_a_machine_that_is_too_slow_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of real time leaves little room, nine tenths none."""
    bundle = make_bundle(tmp_path / "bundle")
    for share, expected in ((0.4, "keeps_up"), (0.6, "busy"), (0.95, "short")):
        monkeypatch.setattr(machine, "best_ms", lambda *_, s=share: 4_000.0 * s)
        assert machine.processor(bundle, None).code == f"processor_{expected}"


def test_telemetry() -> None:
    """Each variable by its name."""
    off = dict(SWITCHED_OFF)
    assert codes([machine.telemetry(off)]) == [("ok", "telemetry_off")]
    found = machine.telemetry(off | {"ORT_DISABLE_TELEMETRY": "0"})
    assert (found.outcome, found.values) == (Outcome.FAIL, {"names": "ORT_DISABLE_TELEMETRY"})
