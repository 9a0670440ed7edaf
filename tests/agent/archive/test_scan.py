"""``kikimimi scan``: every alert once, whatever happens to the scan or to a file."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.archive import journal, tables
from agent.archive.index import GraphIndex
from agent.archive.views import ViewArchive
from agent.capture.scene import RATE_HZ, at_level, machines, siren
from tests.agent.archive.archives import (
    DESCRIPTIONS,
    alerts_of,
    files_of,
    said,
    scan_options,
    scored,
    write_recording,
)
from tests.bundles import make_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.bundle.loading import Bundle
    from agent.capture.scene import Scene

ROOT = Path(__file__).resolve().parents[3]
HEARD = """\
version: 1
errors:
  - {id: siren, text: サイレンが鳴り響く音, paraphrases: [a siren wails], threshold: 4.0}
  - {id: glass_broken, text: ガラスが割れる音, threshold: 4.0}
  - {id: alarm, text: 警報ベルが鳴る音, threshold: 1.6, hits: 2 of 3}
"""
PATIENCE_S = 120.0


def test_alerts_are_those_of_score(
    tmp_path: Path, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the demo's scene, and on a minute of a noisy hall at another rate and in two channels."""
    described = tmp_path / "d.yaml"
    described.write_text(HEARD, encoding="utf-8")
    soundfile.write(tmp_path / "scene.flac", scene.samples, RATE_HZ)
    rng = np.random.default_rng(5)
    hall = at_level(machines(rng, 60 * RATE_HZ), -35.0)
    for at_s in (12, 41):
        wail = at_level(siren(rng), -20.0)
        hall[at_s * RATE_HZ : at_s * RATE_HZ + len(wail)] += wail
    both = np.stack([hall, 0.5 * hall], axis=1)
    soundfile.write(tmp_path / "hall.wav", both, 44_100, subtype="PCM_16")
    out = tmp_path / "alerts.parquet"
    files = [tmp_path / "hall.wav", tmp_path / "scene.flac"]
    told = said(capsys, "scan", *files, "--descriptions", described, "--out", out, "--workers", "1")
    assert told.status == 0, told.err
    alerts = alerts_of(out)
    assert alerts == scored(capsys, *files, "--descriptions", described)
    assert {one["file"] for one in alerts} == set(map(str, files))
    assert any(one["candidates"] for one in alerts)
    heard = files_of(out)
    assert heard["scene.flac"]["duration"] == pytest.approx(scene.duration_s, abs=0.02)
    assert [heard[name]["error"] for name in heard] == [None, None]


