"""Shifts, days and weeks on the site's own clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.shifts import (
    DAY_MINUTES,
    Shift,
    days,
    midnight,
    shift,
    shift_at,
    shift_days,
    shifts,
    zone_of,
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
    assert zone_of("Asia/Tokyo", {"TZ": "UTC"})[1] == "Asia/Tokyo"
    assert zone_of("", {"TZ": ":Europe/Berlin"})[1] == "Europe/Berlin"
    assert zone_of("", {})[1]
    for wrong in ("Tokio", "../../etc/passwd", "/etc/passwd"):
        with pytest.raises(ValueError, match="such as Asia/Tokyo"):
            zone_of(wrong, {})
