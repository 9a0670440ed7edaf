"""Times as people type them, and as programs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from agent.cli.calibrate.report import read_span
from agent.config.moments import exact, moment
from agent.core.errors import ConfigError

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()


def utc(*parts: int) -> float:
    """Seconds since the epoch."""
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        "2026-11-01",
        "2026/11/01",
        "2026/11/1",
        "2026.11.1",
        "20261101",
        "2026年11月1日",
        "２０２６／１１／０１",
        " 2026-11-01 ",
        "2026-11-01T00:00",
        "2026/11/01 00:00:00",
        "2026年11月1日 0:00",
        "2026-11-01T00:00:00+09:00",
        "2026-11-01 00:00 +0900",
        "2026-10-31T15:00:00Z",
        "2026-10-31t15:00:00.000z",
    ],
)
def test_a_day_is_its_beginning_on_the_site_s_clock(raw: str) -> None:
    """However it is written; an offset that is written says more than the site's zone."""
    assert moment(raw, TOKYO, NOW) == utc(2026, 10, 31, 15)
    assert moment(raw, TOKYO) == utc(2026, 10, 31, 15)


@pytest.mark.parametrize(
    ("raw", "ago"),
    [
        ("30d", timedelta(30)),
        ("12h", timedelta(hours=12)),
        ("90 min", timedelta(minutes=90)),
        ("2w", timedelta(14)),
        ("１２ｈ", timedelta(hours=12)),
    ],
)
def test_a_stretch_of_time_counts_back_from_now(raw: str, ago: timedelta) -> None:
    """With its unit."""
    assert moment(raw, UTC, NOW) == NOW - ago.total_seconds()


@pytest.mark.parametrize(
    "raw",
    [
        "yesterday",
        "30",
        "-1d",
        "",
        "11/01/2026",
        "01.11.2026",
        "26/11/01",
        "2026-11",
        "2026-13-01",
        "2026-02-30",
        "2026-11-01T25:00",
        "2026-11-01T06",
        "2026-11-01T06:00+25:00",
        "0000-01-01",
        "2026-11-01\n",
        "99999999d",
    ],
)
def test_what_is_no_time_is_told_the_form(raw: str) -> None:
    """Also a day in an order that could be read in two ways."""
    if raw == "2026-11-01\n":  # as `$(date)` leaves it
        assert moment(raw, UTC, NOW) == utc(2026, 11, 1)
        return
    with pytest.raises(ValueError, match="write a day such as 2026-05-01, or a time such as"):
        moment(raw, UTC, NOW)


def test_without_a_zone_the_machine_s_clock_is_meant() -> None:
    """As for the windows that a calibration leaves out."""
    assert moment("2026-11-01 06:00", None) == datetime(2026, 11, 1, 6).timestamp()  # noqa: DTZ001
    with pytest.raises(ValueError, match=r"^write a day"):
        moment("30d", None)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T12:04:05+09:00",
        "2026-01-01T21:34:05-05:30",
        "2026-01-02T03:04:05.000000000Z",
    ],
)
def test_a_program_may_write_utc_or_an_offset(raw: str) -> None:
    """They are the same time."""
    assert exact(raw) == utc(2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-01-02T03:04:05",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026/01/02T03:04:05Z",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+0900",
        "2026-13-02T03:04:05Z",
        "２026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "",
    ],
)
def test_a_program_may_write_nothing_else(raw: str) -> None:
    """Without its offset a time is none."""
    with pytest.raises(ValueError, match=r"write UTC as .*Z, or with its offset: .*\+09:00"):
        exact(raw)


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        ("10/12.5", 10.0, 12.5),
        (
            "2026-11-24T10:00:00Z/2026-11-24T10:00:05Z",
            utc(2026, 11, 24, 10),
            utc(2026, 11, 24, 10, 0, 5),
        ),
        (
            "2026/11/24 10:00+00:00/2026/11/24 10:01+00:00",
            utc(2026, 11, 24, 10),
            utc(2026, 11, 24, 10, 1),
        ),
        (
            "2026/11/24 19:00:10+09:00",
            utc(2026, 11, 24, 10, 0, 5),
            utc(2026, 11, 24, 10, 0, 15),
        ),
        ("20", 15.0, 25.0),
    ],
)
def test_an_excluded_span_is_written_in_the_same_forms(raw: str, first: float, last: float) -> None:
    """Even with the slash between its ends also within a day."""
    span = read_span(f"press@mic1@{raw}")
    assert (span.source, span.starts_at, span.ends_at) == ("press@mic1", first, last)


@pytest.mark.parametrize("raw", ["mic1@20/10", "mic1@30d", "mic1@11/24/2026 10:00", "mic1@1/2/3"])
def test_a_span_that_is_none_is_told_the_form(raw: str) -> None:
    """Without a traceback."""
    with pytest.raises(ConfigError, match="write SOURCE@FROM/TO"):
        read_span(raw)


def test_offsets_of_any_zone() -> None:
    """East and west."""
    for hours in range(-12, 15):
        zone = timezone(timedelta(hours=hours))
        written = datetime(2026, 5, 1, 12, tzinfo=zone)
        assert exact(written.isoformat()) == written.timestamp()
        assert moment(written.isoformat(), UTC) == written.timestamp()
