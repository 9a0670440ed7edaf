"""What calibration promises: counts are pooled as the report says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.watchlist.calibration import poisson
from agent.watchlist.calibration.threshold import Kind
from training.studies.calibration.report import Counted, Figures, Shift, summary, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_ONE = Counted("drop", 1.0, 24.0, Kind.EMPIRICAL, 3.0, "same", alarms=2, hours=2.0)


def test_counts_are_pooled_a_day_and_description() -> None:
    """Two descriptions, each heard for two hours, with five alarms together."""
    row = summary([_ONE, replace(_ONE, error_id="horn", alarms=3, threshold=4.0)])
    assert (row.alarms, row.days, row.observed) == (5, pytest.approx(4 / 24), pytest.approx(30.0))
    assert row.low < row.observed < row.high
    assert row.low == pytest.approx(poisson.lower(5, 0.975) * 6)
    assert (row.quiet, row.empirical, row.uncalibrated, row.threshold) == (0.0, 1.0, 0.0, 3.5)


def test_what_was_promised_nothing_is_left_out() -> None:
    """An uncalibrated description counts in its own share alone."""
    row = summary([_ONE, replace(_ONE, kind=Kind.UNCALIBRATED, alarms=1_000)])
    assert (row.alarms, row.uncalibrated) == (2, 0.5)


def test_a_promise_is_broken_by_clearly_more_alarms() -> None:
    """Two where two were promised are not; twenty are; none is silent."""
    rows = [replace(_ONE, alarms=alarms) for alarms in (2, 20, 0)]
    assert summary(rows).broken == pytest.approx(1 / 3)
    assert summary(rows).quiet == pytest.approx(1 / 3)


def test_report_tells_tables_figure_and_drift(tmp_path: Path) -> None:
    """One row for each wish and length, in both halls, and sentences that follow from them."""
    counted = [
        replace(_ONE, where=where, wanted=wanted, calibrated_hours=hours, alarms=alarms)
        for where, alarms in (("same", 1), ("other", 40))
        for wanted in (24.0, 96.0)
        for hours in (0.5, 1.0)
    ]
    measured = Figures(
        bundle="sha256:0123456789abcdef",
        threshold=4.0,
        descriptions=2,
        hours=2.0,
        counted=tuple(counted),
        baseline=(replace(_ONE, where="hall 1", alarms=12),),
        shifts=(Shift(1, 2, 0.91),),
        arguments="--hours 2",
    )
    path = write(measured, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "Made by `python -m training calibrate-simulation --hours 2 --docs docs/experi" in text
    assert text.count("| 24 | 0.5 | 12.00 (0.30 to 66.86) | 1 in 0.1 | 0% | 0.0% | 100% ") == 1
    assert "a description raised 72.00 in hall 1 a day." in text
    assert "In the same hall 4 of 4 combinations of wish and hours stayed" in text
    assert "in the hall of other sounds 0 of 4 did." in text
    assert "| hall 1 | hall 2 | 0.91 |" in text
    figure = tmp_path / "figures" / "calibration-promised.png"
    assert figure.read_bytes().startswith(b"\x89PNG")
