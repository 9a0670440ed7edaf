"""One sound, one question: who is asked of, who is a candidate, and that nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.core.records import Detection, Match, Step
from agent.detector.competition import HELD_S, Competition
from agent.detector.detector import Detector
from agent.detector.mutes import Mutes
from agent.detector.rule import Policy, Rule
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.detector.competition import PassOn

RATE_HZ = 32_000
HOP_S = 0.5
POLICY = Policy(4.0, Rule(hits=1, windows=2, hysteresis=0.5, cooldown_s=5.0))
SLOW = replace(POLICY, rule=replace(POLICY.rule, hits=2, windows=3))


class Hearing:
    """Detector and competition as the recogniser joins them."""

    def __init__(self, policies: Mapping[str, Policy], pass_on: PassOn = iter) -> None:
        self.detector = Detector(policies, RATE_HZ)
        self.competition = Competition(RATE_HZ, pass_on)
        self.fired: list[Detection] = []
        self.told: list[Detection] = []
        self.at = 0

    def hear(self, scores: Mapping[str, float], source: str = "mic1") -> list[Detection]:
        """One window."""
        values = np.array(list(scores.values()), np.float32)
        seconds = self.at * HOP_S
        match = Match(
            source, round(seconds * RATE_HZ), 100.0 + seconds, 2.0, tuple(scores), values, values
        )
        self.at += 1
        changes = list(self.detector.feed(match))
        self.fired += [change for change in changes if change.step is Step.NEW]
        return self._note(self.competition.feed(match, changes, self.detector.going_on(source)))

    def run(self, **scores: list[float]) -> list[Detection]:
        """Windows, one after the other; each description's scores."""
        rows = [dict(zip(scores, row, strict=True)) for row in zip(*scores.values(), strict=True)]
        return [one for row in rows for one in self.hear(row)]

    def close(self, source: str | None = None) -> list[Detection]:
        """The sound is gone."""
        return self._note(self.competition.close(self.detector.close(source), source))

    def listen_for(self, policies: Mapping[str, Policy]) -> list[Detection]:
        """Other descriptions."""
        ends = self.detector.reconfigure(policies)
        return self._note(self.competition.reconfigure(ends, policies))

    def _note(self, told: list[Detection]) -> list[Detection]:
        self.told += told
        return told


def brief(told: Iterable[Detection]) -> list[str]:
    """Each as ``new a: b c``."""
    return [
        f"{one.step} {one.error_id}: {' '.join(c.error_id for c in one.candidates)}".rstrip(": ")
        for one in told
    ]


def names(told: Detection) -> set[str]:
    """All that one is asked of, or could be."""
    return {told.error_id, *(one.error_id for one in told.candidates)}


def test_what_alarms_on_one_sound_is_one_question() -> None:
    """Of the one that lies furthest over its own threshold, with the others best first."""
    policies = {"a": POLICY, "b": replace(POLICY, threshold_on=5.0), "c": SLOW}
    hearing = Hearing(policies)
    told = hearing.run(
        a=[0, 4.5, 4.5, 0, 0, 0, 0, 0],
        b=[0, 5.2, 5.2, 0, 0, 0, 0, 0],
        c=[0, 4.0, 6.0, 0, 0, 0, 0, 0],
    )
    assert brief(told) == ["new c: a b", "end c: a b"]
    assert [round(one.excess, 3) for one in told[0].candidates] == [0.5, 0.2]
    assert [one.threshold for one in told[0].candidates] == [4.0, 5.0]
    assert hearing.competition.competed == 2


def test_it_is_asked_a_second_after_the_first_fired() -> None:
    """So that who reaches its hits a window later competes for the name."""
    hearing = Hearing({"a": POLICY, "b": SLOW})
    rows = [{"a": 5.0, "b": 7.0}] * 4
    assert [brief(hearing.hear(row)) for row in rows] == [[], [], ["new b: a"], []]
    assert HELD_S == 2 * HOP_S


def test_who_fires_later_on_the_same_sound_becomes_a_candidate() -> None:
    """By an update; the question keeps its name."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    told = hearing.run(a=[6, 6, 6, 6, 6, 0, 0, 0, 0], b=[0, 0, 0, 4.5, 0, 0, 0, 0, 0])
    assert brief(told) == ["new a", "update a: b", "end a: b"]


def test_another_moment_is_another_question() -> None:
    """Two sounds, four seconds apart."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    told = hearing.run(a=[6, 6] + [0] * 14, b=[0] * 8 + [6, 6] + [0] * 6)
    assert brief(told) == ["new a", "end a", "new b", "end b"]


