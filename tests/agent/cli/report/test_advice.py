"""Suggestions: only where the answers suffice, and with the counts that they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import descriptions
from agent.cli.report.advice import (
    AddUnlike,
    Answer,
    Look,
    Raise,
    Reword,
    Silent,
    TellApart,
    advice,
)
from agent.cli.report.cases import Case, Outcome
from agent.cli.report.confusion import RejectionLabel
from agent.cli.report.thresholds import MOST_LOST_SHARE, latest, tradeoff
from tests.agent.cli.report.judged import START, case

if TYPE_CHECKING:
    from pathlib import Path

    from agent.descriptions import ErrorDescription

YES, NO, OPEN = Outcome.CONFIRMED, Outcome.REJECTED, Outcome.OPEN
FILE = """
version: 1
errors:
  - {id: drop, text: a part falls, unlike: [a drawer is closed]}
  - {id: leak, text: air leaks}
"""


@pytest.fixture
def described(tmp_path: Path) -> dict[str, ErrorDescription]:
    """Two descriptions, by id."""
    path = tmp_path / "d.yaml"
    path.write_text(FILE, encoding="utf-8")
    return {one.error_id: one for one in descriptions.load(path).active}


def judged(said: Outcome, scores: list[float], error_id: str = "drop") -> list[Case]:
    """Alerts with these scores."""
    return [case(error_id, START + i, said, score=one) for i, one in enumerate(scores)]


scores = st.lists(st.integers(45, 90).map(lambda tenth: tenth / 10 + 0.03), max_size=30)


@given(scores, scores)
def test_options_tell_what_a_threshold_would_have_done(no: list[float], yes: list[float]) -> None:
    """Counted again; each loses more than the one before, and removes more."""
    found = tradeoff([*judged(NO, no), *judged(YES, yes), *judged(OPEN, [9.0])])
    for one in found.options:
        assert one.removed == sum(score < one.threshold for score in no)
        assert one.lost == sum(score < one.threshold for score in yes)
    for one, more in zip(found.options, found.options[1:], strict=False):
        assert one.threshold < more.threshold
        assert one.removed < more.removed
        assert one.lost < more.lost
    if found.best is not None:
        assert found.enough
        assert found.best.lost <= MOST_LOST_SHARE * len(yes)
        assert found.best.removed >= 5
    # No threshold removes more without losing any than the first that loses none.
    free = [one.removed for one in found.options if one.lost == 0]
    reachable = [
        sum(score < at / 10 for score in no)
        for at in range(45, 100)
        if not any(score < at / 10 for score in yes)
    ]
    assert max(free, default=0) == max(reachable, default=0)


def test_a_threshold_between_errors_and_false_alarms_is_proposed(
    described: dict[str, ErrorDescription],
) -> None:
    """The lowest that does it, with what it may cost."""
    cases = [*judged(NO, [4.62 + i / 100 for i in range(12)]), *judged(YES, [6.5] * 12)]
    (found,) = advice(cases, [], {"drop": described["drop"]}, 30.0)
    assert isinstance(found, Raise)
    assert (found.best.threshold, found.best.removed, found.best.lost) == (4.8, 12, 0)
    assert found.auto
    assert 0.2 < found.lost.high < 0.3


@pytest.mark.parametrize(("no", "yes"), [(9, 12), (12, 9), (0, 40), (40, 0)])
def test_no_threshold_is_proposed_on_thin_evidence(
    described: dict[str, ErrorDescription], no: int, yes: int
) -> None:
    """Nine are too few of either kind."""
    cases = [*judged(NO, [4.6] * no), *judged(YES, [6.5] * yes)]
    found = advice(cases, [], {"drop": described["drop"]}, 30.0)
    assert not any(isinstance(one, Raise) for one in found)


def test_scores_of_another_bundle_or_wording_are_not_compared() -> None:
    """Only those of the newest alert's."""
    old, new = case(at=START), case("drop", START + 1.0)
    other = case("leak", START + 2.0)
    assert latest([old, new]) == (old, new)
    assert latest([old, other]) == (other,)


def test_what_is_mostly_false_is_to_be_reworded(described: dict[str, ErrorDescription]) -> None:
    """When no threshold helps; not on three of four."""
    mixed = [4.6, 5.0, 6.0, 7.0] * 4
    cases = [*judged(NO, mixed), *judged(YES, [4.55, 7.0])]
    (found,) = advice(cases, [], {"drop": described["drop"]}, 30.0)
    assert isinstance(found, Reword)
    assert (found.precision.count, found.precision.of) == (2, 18)
    few = [*judged(NO, [5.0] * 3), *judged(YES, [5.0])]
    assert advice(few, [], {"drop": described["drop"]}, 30.0) == ()


def test_operators_words_become_unlike(described: dict[str, ErrorDescription]) -> None:
    """Said three times, not there yet; another description's words ask to tell both apart."""
    said = [
        RejectionLabel("drop", "An air gun", 4, None),
        RejectionLabel("drop", "A  drawer is closed", 9, None),
        RejectionLabel("drop", "twice only", 2, None),
        RejectionLabel("drop", "air leaks", 3, "leak"),
    ]
    found = advice(judged(NO, [5.0] * 9), said, described, 1.0)
    assert [one for one in found if isinstance(one, AddUnlike)] == [
        AddUnlike("drop", "An air gun", 4, 9)
    ]
    assert [one for one in found if isinstance(one, TellApart)] == [TellApart("drop", "leak", 3, 9)]


def test_unanswered_disputed_and_silent_ones(described: dict[str, ErrorDescription]) -> None:
    """Each asks for something else."""
    cases = [*judged(OPEN, [5.0] * 6), *judged(YES, [5.0]), *judged(Outcome.DISPUTED, [5.0] * 12)]
    answer, look, silent = advice(cases[:7] + cases[-12:-8], [], described, 30.0)
    assert isinstance(answer, Answer)
    assert (answer.open, answer.alerts) == (6, 11)
    assert isinstance(look, Look)
    assert (look.count, len(look.alerts)) == (4, 4)
    assert look.alerts[0] is cases[-9]
    assert isinstance(silent, Silent)
    assert silent.error_ids == ("leak",)
    assert silent.at_most == pytest.approx(3.689 / 30.0, abs=1e-3)


def test_a_short_silence_and_a_deleted_description_are_no_news(
    described: dict[str, ErrorDescription],
) -> None:
    """Three days, and alerts of what is no longer listened for."""
    assert advice([], [], described, 3.0) == ()
    gone = judged(NO, [5.0] * 20, error_id="gone")
    assert advice(gone, [], described, 3.0) == ()
