"""Alerts counted in groups, by pairs and by people: the parts are the whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.report import tallies
from agent.cli.report.cases import Case, Outcome, outcome
from agent.cli.report.confusion import NEAR_S, confusions, incidents, labels, normalised, pairs
from agent.cli.report.people import delays, people
from agent.config.shifts import shifts
from agent.core.answers import Answer, Through
from agent.core.records import Candidate, Verdict
from tests.agent.cli.report.judged import START, TOKYO, case

LONG_S = 12.4 * 86_400.0
PERIOD = (START, START + LONG_S)


def answer(
    verdict: Verdict,
    operator: str | None = "a",
    *,
    label: str | None = None,
    at: float = START + 100.0,
    given_at: float | None = None,
) -> Answer:
    """One answer that holds."""
    given = at if given_at is None else given_at
    return Answer(
        f"l{at}{operator}", "x", verdict, None, label, operator, given, at, "r", Through.MQTT
    )


cases = st.lists(
    st.builds(
        case,
        st.sampled_from("abc"),
        st.floats(0.0, LONG_S - 1.0).map(lambda after: START + after),
        st.sampled_from(Outcome),
        source=st.sampled_from(["mic1", "mic2"]),
    ),
    max_size=40,
)


def test_what_several_people_say_comes_to_the_majority() -> None:
    """Of those who could tell; a tie is neither."""
    yes, no, unsure = Verdict.CONFIRM, Verdict.REJECT, Verdict.UNSURE
    assert outcome([]) is Outcome.OPEN
    assert outcome([unsure, unsure]) is Outcome.UNSURE
    assert outcome([yes, unsure]) is Outcome.CONFIRMED
    assert outcome([yes, no, no]) is Outcome.REJECTED
    assert outcome([yes, no, unsure]) is Outcome.DISPUTED


@given(cases)
def test_groups_hold_every_alert_once(found: list[Case]) -> None:
    """Days, weeks, shifts and sources, and their time is that of the period."""
    total = tallies.tally(found)
    covering = shifts("day 06:00-18:00, night 18:00-06:00")
    some = shifts("day 06:00-14:00")
    for groups in (
        tallies.by_day(found, PERIOD, TOKYO),
        tallies.by_week(found, PERIOD, TOKYO),
        tallies.by_shift(found, covering, PERIOD, TOKYO),
    ):
        assert sum(one.days for one in groups) == pytest.approx(LONG_S / 86_400.0)
        assert sum(one.tally.rejected for one in groups) == total.rejected
        assert sum(one.tally.alerts for one in groups) == total.alerts == len(found)
    by_some = tallies.by_shift(found, some, PERIOD, TOKYO)
    assert sum(one.tally.alerts for one in by_some) == len(found)
    by_source = tallies.by_source(found, ["mic2", "mic3"], 12.4)
    assert sum(one.tally.alerts for one in by_source) == len(found)
    assert [one.name for one in by_source][:2] == ["mic2", "mic3"]


@given(cases)
def test_precision_lies_within_what_is_possible(found: list[Case]) -> None:
    """From all unsettled ones false to all of them true."""
    total = tallies.tally(found)
    if total.precision is None or total.possible is None:
        assert not total.settled
        return
    low, high = total.possible
    assert low - 1e-12 <= total.precision.value <= high + 1e-12
    assert (low == pytest.approx(high)) == (total.unsettled == 0)


def test_hours_outside_all_shifts_are_not_lost() -> None:
    """They come last, under no name."""
    night = START + 15.0 * 3_600.0  # half past midnight
    groups = tallies.by_shift([case(at=night)], shifts("day 06:00-14:00"), PERIOD, TOKYO)
    assert [(one.name, one.tally.alerts) for one in groups] == [("day", 0), ("", 1)]


def with_candidates(one: Case, *error_ids: str) -> Case:
    """An alert on which others alarmed too."""
    candidates = tuple(Candidate(name, 4.8, 4.5, f"sound of {name}") for name in error_ids)
    detection = replace(one.alert.detection, candidates=candidates)
    return replace(one, alert=replace(one.alert, detection=detection))


def meant(error_id: str, operator: str = "a") -> Answer:
    """Somebody says that it was another description's sound."""
    words = f"sound of {error_id}"
    return replace(answer(Verdict.REJECT, operator), error_id=error_id, description=words)


def test_candidates_of_one_alert_are_heard_together() -> None:
    """Each two of them, and which one it was is known where somebody said so."""
    found = [
        with_candidates(
            case("drop", START + 3_600.0 * i, Outcome.REJECTED, answers=(meant("gong"),)),
            "gong",
            "bell",
        )
        for i in range(4)
    ]
    by_names = {(one.first, one.second): one for one in confusions(found, 12.4)}
    assert set(by_names) == {("drop", "gong"), ("bell", "drop"), ("bell", "gong")}
    assert {one.together for one in by_names.values()} == {4}
    assert by_names["drop", "gong"].only_second == 4
    assert by_names["bell", "drop"].neither == 0, "of the bell nothing is known"
    assert incidents(found) == 4


def test_what_it_was_instead_is_what_operators_said() -> None:
    """By its id, whatever the file calls it by now; those who differ say two things."""
    found = [
        case("drop", START, Outcome.REJECTED, answers=(meant("gong"),)),
        case("drop", START + 60.0, Outcome.REJECTED, answers=(meant("gong"), meant("bell", "b"))),
        case("drop", START + 90.0, Outcome.CONFIRMED, answers=(meant("gong"),)),
    ]
    assert [(one.label, one.alerts, one.meant) for one in labels(found, {})] == [
        ("sound of gong", 2, "gong"),
        ("sound of bell", 1, "bell"),
    ]


