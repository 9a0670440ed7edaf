"""What the box is worth: from the user's numbers alone, each asked for by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.report.roi import (
    BOX,
    ERRORS,
    MINUTES,
    MISSED,
    MONTH_DAYS,
    UNNOTICED,
    WAGE,
    Assumptions,
    Guess,
    Observed,
    load,
    reckon,
)
from agent.core.errors import ConfigError

EXAMPLE = Path(__file__).resolve().parents[4] / "configs" / "roi.yaml"
NAMES = (MISSED, UNNOTICED, MINUTES, WAGE, BOX)


def certain(**numbers: float) -> Assumptions:
    """Single numbers."""
    return Assumptions("EUR", {name: Guess(one, one, one) for name, one in numbers.items()})


def test_a_month_by_hand() -> None:
    """10 errors, 4 of which nobody would have noticed, 100 each; 60 answers of a minute at 30."""
    assumptions = certain(
        cost_of_missed_error=100.0,
        share_unnoticed=0.4,
        minutes_per_verdict=1.0,
        wage_per_hour=30.0,
        cost_of_box_per_month=50.0,
    )
    found = reckon(assumptions, Observed(errors=10, verdicts=60, days=MONTH_DAYS))
    assert found.likely.value == pytest.approx(400.0)
    assert found.likely.labour == pytest.approx(30.0)
    assert found.likely.net == pytest.approx(320.0)
    assert found.break_even[ERRORS] == pytest.approx(2.0)
    assert found.break_even[UNNOTICED] == pytest.approx(0.08)
    assert found.break_even[BOX] == pytest.approx(370.0)
    twice = reckon(assumptions, Observed(errors=20, verdicts=120, days=2.0 * MONTH_DAYS))
    assert twice.likely == found.likely
    # Only the count is uncertain: 10 may have been 4.8 to 18.4.
    assert found.swings[0].name == ERRORS
    assert found.worst.value == pytest.approx(40.0 * 4.795, rel=1e-3)
    assert found.best.value == pytest.approx(40.0 * 18.39, rel=1e-3)


def numbers(most: float) -> st.SearchStrategy[Guess]:
    """Nothing, or what somebody may write: of what is next to nothing, rounding is all."""
    number = st.just(0.0) | st.floats(1e-6, most)
    return st.lists(number, min_size=3, max_size=3).map(lambda v: Guess(*sorted(v)))


guess, shares = numbers(1_000.0), numbers(1.0)


@given(
    st.fixed_dictionaries({name: shares if name == UNNOTICED else guess for name in NAMES}),
    st.integers(0, 200),
    st.integers(0, 500),
    st.floats(0.5, 400.0),
)
def test_the_sheet_agrees_with_itself(
    guesses: dict[str, Guess], errors: int, verdicts: int, days: float
) -> None:
    """Worst, likely and best in order, swings within them, and nothing left at break-even."""
    found = reckon(Assumptions("x", guesses), Observed(errors, verdicts, days))
    slack = 1e-6 * (1.0 + abs(found.best.net) + abs(found.worst.net))
    assert found.worst.net <= found.likely.net + slack
    assert found.likely.net <= found.best.net + slack
    for one in found.swings:
        for net in (one.at_low, one.at_high):
            assert found.worst.net - slack <= net <= found.best.net + slack
    widths = [one.width for one in found.swings]
    assert widths == sorted(widths, reverse=True)
    for name in NAMES:
        even = found.break_even[name]
        if even is None:
            continue
        moved = Assumptions("x", {**guesses, name: Guess(even, even, even)})
        again = reckon(moved, Observed(errors, verdicts, days)).likely
        assert again.net == pytest.approx(0.0, abs=1e-6 * (1.0 + again.value + again.cost))


def test_the_example_can_be_read() -> None:
    """configs/roi.yaml has every number, with a range or without."""
    found = load(EXAMPLE)
    assert set(found.guesses) == set(NAMES)
    assert found.guesses[UNNOTICED] == Guess(0.1, 0.3, 0.5)
    assert found.guesses[WAGE].certain


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "cost_of_missed_error: is missing; write this site's own"),
        ("cost_of_missed_error:", "cost_of_missed_error: is missing"),
        ("cost_of_missed_error: a lot", "write a number from 0"),
        ("cost_of_missed_error: [3, 2, 1]", "write one number, or [low, likely, high]"),
        ("cost_of_missed_error: [1, 2]", "write one number, or [low, likely, high]"),
        ("cost_of_missed_eror: 1", "did you mean 'cost_of_missed_error'?"),
    ],
)
def test_missing_and_wrong_numbers_are_named(tmp_path: Path, line: str, message: str) -> None:
    """There is no default for any of them."""
    path = tmp_path / "roi.yaml"
    rest = (
        "version: 1\ncurrency: 円\nshare_unnoticed: 0.3\nminutes_per_verdict: 1\n"
        "wage_per_hour: 2500\ncost_of_box_per_month: 8000\n"
    )
    path.write_text(f"{rest}{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_empty_file_asks_for_everything(tmp_path: Path) -> None:
    """All at once, so that all can be written at once."""
    path = tmp_path / "roi.yaml"
    path.write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    for name in (*NAMES, "currency"):
        assert f" {name}: is missing" in str(caught.value)
