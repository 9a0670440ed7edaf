"""What people said of alerts, as thresholds take it up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent import descriptions
from agent.core.answers import Answer, Entry, Through
from agent.core.records import Candidate, Provenance, Verdict
from agent.store.box import BoxStore
from agent.watchlist.verdict_scores import LONGEST_S, verdict_scores
from tests.agent.store.records import ALERT
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from agent.descriptions import DescriptionSet

SHA = "sha256:" + "0" * 64
DAY_S = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> BoxStore:
    """A store on disk."""
    return BoxStore(tmp_path / "state", FakeClock())


@pytest.fixture
def listened_for(tmp_path: Path) -> DescriptionSet:
    """The description of the alert."""
    path = tmp_path / "descriptions.yaml"
    one = f"{{id: {ALERT.detection.error_id}, text: {ALERT.description!r}}}"
    path.write_text(f"version: 1\nerrors: [{one}]\n", encoding="utf-8")
    return descriptions.load(path)


def _alert(store: BoxStore, name: str, score: float, starts_at: float, bundle: str = SHA) -> str:
    detection = replace(ALERT.detection, score=score, starts_at=starts_at)
    provenance = Provenance(bundle, SHA)
    store.record(replace(ALERT, alert_id=name, detection=detection, provenance=provenance), [])
    return name


def _say(store: BoxStore, alert_id: str, verdict: Verdict, operator: str, at: float) -> None:
    name = f"{alert_id}-{operator}-{at:.0f}"
    answer = Answer(
        name, alert_id, verdict, None, None, operator, at, at, f"r-{name}", Through.MQTT
    )
    assert store.answer(answer, [], Entry(at, "verdict", operator, {}))


def test_what_people_agree_on_counts_with_its_score(
    store: BoxStore, listened_for: DescriptionSet
) -> None:
    """The last word of each operator; where two differ or none is sure, nothing."""
    now = 100 * DAY_S
    for at, name in enumerate("abcd"):
        _alert(store, name, 5.0 + at, now - 2 * DAY_S)
    _say(store, "a", Verdict.CONFIRM, "one", now - 10)
    _say(store, "a", Verdict.REJECT, "one", now - 9)
    _say(store, "b", Verdict.CONFIRM, "one", now - 8)
    _say(store, "b", Verdict.REJECT, "two", now - 7)
    _say(store, "c", Verdict.UNSURE, "one", now - 6)
    _say(store, "d", Verdict.CONFIRM, "one", now - 5)
    found = verdict_scores(store, listened_for, SHA, {}, since=None, now=now)
    one = found[ALERT.detection.error_id]
    assert sorted(one.verdicts) == [(5.0, Verdict.REJECT), (8.0, Verdict.CONFIRM)]
    assert one.days == pytest.approx(2.0)


def test_scores_of_another_scale_do_not_count(
    store: BoxStore, listened_for: DescriptionSet
) -> None:
    """Before the calibration, of another bundle, or too long ago."""
    now = 100 * DAY_S
    _alert(store, "early", 9.0, now - 5 * DAY_S)
    _alert(store, "other", 9.0, now - DAY_S, bundle="sha256:" + "1" * 64)
    _alert(store, "old", 9.0, now - LONGEST_S - DAY_S)
    for name in ("early", "other", "old"):
        _say(store, name, Verdict.REJECT, "one", now - 1)
    assert verdict_scores(store, listened_for, SHA, {}, since=now - 3 * DAY_S, now=now) == {}
    (only,) = verdict_scores(store, listened_for, SHA, {}, since=None, now=now).values()
    assert only.verdicts == ((9.0, Verdict.REJECT),)
    # Scored again by what is in force now, they do; but not what is too long ago.
    scores = {"early": 4.0, "other": 5.0, "old": 6.0, "unknown": 7.0}
    again = {(name, ALERT.detection.error_id): score for name, score in scores.items()}
    (scored,) = verdict_scores(
        store, listened_for, SHA, again, since=now - 3 * DAY_S, now=now
    ).values()
    assert sorted(scored.verdicts) == [(4.0, Verdict.REJECT), (5.0, Verdict.REJECT)]
    assert scored.days == pytest.approx(5.0)


def test_what_it_was_instead_is_confirmed(store: BoxStore, tmp_path: Path) -> None:
    """By its score as a candidate; of what was none by the score that it would have now."""
    path = tmp_path / "descriptions.yaml"
    more = "{id: gong, text: a gong}, {id: hiss, text: air hisses}"
    own = f"{{id: {ALERT.detection.error_id}, text: {ALERT.description!r}}}"
    path.write_text(f"version: 1\nerrors: [{own}, {more}]\n", encoding="utf-8")
    candidates = (Candidate("gong", 4.75, 4.0, "a gong"),)
    detection = replace(ALERT.detection, candidates=candidates, starts_at=10.0)
    for name, meant, words in (
        ("a", "gong", "a gong"),
        ("b", "hiss", "air hisses"),
        ("c", "gong", "a bell"),
    ):
        store.record(
            replace(ALERT, alert_id=name, detection=detection, provenance=Provenance(SHA, SHA)), []
        )
        answer = Answer(
            f"l{name}", name, Verdict.REJECT, None, None, "one", 20.0, 20.0, f"r{name}",
            Through.MQTT, error_id=meant, description=words,
        )  # fmt: skip
        assert store.answer(answer, [], Entry(20.0, "verdict", "one", {}))
    again = {("b", "hiss"): 3.25, ("a", "gong"): 9.0}
    found = verdict_scores(store, descriptions.load(path), SHA, again, since=None, now=30.0)
    assert found["gong"].verdicts == ((4.75, Verdict.CONFIRM),), "in its words of now"
    assert found["hiss"].verdicts == ((3.25, Verdict.CONFIRM),)
    assert found[ALERT.detection.error_id].verdicts == ((4.5, Verdict.REJECT),) * 3


def test_other_words_are_another_description(
    store: BoxStore, listened_for: DescriptionSet, tmp_path: Path
) -> None:
    """Whoever rewords a description asks another question."""
    _alert(store, "a", 5.0, 10.0)
    _say(store, "a", Verdict.REJECT, "one", 20.0)
    assert verdict_scores(store, listened_for, SHA, {}, since=None, now=30.0)
    path = tmp_path / "descriptions.yaml"
    path.write_text(
        f"version: 1\nerrors: [{{id: {ALERT.detection.error_id}, text: another sound}}]\n",
        encoding="utf-8",
    )
    assert verdict_scores(store, descriptions.load(path), SHA, {}, since=None, now=30.0) == {}