def test_a_second_sound_within_a_long_one_is_asked_of() -> None:
    """What nothing in the first question explains as well."""
    hearing = Hearing({"hum": POLICY, "bang": POLICY})
    told = hearing.run(
        hum=[5.0] * 20 + [4.2, 4.2] + [5.0] * 6, bang=[0.0] * 20 + [8.0, 8.0] + [0.0] * 6
    )
    assert brief(told) == ["new hum", "new bang", "end bang"]


def test_a_long_sound_that_explains_the_moment_takes_who_fires_late() -> None:
    """One more word for the same noise is no second question."""
    hearing = Hearing({"hum": POLICY, "drone": POLICY})
    told = hearing.run(hum=[7.0] * 28, drone=[0.0] * 20 + [4.5] * 4 + [0.0] * 4)
    assert brief(told) == ["new hum", "update hum: drone"]


def test_a_candidate_that_goes_on_to_another_sound_is_asked_of_then() -> None:
    """It never stopped, but another moment is what it is about now."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    told = hearing.run(a=[6, 6] + [0] * 16, b=[4.5] * 12 + [8.0, 8.0] + [4.0] * 4)
    assert brief(told) == ["new a: b", "end a: b", "new b"]
    assert told[1].candidates[0].score == 4.5, "as far as it was of that sound"
    assert brief(hearing.close()) == ["end b"]


def test_a_candidate_that_outlasts_the_question_asks_nothing_by_itself() -> None:
    """It rings on, and nothing new is heard."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    told = hearing.run(a=[6, 6] + [0] * 16, b=[5.0] * 12 + [0.0] * 6)
    assert brief(told) == ["new a: b", "end a: b"]


def test_a_description_that_fires_again_is_another_alert() -> None:
    """Where no cooldown keeps it back."""
    again = replace(POLICY, rule=Rule(1, 1, 0.0, 0.0))
    told = Hearing({"a": again}).run(a=[0, 5, 5, 5, 0, 5, 5, 5, 0, 0, 0, 0, 0])
    assert brief(told) == ["new a", "end a", "new a", "end a"]


def test_a_source_that_is_lost_is_asked_of_and_ended() -> None:
    """Also what was held; other sources go on."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    hearing.hear({"a": 5.0, "b": 6.0}, "mic1")
    hearing.hear({"a": 5.0, "b": 6.0}, "mic2")
    told = hearing.close("mic1")
    assert brief(told) == ["new b: a", "end b: a"]
    assert {one.source for one in told} == {"mic1"}
    assert brief(hearing.close()) == ["new b: a", "end b: a"]
    assert hearing.close() == []


def test_a_candidate_that_is_gone_leaves_its_question() -> None:
    """Nobody can mean it any more."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    assert brief(hearing.run(a=[6.0] * 3, b=[5.0] * 3)) == ["new a: b"]
    assert brief(hearing.listen_for({"a": POLICY})) == ["update a"]
    assert brief(hearing.close()) == ["end a"]


def test_when_the_description_of_a_question_is_gone_the_others_are_asked_of() -> None:
    """Its alert ends, and the sound goes on."""
    hearing = Hearing({"a": POLICY, "b": POLICY, "c": POLICY})
    assert brief(hearing.run(a=[6.0] * 3, b=[5.0] * 3, c=[4.5] * 3)) == ["new a: b c"]
    assert brief(hearing.listen_for({"b": POLICY, "c": POLICY})) == ["end a: b c", "new b: c"]
    assert brief(hearing.close()) == ["end b: c"]


def test_what_is_gone_before_it_was_asked_is_asked_all_the_same() -> None:
    """A rule has fired: somebody has to hear of it."""
    hearing = Hearing({"a": POLICY, "b": POLICY})
    hearing.hear({"a": 6.0, "b": 5.0})
    assert brief(hearing.listen_for({"b": POLICY})) == ["new a: b", "end a: b", "new b"]


def test_what_has_ended_and_is_gone_before_it_was_asked_is_asked_too() -> None:
    """While its words are still known."""
    short = replace(POLICY, rule=Rule(1, 1, 0.0, 0.0))
    hearing = Hearing({"a": short, "b": short})
    assert hearing.run(a=[6.0, 0.0], b=[5.0, 0.0]) == []
    assert brief(hearing.listen_for({"c": short})) == ["new a: b", "end a: b"]
    assert brief(hearing.close()) == []


