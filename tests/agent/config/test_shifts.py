"""Shifts, days and weeks on the site's own clock."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.shifts import (
    DAY_MINUTES,
    Shift,
    days,
    midnight,
    shift,
    shift_at,
    shift_days,
    shifts,
    zone_named,
    zone_of_machine,
    zone_of_variable,
)

BERLIN = ZoneInfo("Europe/Berlin")
THREE = shifts("day 06:00-14:00, evening 14:00-22:00, night 22:00-06:00")


@pytest.mark.parametrize(
    "raw",
    [
        "早番 06:00-14:00、遅番 14:00-22:00、夜勤 22:00-06:00",
        "早番 6:00〜14:00, 遅番 14:00～22:00, 夜勤 22:00–6:00",
    ],
)
def test_shifts_can_be_written_in_japanese(raw: str) -> None:
    """With the commas and dashes of both languages."""
    assert [(one.starts, one.ends) for one in shifts(raw)] == [
        (360, 840),
        (840, 1_320),
        (1_320, 360),
    ]


@pytest.mark.parametrize(
    ("raw", "remedy"),
    [
        ("day", "a name and two times"),
        ("", "write for example"),
        ("day 06:00-25:00", "00:00 to 24:00"),
        ("day 06:61-07:00", "00:00 to 24:00"),
        ("day 06:00-14:00, day 14:00-22:00", "its own name"),
        ("day 06:00-14:00, late 13:00-22:00", "let 'day 06:00-14:00' end before"),
        ("a 22:00-06:00, b 05:00-07:00", "end before"),
    ],
)
def test_wrong_shifts_are_refused_with_a_remedy(raw: str, remedy: str) -> None:
    """What cannot be read, and what does not fit beside each other."""
    with pytest.raises(ValueError, match=remedy):
        shifts(raw)


def test_a_whole_day_is_one_shift() -> None:
    """From 00:00 to 24:00, and from any time to the same."""
    for raw in ("all 00:00-24:00", "all 07:00-07:00"):
        one = shift(raw)
        assert all(minute in one for minute in range(DAY_MINUTES))


@given(st.integers(0, DAY_MINUTES - 1), st.integers(0, DAY_MINUTES - 1))
def test_a_shift_and_the_rest_of_the_day_share_no_minute(starts: int, ends: int) -> None:
    """Each minute belongs to exactly one of the two."""
    if starts == ends:
        return
    one, rest = Shift("one", starts, ends), Shift("rest", ends, starts)
    assert all((minute in one) != (minute in rest) for minute in range(DAY_MINUTES))


def test_the_night_belongs_to_the_site_s_own_clock() -> None:
    """02:00 in Tokyo is the evening before in UTC."""
    at = datetime(2026, 5, 1, 17, 0, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Asia/Tokyo"))
    found = shift_at(THREE, at)
    assert found is not None
    assert found.name == "night"


@given(
    st.floats(0.0, 400.0),
    st.floats(0.01, 60.0),
    st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/New_York"]),
)
def test_shifts_that_fill_the_day_fill_every_period(first: float, long: float, name: str) -> None:
    """Also where the clocks are set within it."""
    zone = ZoneInfo(name)
    since = midnight(datetime(2026, 1, 1, tzinfo=zone).date(), zone) + first * 86_400.0
    until = since + long * 86_400.0
    total = sum(shift_days(one, since, until, zone) for one in THREE)
    assert total == pytest.approx(long, abs=1e-6)


def test_the_night_in_which_clocks_go_back_is_longer() -> None:
    """25 October 2026 in Berlin: nine hours from 22 to 6."""
    since = datetime(2026, 10, 24, 12, tzinfo=BERLIN).timestamp()
    until = datetime(2026, 10, 25, 12, tzinfo=BERLIN).timestamp()
    assert shift_days(THREE[2], since, until, BERLIN) == pytest.approx(9 / 24)
    assert len(list(days(since, until, BERLIN))) == 2


def test_time_zones() -> None:
    """By name, by the environment, by the machine; a wrong one with a remedy."""
    assert str(zone_named("Asia/Tokyo")) == "Asia/Tokyo"
    assert zone_of_machine()[1]
    for wrong in ("Tokio", "../../etc/passwd", "/etc/passwd", "あ", "JST"):
        for read in (zone_named, zone_of_variable):
            with pytest.raises(ValueError, match="such as Asia/Tokyo"):
                read(wrong)
    # Nine hours west by POSIX, which whoever writes it in a setting did not mean.
    with pytest.raises(ValueError, match=r"POSIX counts UTC\+9 westwards"):
        zone_named("UTC+9")


@pytest.mark.parametrize(
    ("raw", "name", "january_h", "july_h"),
    [
        ("Asia/Tokyo", "Asia/Tokyo", 9, 9),
        (":Europe/Berlin", "Europe/Berlin", 1, 2),
        ("JST-9", "JST-9", 9, 9),
        ("<+0530>-5:30", "<+0530>-5:30", 5.5, 5.5),
        ("UTC-9", "UTC-9", 9, 9),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3", 1, 2),
        ("NZST-12NZDT,M9.5.0,M4.1.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3", 13, 12),
        ("", "UTC", 0, 0),
    ],
)
def test_the_variable_tz_means_what_posix_says(
    raw: str, name: str, january_h: float, july_h: float
) -> None:
    """The offset of the C library's own clock, in winter and in summer."""
    zone, found = zone_of_variable(raw)
    assert found == name
    program = (
        "import time; print(*(time.localtime(at).tm_gmtoff for at in (1767225600, 1782864000)))"
    )
    by_libc = subprocess.run(
        [sys.executable, "-c", program],
        env={"TZ": raw},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for at, hours, seconds in zip(
        (1767225600, 1782864000), (january_h, july_h), by_libc, strict=True
    ):
        offset = datetime.fromtimestamp(at, zone).utcoffset()
        assert offset == timedelta(hours=hours) == timedelta(seconds=int(seconds))


def test_the_variable_tz_may_be_a_path(tmp_path: Path) -> None:
    """Of a compiled file, wherever it lies; named as the list names it."""
    shared = Path("/usr/share/zoneinfo/Asia/Tokyo")
    if not shared.is_file():
        pytest.skip("no compiled time zones here: apt install tzdata")
    assert zone_of_variable(f":{shared}")[1] == "Asia/Tokyo"
    link = tmp_path / "localtime"
    link.symlink_to(shared)
    zone, name = zone_of_variable(str(link))
    assert name == "Asia/Tokyo"
    assert datetime.fromtimestamp(0, zone).utcoffset() == timedelta(hours=9)
