"""Whether the clock is synchronised, as the operating system tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core import clock
from agent.core.clock import SystemClock, kernel_state

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
