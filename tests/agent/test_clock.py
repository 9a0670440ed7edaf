"""Whether the clock is synchronised, as the operating system tells."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import clock
from agent.clock import SystemClock, kernel_state

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "kikimimi.service"
TIME_ERROR = 5


def test_the_kernel_answers() -> None:
    """Anybody may ask; 5 says that nobody has set the clock."""
    assert 0 <= kernel_state() <= TIME_ERROR


def test_either_sign_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of systemd-timesyncd, or what any other daemon told the kernel."""
    sign = tmp_path / "synchronized"
    monkeypatch.setattr(clock, "_SYNCHRONISED", sign)
    assert SystemClock().synced() is (kernel_state() < TIME_ERROR)
    for state, expected in ((0, True), (TIME_ERROR, False), (-1, False)):
        monkeypatch.setattr(clock, "kernel_state", lambda state=state: state)
        assert SystemClock().synced() is expected
    sign.touch()
    assert SystemClock().synced()


def test_the_service_may_ask_the_kernel() -> None:
    """Else a box whose clock chrony keeps would say for ever that it is not synchronised."""
    assert "ProtectClock=yes" not in UNIT.read_text(encoding="utf-8")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    ask = "from agent.clock import kernel_state; print(kernel_state())"
    command = [sys.executable, str(ROOT / "tests" / "seccomp.py"), str(UNIT)]
    answered = subprocess.run(
        [*command, sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert 0 <= int(answered.stdout) <= TIME_ERROR
