"""How many of the errors that are known of were heard: counted by sounds, never by messages."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent import cli
from agent.cli.report import cases
from agent.cli.report.cases import Outcome
from agent.cli.report.recall import Recall, recalls, together
from agent.core.answers import Answer, Entry, Through
from agent.core.records import Origin, Verdict
from agent.store import Store
from tests.agent.cli.report.judged import START, case

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Alert

YES, NO, OPEN = Outcome.CONFIRMED, Outcome.REJECTED, Outcome.OPEN


def test_confirmed_alerts_stand_beside_reported_misses() -> None:
    """Of each description; what is not confirmed, or was taken back, counts on neither side."""
    heard = [case("drop", START + 100.0 * number, YES) for number in range(6)]
    heard += [case("drop", START + 900.0, NO), case("drop", START + 1_000.0, OPEN)]
    missed = [case("drop", START + 5_000.0, YES), case("drop", START + 6_000.0, YES)]
    missed += [case("leak", START + 7_000.0, YES), case("leak", START + 8_000.0, OPEN)]
    found = recalls(heard, missed)
    assert found == (Recall("drop", 6, 2), Recall("leak", 0, 1))
    known = found[0].known
    assert known is not None
    assert (known.count, known.of, known.value) == (6, 8, 0.75)
    assert 0.4 < known.low < 0.75 < known.high < 0.93
    assert together(found) == Recall("", 6, 3)
    assert Recall("none", 0, 0).known is None


def test_one_sound_is_one_error_however_often_it_is_told_of() -> None:
    """Two alerts of one bang, two people who report the same miss, and one that was heard."""
    heard = [case("drop", START, YES), case("drop", START + 4.0, YES)]
    missed = [
        case("drop", START + 3.0, YES),  # the alert came while they wrote
        case("drop", START + 500.0, YES, lasts_s=20.0),
        case("drop", START + 510.0, YES),
        case("drop", START + 3.0, YES, source="mic2"),
    ]
    assert recalls(heard, missed) == (Recall("drop", 1, 2),)


def kept(store: Store, number: int, origin: Origin, *, taken_back: bool = False) -> None:
    """An alert with a confirmation in the store."""
    alert: Alert = replace(case("drop", START + 100.0 * number).alert, origin=origin)
    alert = replace(alert, alert_id=f"01KE0{number:021d}")
    given = Answer(
        f"01KE1{number:021d}",
        alert.alert_id,
        Verdict.CONFIRM,
        None,
        None,
        "佐藤",
        START + 100.0 * number + 30.0,
        START + 100.0 * number + 30.0,
        f"r{number}",
        Through.MQTT,
    )
    store.record(alert, [])
    assert store.answer(given, [], Entry(START, "heard", "佐藤", {}))
    if taken_back:
        undone = replace(given, undone_at=START, undone_request_id=f"u{number}")
        assert store.answer(undone, [], Entry(START, "undo", "佐藤", {}))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three alerts, one miss, one that was taken back, and one that was taught."""
    with closing(Store.open(tmp_path / "state")) as store:
        for number in range(3):
            kept(store, number, Origin.DETECTED)
        kept(store, 3, Origin.MISSED)
        kept(store, 4, Origin.MISSED, taken_back=True)
        kept(store, 5, Origin.TAUGHT)
    (tmp_path / "agent.yaml").write_text("node: press3\nstate_dir: state\n", encoding="utf-8")
    return tmp_path


def test_what_people_report_is_no_alert_of_the_box(site: Path) -> None:
    """Nor is what they teach."""
    with closing(Store.reading(site / "state")) as store:
        found = cases.read(store, START - 1.0, START + 1_000.0)
    assert [one.alert.alert_id[-1] for one in found.cases] == ["0", "1", "2"]
    assert [one.outcome for one in found.missed] == [YES, OPEN]


def test_the_report_tells_recall_in_both_languages(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its interval, and what it does not know."""
    config, output = str(site / "agent.yaml"), site / "report.html"
    period = ("--since", "2026-04-30", "--until", "2026-05-03", "--config", config)
    cli.main(["report", *period, "--json"])
    figures: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert figures["alerts"] == 3
    assert (figures["recall"]["caught"], figures["recall"]["missed"]) == (3, 1)
    assert figures["recalls"][0]["known"]["of"] == 4
    for language, told in (
        ("en", "Errors that raised no alert, as people reported: 1. Of the 4 errors"),
        ("ja", "通知されなかったミスが 1 件知らされました。"),
    ):
        cli.main(["report", *period, "--language", language, "--output", str(output)])
        page = output.read_text(encoding="utf-8")
        assert told in page
        assert 'id="missed"' in page
