"""Alerts against what happened, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.core.records import Alert, Detection, Provenance, Severity, Step
from tests.training.typed import run_typed
from training.studies.human_loop import report, saved_months
from training.studies.human_loop.box import Answering
from training.studies.human_loop.command import SITE
from training.studies.human_loop.month import Month, Plan
from training.studies.human_loop.stages import BY_WEEK, Stage
from training.studies.human_loop.truth import Cause, Counted, cause_of, found_in
from training.studies.human_loop.week import Placed, Size

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_DAY_AT = 1_000_000.0
_GLASS = Placed(0, 10.0, 12.0, "esc50-40/glass breaking", "esc50-40/1", 6.0)
_BELLS = Placed(0, 30.0, 34.0, "esc50-40/church bells", "esc50-40/2", 3.0)


def _alert(error_id: str, starts_s: float, ends_s: float) -> Alert:
    at = _DAY_AT + starts_s
    detection = Detection(
        "mic1", error_id, Step.END, at, at, _DAY_AT + ends_s, 6.0, 5.0, hits=1, windows=2
    )
    return Alert("1", detection, "text", Severity.MAJOR, Provenance("b", "d"), clock_synced=True)


@pytest.mark.parametrize(
    ("error_id", "starts_s", "ends_s", "cause"),
    [
        ("glass_broken", 9.0, 11.0, Cause.ERROR),
        ("glass_broken", 12.5, 14.5, Cause.ERROR),
        ("siren", 11.0, 13.0, Cause.OTHER),
        ("siren", 31.0, 33.0, Cause.ORDINARY),
        ("siren", 20.0, 22.0, Cause.HALL),
        ("glass_broken", 14.0, 16.0, Cause.HALL),
    ],
)
def test_cause_of_an_alert(error_id: str, starts_s: float, ends_s: float, cause: Cause) -> None:
    """By what was going on within a second of it."""
    assert cause_of(_alert(error_id, starts_s, ends_s), [_GLASS, _BELLS], _DAY_AT) is cause


def test_error_is_found_by_its_own_description_alone() -> None:
    """Another description's alert at the same moment does not find it; ordinary is no error."""
    day = [_GLASS, _BELLS]
    assert found_in(day, [_alert("siren", 10.0, 12.0)], _DAY_AT) == 0
    assert found_in(day, [_alert("glass_broken", 10.0, 12.0)] * 2, _DAY_AT) == 1


def _plan(folder: Path) -> Plan:
    return Plan(folder, folder, SITE, None, Size(), Answering(), None)


def _month(seed: int) -> Month:
    counted = {
        (week, stage): Counted(
            true=8,
            other=week,
            hall=2,
            events=20,
            found=8,
            hours=0.5,
            promised=0.0 if stage is Stage.UNCALIBRATED else 3.0,
            promised_hall=2,
        )
        for week, stage in enumerate(BY_WEEK)
    }
    same_hall = Counted(hall=9, hours=0.5, promised=1.0, promised_hall=9)
    return Month(seed, counted, same_hall, (9, 8, 7, 6), ("a note",))


def test_counts_add_up() -> None:
    """All that was not true is false."""
    total = Counted(true=1, other=2, ordinary=3, hall=4) + Counted(true=10, hours=0.5)
    assert (total.true, total.false, total.alerts, total.hours) == (11, 9, 20, 0.5)


def test_kept_month_is_read_again(tmp_path: Path) -> None:
    """By the same plan alone; a damaged file is told."""
    plan = _plan(tmp_path)
    assert saved_months.read(plan, 1) is None
    saved_months.write(plan, _month(1))
    assert saved_months.read(plan, 1) == _month(1)
    assert (
        saved_months.read(Plan(tmp_path, tmp_path, SITE, None, Size(5), Answering(), None), 1)
        is None
    )
    (path,) = tmp_path.glob("*.json")
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="delete it"):
        saved_months.read(plan, 1)


def test_report_tells_precision_and_broken_promises(tmp_path: Path) -> None:
    """Two months together, with the intervals; 18 alarms where 2 were promised are a breach."""
    figures = report.Figures(
        "sha256:0", "python -m training loop-simulation", _plan(tmp_path), (_month(1), _month(2))
    )
    text = report.write(figures, tmp_path).read_text(encoding="utf-8")
    assert "| 1 | calibrated | 2 | 22 | 16 | 2 | 0 | 4 | 0.73 (0.52 to 0.87) |" in text
    assert "18 counted (10.7 to 28.4): the promise was broken" in text
    assert "4 counted (1.1 to 10.2): the promise held" in text
    assert "18 in week 0, 16 in week 1" in text
    for name in (report.WEEKS_FIGURE, report.STAGES_FIGURE, report.PROMISE_FIGURE):
        assert (tmp_path / "figures" / name).stat().st_size > 5_000


def test_missing_checkpoint_and_wrong_numbers_are_told(tmp_path: Path) -> None:
    """With what to write instead."""
    missing = tmp_path / "none.pt"
    with pytest.raises(FileNotFoundError, match="--steps 0"):
        run_typed("loop-simulation", "--from", missing)
    with pytest.raises(ValueError, match="--minutes is 0"):
        run_typed("loop-simulation", "--minutes", "0")
