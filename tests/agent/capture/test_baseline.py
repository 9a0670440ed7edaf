"""The usual level of a site, and drift from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.capture.baseline import LEARNT_DAYS, LevelBaseline

if TYPE_CHECKING:
    from pathlib import Path

HOUR_S = 10
WORK_DBFS, NIGHT_DBFS, SUNDAY_DBFS = -40.0, -62.0, -58.0


def day(usual: LevelBaseline, loud_dbfs: float, quiet_dbfs: float = NIGHT_DBFS) -> None:
    """Nine hours of work and fifteen of night."""
    for hour in range(24):
        for _ in range(HOUR_S):
            usual.add(loud_dbfs if 8 <= hour < 17 else quiet_dbfs)


def week(usual: LevelBaseline) -> LevelBaseline:
    """Six days of work and a Sunday."""
    for _ in range(6):
        day(usual, WORK_DBFS)
    day(usual, SUNDAY_DBFS)
    return usual


def learnt(path: Path | None = None) -> LevelBaseline:
    """A site after its first week."""
    return week(LevelBaseline(path, HOUR_S))


def test_nothing_is_said_before_a_week_was_heard() -> None:
    """Six days tell nothing of a Sunday."""
    usual = LevelBaseline(None, HOUR_S)
    for _ in range(LEARNT_DAYS - 1):
        day(usual, WORK_DBFS)
    assert usual.usual_dbfs is None
    assert usual.drift_db is None
    day(usual, -90.0, -90.0)
    assert usual.usual_dbfs == (-90.0, WORK_DBFS)


def test_nights_and_sundays_are_usual() -> None:
    """Another week like the first has no drift, hour by hour."""
    usual = learnt()
    assert usual.usual_dbfs == (SUNDAY_DBFS, WORK_DBFS)
    for number in range(14):
        for hour in range(24):
            for _ in range(HOUR_S):
                working = 8 <= hour < 17 and number % 7 != 6
                usual.add(WORK_DBFS if working else SUNDAY_DBFS)
            assert usual.drift_db == 0.0
            assert usual.reason == ""


def test_covered_microphone_is_told_within_a_day_and_until_it_is_mended() -> None:
    """With hysteresis: beyond 10 dB it is said, under 6 dB it no longer is."""
    usual = learnt()
    day(usual, SUNDAY_DBFS - 9.0, SUNDAY_DBFS - 30.0)
    assert usual.drift_db == -9.0
    assert usual.reason == ""
    day(usual, SUNDAY_DBFS - 11.0, SUNDAY_DBFS - 30.0)
    assert "11 dB quieter than any of the first week" in usual.reason
    day(usual, SUNDAY_DBFS - 7.0, SUNDAY_DBFS - 30.0)
    assert "7 dB quieter" in usual.reason
    for _ in range(30):  # it does not become usual by lasting
        day(usual, SUNDAY_DBFS - 7.0, SUNDAY_DBFS - 30.0)
    assert usual.reason
    day(usual, WORK_DBFS)
    assert usual.reason == ""


def test_gain_that_was_turned_up_is_told() -> None:
    """Louder than the loudest day."""
    usual = learnt()
    day(usual, WORK_DBFS + 15.0)
    assert usual.drift_db == 15.0
    assert "15 dB louder" in usual.reason


def test_digital_silence_is_no_level() -> None:
    """What the silent state tells already does not pull the usual down."""
    usual = learnt()
    for _ in range(100 * HOUR_S):
        usual.add(None)
    assert usual.drift_db == 0.0


def test_it_is_kept_over_a_restart(tmp_path: Path) -> None:
    """A box that is switched off each night learns its week all the same."""
    path = tmp_path / "levels" / "mic1.json"
    for _ in range(LEARNT_DAYS * 2):
        usual = LevelBaseline(path, HOUR_S)
        for _ in range(12 * HOUR_S):
            usual.add(WORK_DBFS)
    assert LevelBaseline(path, HOUR_S).usual_dbfs == (WORK_DBFS, WORK_DBFS)
    day(LevelBaseline(path, HOUR_S), WORK_DBFS - 20.0, WORK_DBFS - 20.0)
    told = LevelBaseline(path, HOUR_S)
    assert "20 dB quieter" in told.reason
    assert f"delete {path}" in told.reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"schema":1}',
        b'{"schema":2,"days":[],"hours":[],"learning_hours":0,"drifted":false}',
        b'{"schema":1,"days":[NaN],"hours":[],"learning_hours":0,"drifted":false}',
        b'{"schema":1,"days":[1e999],"hours":[],"learning_hours":0,"drifted":false}',
        b'{"schema":1,"days":[],"hours":[[1,2]],"learning_hours":0,"drifted":false}',
        b'{"schema":1,"days":[],"hours":[],"learning_hours":99,"drifted":false}',
        b'{"schema":1,"days":{},"hours":7,"learning_hours":[],"drifted":false}',
    ],
)
def test_damaged_file_is_learnt_again(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and replaced after the next hour."""
    path = tmp_path / "mic1.json"
    path.write_bytes(content)
    usual = LevelBaseline(path, HOUR_S)
    assert usual.usual_dbfs is None
    assert caplog.messages == ["usual_level_unreadable"]
    for _ in range(HOUR_S):
        usual.add(WORK_DBFS)
    assert json.loads(path.read_text())["schema"] == 1


def test_folder_that_refuses_is_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "levels").write_text("")
    usual = learnt(tmp_path / "levels" / "mic1.json")
    assert usual.usual_dbfs == (SUNDAY_DBFS, WORK_DBFS)
    assert "usual_level_not_kept" in caplog.messages