def test_who_is_muted_neither_asks_nor_competes() -> None:
    """The other one is asked of; after the mute, what still goes on joins."""
    clock = FakeClock()
    mutes = Mutes(clock)
    mutes.mute("a", 60.0)
    hearing = Hearing({"a": POLICY, "b": POLICY}, mutes.pass_on)
    assert brief(hearing.run(a=[8.0] * 3, b=[5.0] * 3)) == ["new b"]
    assert mutes.count == 1
    clock.advance(61.0)
    assert brief(hearing.run(a=[9.5], b=[5.0])) == ["update b: a"]


def test_a_mute_keeps_a_candidate_from_a_question_of_its_own() -> None:
    """It goes on in another sound, and that is a new alert."""
    mutes = Mutes(FakeClock())
    hearing = Hearing({"a": POLICY, "b": POLICY}, mutes.pass_on)
    hearing.run(a=[6, 6, 0], b=[4.5] * 3)
    mutes.mute("b", 60.0)
    told = hearing.run(a=[0] * 15, b=[4.5] * 9 + [8.0, 8.0] + [4.0] * 4)
    assert brief(told) == ["end a: b"]
    assert mutes.count == 1


_RULES = st.builds(
    lambda hits, more, cooldown_s: Policy(3.0, Rule(hits, hits + more, 0.5, cooldown_s, 4.0)),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from([0.0, 2.0, 30.0]),
)
_WINDOWS = st.lists(
    st.lists(st.floats(0, 8, width=32), min_size=4, max_size=4)
    | st.sampled_from(["mic2", "close", "less", "more"]),
    max_size=60,
)


@given(st.lists(_RULES, min_size=4, max_size=4), _WINDOWS)
def test_nothing_that_fires_is_lost(rules: list[Policy], windows: list[list[float] | str]) -> None:
    """Whatever is heard, lost and reloaded: each is asked of, or a candidate, and counted."""
    policies = dict(zip("abcd", rules, strict=True))
    hearing = Hearing(policies)
    source, listened = "mic1", dict(policies)
    for window in windows:
        if window == "mic2":
            source = "mic2" if source == "mic1" else "mic1"
        elif window == "close":
            hearing.close("mic1")
        elif window == "less":
            listened = {"a": policies["a"], "c": policies["c"]}
            hearing.listen_for(listened)
        elif window == "more":
            listened = dict(policies)
            hearing.listen_for(listened)
        elif not isinstance(window, str):
            scores = dict(zip("abcd", window, strict=True))
            before = {named for told in hearing.told for named in names(told)}
            for told in hearing.hear({name: scores[name] for name in listened}, source):
                assert names(told) <= listened.keys() | before, "whose words are known"
    hearing.close()
    assert hearing.close() == [], "nothing is left"
    for fired in hearing.fired:
        assert any(
            told.source == fired.source
            and told.ends_at >= fired.starts_at
            and fired.error_id in names(told)
            for told in hearing.told
        )
    going_on: set[tuple[str, str]] = set()
    for told in hearing.told:
        key = (told.source, told.error_id)
        assert (key in going_on) is (told.step is not Step.NEW)
        going_on ^= {key} if told.step in {Step.NEW, Step.END} else set()
        excesses = [one.excess for one in told.candidates]
        assert excesses == sorted(excesses, reverse=True)
        assert min([told.excess, *excesses]) >= 0.0
        assert told.error_id not in {one.error_id for one in told.candidates}
    assert not going_on
    asked = sum(told.step is Step.NEW for told in hearing.told)
    assert asked >= len(hearing.fired) - hearing.competition.competed, "each is counted"


@given(st.lists(st.floats(0, 8, width=32), max_size=60), _RULES)
def test_alone_a_description_alarms_as_it_always_did(scores: list[float], policy: Policy) -> None:
    """As many alerts, from the same start to the same end, with no candidates."""
    hearing = Hearing({"a": policy})
    hearing.run(a=scores)
    hearing.close()
    detector = Detector({"a": policy}, RATE_HZ)
    values = [np.array([score], np.float32) for score in scores]
    alone = [
        change
        for at, value in enumerate(values)
        for change in detector.feed(
            Match(
                "mic1", round(at * HOP_S * RATE_HZ), 100.0 + at * HOP_S, 2.0, ("a",), value, value
            )
        )
    ]
    alone += detector.close()
    ends = [[one for one in some if one.step is Step.END] for some in (hearing.told, alone)]
    assert ends[0] == ends[1]