def test_halves_are_compared_only_where_there_is_enough() -> None:
    """Twelve and none is no chance, six and six may be, three and none is too little."""
    early, late = START + 1.0, PERIOD[1] - 1.0
    rejected = Outcome.REJECTED
    clear = tallies.change([case(at=early + i, said=rejected) for i in range(12)], PERIOD)
    assert clear is not None
    assert clear.sure
    assert not clear.rising
    even = [case(at=at + i, said=rejected) for at in (early, late - 9.0) for i in range(6)]
    same = tallies.change(even, PERIOD)
    assert same is not None
    assert not same.sure
    assert tallies.change([case(at=early + i, said=rejected) for i in range(3)], PERIOD) is None


def _near(one: Case, other: Case) -> bool:
    first, second = sorted((one, other), key=lambda each: each.starts_at)
    return one.source == other.source and first.ends_at + NEAR_S > second.starts_at


close = st.lists(
    st.builds(
        case,
        st.sampled_from("abc"),
        st.integers(0, 120).map(lambda after: START + after * 1.5),
        source=st.sampled_from(["mic1", "mic2"]),
        lasts_s=st.sampled_from([2.0, 4.0, 31.0]),
    ),
    max_size=25,
    unique_by=lambda one: one.alert.alert_id,
)


@given(close)
def test_incidents_are_runs_of_near_alerts(found: list[Case]) -> None:
    """As many as connected groups, found the slow way."""
    groups: list[set[int]] = [{i} for i in range(len(found))]
    for i, j in combinations(range(len(found)), 2):
        if _near(found[i], found[j]):
            mine = next(group for group in groups if i in group)
            other = next(group for group in groups if j in group)
            if mine is not other:
                mine |= other
                groups.remove(other)
    assert incidents(found) == len(groups)


@given(close)
def test_pairs_are_near_and_each_alert_is_in_one_of_a_kind(found: list[Case]) -> None:
    """Of two descriptions at one source, never twice with the same description."""
    met: Counter[tuple[str, str]] = Counter()
    for one, other in pairs(found):
        assert _near(one, other)
        assert one.error_id != other.error_id
        met[one.alert.alert_id, other.error_id] += 1
        met[other.alert.alert_id, one.error_id] += 1
    assert all(count == 1 for count in met.values())


def test_descriptions_that_are_heard_together_are_found() -> None:
    """With what became of both; what meets by chance is not told."""
    found = []
    for i in range(6):
        at = START + i * 3_600.0
        found += [
            case("a", at, Outcome.CONFIRMED),
            case("b", at + 3.0, Outcome.REJECTED if i < 4 else Outcome.CONFIRMED),
            case("c", at + 900.0),
        ]
    (only,) = confusions(found, 12.4)
    assert (only.first, only.second, only.together) == ("a", "b", 6)
    assert (only.both, only.only_first, only.only_second, only.neither) == (2, 4, 0, 0)
    assert only.expected < 0.1


def test_operators_words_are_counted_whatever_their_spelling() -> None:
    """Of rejected alerts; a description's own words are recognised as such."""
    said = [
        case(said=Outcome.REJECTED, at=START + i, answers=(answer(Verdict.REJECT, label=label),))
        for i, label in enumerate(["Air gun", "air  GUN", "Air gun", "Siren wails", "x" * 5])
    ]
    said.append(case(said=Outcome.CONFIRMED, answers=(answer(Verdict.CONFIRM, label="Air gun"),)))
    first, *rest = labels(said, {normalised("siren wails"): "siren"})
    assert (first.label, first.alerts, first.meant) == ("Air gun", 3, None)
    assert ("siren", 1) in [(one.meant, one.alerts) for one in rest]


def test_delays_are_those_of_the_first_answer() -> None:
    """By the sender's clock, unless it puts the answer before the alert."""
    found = delays(
        [
            case(answers=(answer(Verdict.CONFIRM, at=START + 60.0, given_at=START + 50.0),)),
            case(
                answers=(
                    answer(Verdict.CONFIRM, "a", at=START + 400.0),
                    answer(Verdict.REJECT, "b", at=START + 100.0),
                )
            ),
            case(answers=(answer(Verdict.UNSURE, at=START + 30.0, given_at=START - 900.0),)),
            case(),
        ]
    )
    assert found is not None
    assert (found.count, found.median_s, found.tail_s, found.clock_wrong) == (3, 50.0, None, 1)
    assert found.bins == (2, 1, 0, 0, 0, 0, 0)
    assert delays([case()]) is None


def test_people_are_counted_and_not_named() -> None:
    """How many, how often they agree, and no name in what comes out."""
    yes, no = Verdict.CONFIRM, Verdict.REJECT
    found = people(
        [
            case(answers=(answer(yes, "Suzuki"), answer(yes, "Sato"))),
            case(answers=(answer(yes, "Suzuki"), answer(no, "Sato"))),
            case(answers=(answer(Verdict.UNSURE, "Sato"), answer(no, None))),
        ]
    )
    assert (found.operators, found.answers, found.nameless, found.unsure) == (2, 6, 1, 1)
    assert found.agreed is not None
    assert (found.twice, found.agreed.count) == (2, 1)
    assert "Suzuki" not in repr(found)
