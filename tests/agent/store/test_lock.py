"""One agent to a state folder, and nobody else is kept from it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent.cli import main
from agent.core.errors import StateInUseError
from agent.store import FILE_NAME, Store
from agent.store.box import RETRY_S, BoxStore
from tests.agent.cli.labels.boxes import make_box
from tests.agent.store.records import ALERT
from tests.bundles import make_bundle
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_agent_is_refused_by_name(tmp_path: Path) -> None:
    """It is told the folder, the process and what to do; the first goes on and may come again."""
    first = BoxStore(tmp_path / "state", FakeClock())
    with pytest.raises(StateInUseError) as refused:
        BoxStore(tmp_path / "state", FakeClock())
    assert str(refused.value).startswith(
        f"{tmp_path / 'state'}: another agent (process {os.getpid()}) uses this state folder; stop"
    )
    assert "a state_dir and a node of its own" in str(refused.value)
    first.record(ALERT, [("t", "1")])
    assert first.trouble == ""
    first.close()
    again = BoxStore(tmp_path / "state", FakeClock())
    assert again.take_unfinished() == [ALERT]
    again.close()


def test_the_command_ends_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And writes nothing; commands that look or export are not refused."""
    config = make_box(tmp_path)
    settings = json.loads(config.read_text())
    state = tmp_path / settings["state_dir"]
    keeper = BoxStore(state, FakeClock())
    for words in (("list",), ("export", tmp_path / "labels"), ("audit",)):
        assert main(["labels", *map(str, words), "--config", str(config)]) == 0
    report = ["report", "--config", str(config), "--json", "--since", "2026-01-01"]
    assert main(report) == 1, "the box has no descriptions, and a report all the same"
    make_bundle(tmp_path / "bundle")
    (tmp_path / "d.yaml").write_text("version: 1\nerrors: [{id: a, text: a siren}]\n")
    capsys.readouterr()
    command = ["-m", "agent", "run", "--config", config, "--source", "-"]
    files = ["--bundle", tmp_path / "bundle", "--descriptions", tmp_path / "d.yaml"]
    ended = subprocess.run(
        [sys.executable, *command, *files], input=b"", capture_output=True, check=False
    )
    assert ended.returncode == 2
    assert f"another agent (process {os.getpid()})" in ended.stderr.decode()
    keeper.close()


def test_a_crash_leaves_no_lock(tmp_path: Path) -> None:
    """The kernel lets go of it with the process."""
    program = (
        "import sys, time; from pathlib import Path; from agent.store import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1])); lock.take(); print('held', flush=True)\n"
        "time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StateInUseError, match=rf"\(process {holder.pid}\)"):
        BoxStore(tmp_path, FakeClock())
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    keeper = BoxStore(tmp_path, FakeClock())
    assert (keeper.trouble, (tmp_path / "agent.lock").read_text()) == ("", f"{os.getpid()}\n")
    keeper.close()


def test_a_folder_that_comes_later_is_locked_then(tmp_path: Path) -> None:
    """While it is missing the box listens; when it is back, it is this box's alone."""
    folder = tmp_path / "state"
    folder.write_text("no folder")
    clock = FakeClock()
    keeper = BoxStore(folder, clock)
    keeper.record(ALERT, [("t", "1")])
    assert "make state_dir a folder" in keeper.trouble
    folder.unlink()
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    with pytest.raises(StateInUseError):
        BoxStore(folder, FakeClock())
    keeper.close()


def test_a_folder_that_another_agent_took_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    """The box goes on in memory, says who has it, and takes it over when it is free."""
    folder = tmp_path / "state"
    folder.write_text("no folder")
    clock = FakeClock()
    keeper = BoxStore(folder, clock)
    keeper.record(ALERT, [("t", "1")])
    folder.unlink()
    other = BoxStore(folder, FakeClock())
    clock.advance(RETRY_S)
    assert not keeper.retry_disk()
    assert f"another agent (process {os.getpid()})" in keeper.trouble
    assert [one.payload for one in keeper.waiting()] == ["1"]
    assert other.waiting() == []
    other.close()
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    keeper.close()
    store = Store.open(folder)
    assert [one.payload for one in store.waiting()] == ["1"]
    store.close()


def test_a_folder_that_was_replaced_is_locked_anew(tmp_path: Path) -> None:
    """The lock of a file that nobody finds any more keeps nobody out."""
    folder, clock = tmp_path / "state", FakeClock()
    keeper = BoxStore(folder, clock)
    folder.rename(tmp_path / "away")
    keeper.record(ALERT, [("t", "1")])
    assert "deleted or moved away" in keeper.trouble
    clock.advance(RETRY_S)
    assert keeper.retry_disk()
    assert (folder / FILE_NAME).is_file()
    with pytest.raises(StateInUseError):
        BoxStore(folder, FakeClock())
    keeper.close()