def test_killed_in_the_middle_it_goes_on_to_the_same_tables(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL leaves what was finished; the same command does the rest, and nothing twice."""
    for number in range(10, 18):
        write_recording(archive / "recordings" / f"{number}.wav", seed=number, seconds=30.0)
    out, whole = archive / "killed.parquet", archive / "whole.parquet"
    views = ("--embed", str(archive / "views"))
    command = [*scan_options(archive, small_bundle.folder, out), *views]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "agent", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        _wait_for_lines(journal.of(out), 3, process)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    before = journal.of(out).read_bytes().splitlines()
    assert 3 <= len(before) < 12, "killed before its end"
    with journal.of(out).open("ab") as file:
        file.write(before[-1][:40])  # as a line that was cut off
    assert said(capsys, *command).status == 0
    after = journal.of(out).read_bytes().splitlines()
    assert after[: len(before)] == before
    assert len(after) == 12
    again = [*scan_options(archive, small_bundle.folder, whole), "--embed", str(archive / "other")]
    assert said(capsys, *again).status == 0
    assert alerts_of(out) == alerts_of(whole) != []
    assert files_of(out) == files_of(whole)
    kept, others = (
        ViewArchive.open(archive / name, small_bundle).parts() for name in ("views", "other")
    )
    assert [(part.name, part.windows) for part in kept] == [
        (part.name, part.windows) for part in others
    ]
    assert len(kept) == 11


def test_files_that_cannot_be_heard_are_told_and_the_others_count(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut short or no sound: by name, with the reason; mended, they are heard."""
    recordings, out = archive / "recordings", archive / "alerts.parquet"
    whole = (recordings / "a.flac").read_bytes()
    (recordings / "a.flac").write_bytes(whole[: len(whole) // 2])
    (recordings / "no.wav").write_text("no sound")
    (recordings / "notes.txt").write_text("shift book")
    command = scan_options(archive, small_bundle.folder, out)
    told = said(capsys, *command)
    assert told.status == 1
    assert f"kikimimi scan: {recordings / 'a.flac'}: cut short" in told.err
    assert f"kikimimi scan: {recordings / 'no.wav'}: no sound file" in told.err
    assert "passed over, by their endings no sound files: 1 (1 .txt)" in told.err
    assert "4 files" in told.out
    assert "2 files not heard" in told.out
    heard = files_of(out)
    assert heard["a.flac"]["error"].startswith("cut short")
    assert heard["b.wav"]["error"] is None
    assert heard["b.wav"]["windows"] > 0
    assert {one["file"] for one in alerts_of(out)} <= {
        str(recordings / name) for name in ("b.wav", "night/c.flac")
    }
    (recordings / "a.flac").write_bytes(whole)
    (recordings / "no.wav").unlink()
    write_recording(recordings / "no.wav", seed=9)
    assert said(capsys, *command).status == 0
    assert [one["error"] for one in files_of(out).values()] == [None] * 4
    lines = journal.of(out).read_bytes().splitlines()
    assert len(lines) == 1 + 4 + 2


def test_only_what_is_new_or_another_one_is_heard(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pattern finds what was added; a file that was written anew has one row, not two."""
    recordings, out = archive / "recordings", archive / "alerts.parquet"
    command = scan_options(archive, small_bundle.folder, out)
    command[1] = str(recordings / "**" / "*.flac")
    assert said(capsys, *command).status == 0
    assert files_of(out).keys() == {"a.flac", "c.flac"}
    before = files_of(out)
    write_recording(recordings / "a.flac", seed=20, seconds=4.0)
    write_recording(recordings / "d.flac", seed=21)
    assert said(capsys, *command).status == 0
    after = files_of(out)
    assert after.keys() == {"a.flac", "c.flac", "d.flac"}
    assert after["c.flac"] == before["c.flac"]
    assert after["a.flac"]["duration"] == pytest.approx(4.0, abs=0.02)
    assert max(one["end"] for one in alerts_of(out) if one["file"].endswith("a.flac")) <= 4.02
    lines = journal.of(out).read_bytes().splitlines()
    assert len(lines) == 1 + 2 + 2
    # Damage in the midst of the journal costs the file of that line.
    lines[1] = lines[1].replace(b'"windows"', b'"wind0ws"', 1)
    journal.of(out).write_bytes(b"\n".join([*lines, b""]))
    told = said(capsys, *command)
    assert told.status == 0
    assert "1 damaged lines of the journal" in told.err
    assert files_of(out) == after
    command[1] = str(recordings / "*.mp3")
    assert "fits no file" in said(capsys, *command).err


def test_a_table_of_something_else_is_refused(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other descriptions, another bundle, hop or folder of views, no journal, another scan."""
    out = archive / "alerts.parquet"
    command = scan_options(archive, small_bundle.folder, out)
    assert said(capsys, *command).status == 0
    (archive / "d.yaml").write_text(DESCRIPTIONS.replace("0.5", "0.6"), encoding="utf-8")
    told = said(capsys, *command)
    assert told.status == 2
    assert "was made with other descriptions, not with these; name another --out" in told.err
    command = scan_options(archive, small_bundle.folder, out)
    other = make_bundle(archive / "other", seed=3)
    told = said(capsys, *scan_options(archive, other.folder, out))
    assert f"({small_bundle.digest[:19]}, not {other.digest[:19]})" in told.err
    told = said(capsys, *command, "--hop", "2")
    assert "was made with --hop 0.5, not with --hop 2; name another --out" in told.err
    told = said(capsys, *command, "--embed", archive / "views")
    assert f"was made with no --embed, not with --embed {archive / 'views'}" in told.err
    with journal.of(out).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another scan writes it" in said(capsys, *command).err
    (archive / "lone.parquet").write_text("mine")
    command[command.index("--out") + 1] = str(archive / "lone.parquet")
    assert "is there already, and without lone.parquet.journal" in said(capsys, *command).err
    assert (archive / "lone.parquet").read_text() == "mine"


def test_a_full_disk_loses_nothing(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what to do; what was finished stays, and the rest follows."""
    out = archive / "alerts.parquet"
    command = scan_options(archive, small_bundle.folder, out)
    assert said(capsys, *command).status == 0
    expected = alerts_of(out)
    lines = journal.of(out).read_bytes().splitlines(keepends=True)
    for path in (out, tables.files_table(out)):
        path.unlink()
    journal.of(out).write_bytes(b"".join(lines[:2]))
    with _no_file_beyond(len(b"".join(lines[:2])) + 10):
        told = said(capsys, *command)
    assert told.status == 2
    assert f"{journal.of(out)}: File too large; free the disk and type the same again" in told.err
    assert journal.of(out).read_bytes() == b"".join(lines[:2])
    assert not out.exists()
    assert said(capsys, *command).status == 0
    assert alerts_of(out) == expected
    assert journal.of(out).read_bytes().splitlines(keepends=True) == lines


def test_views_on_a_full_disk_are_told_too(
    archive: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of a recording's views is never taken for all of them."""
    out, views = archive / "alerts.parquet", archive / "views"
    command = [*scan_options(archive, small_bundle.folder, out), "--embed", str(views)]
    with _no_file_beyond(2_000):
        told = said(capsys, *command)
    assert told.status == 2
    assert "File too large; free the disk and type the same again" in told.err
    assert ViewArchive.open(views, small_bundle).parts() == []
    assert said(capsys, *command).status == 0
    parts = GraphIndex.of(ViewArchive.open(views, small_bundle), print).parts
    assert len(parts) == 3
    counted = sum(one["windows"] for one in files_of(out).values())
    assert sum(part.windows for part in parts) == counted


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--out", "alerts.csv"), "--out: is alerts.csv; write a name that ends in .parquet"),
        (("--out", "none/a.parquet"), "is no folder; name a folder that is there"),
        (("--workers", "0"), "--workers: is 0; write 1 or more"),
        (("--hop", "-1"), "--hop: is -1; write seconds over 0"),
        (("--hop", "2.5"), "--hop: is 2.5; write at most 2"),
    ],
)
def test_options_that_cannot_be_meant(
    archive: Path,
    small_bundle: Bundle,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    found: str,
) -> None:
    """One line each."""
    command = scan_options(archive, small_bundle.folder, archive / "alerts.parquet")
    told = said(capsys, *command, *options)
    assert told.status == 2
    assert found in told.err


@contextmanager
def _no_file_beyond(size_bytes: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond a size, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _wait_for_lines(path: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.01)
    process.kill()
    assert process.stdout is not None
    pytest.fail(process.stdout.read().decode())
