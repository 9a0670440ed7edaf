"""From detections to alerts and their payload."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.alerts.alerts import AlertBook, Wording, alert_payload, timestamp
from agent.core.records import Alert, Candidate, Detection, Provenance, Severity, Step

_WORDINGS = {"drop": Wording("金属部品が床に落ちた音", Severity.MAJOR)}
_PROVENANCE = Provenance("sha256:" + "a" * 64, "sha256:" + "b" * 64)
_NEW = Detection(
    source="mic1",
    error_id="drop",
    step=Step.NEW,
    starts_at=1_767_323_045.678,
    peaks_at=1_767_323_046.0,
    ends_at=1_767_323_047.678,
    score=5.1234,
    threshold=4.5,
    hits=1,
    windows=2,
)


def _take(book: AlertBook, detection: Detection, now: float = 1_767_323_048.0):  # noqa: ANN202
    return book.take(detection, _WORDINGS, _PROVENANCE, clock_synced=True, now=now)


def test_one_id_from_start_to_end() -> None:
    """Updates and the end belong to the alert that began, the next event to another."""
    book = AlertBook()
    first = _take(book, _NEW)
    update = _take(book, replace(_NEW, step=Step.UPDATE, score=6.0), now=1_767_323_050.0)
    end = _take(book, replace(_NEW, step=Step.END), now=1_767_323_055.0)
    again = _take(book, _NEW, now=1_767_323_060.0)
    assert first.alert_id == update.alert_id == end.alert_id
    assert again.alert_id > first.alert_id
    assert update.detection.score == 6.0


def test_sources_and_errors_do_not_share_alerts() -> None:
    """Two microphones that hear the same drop ask twice."""
    book = AlertBook()
    assert _take(book, _NEW).alert_id != _take(book, replace(_NEW, source="mic2")).alert_id


def test_alert_keeps_the_words_of_its_start() -> None:
    """A reload in the middle of an event does not change what people were asked."""
    book = AlertBook()
    _take(book, _NEW)
    other = {"drop": Wording("something else", Severity.MINOR)}
    update = book.take(
        replace(_NEW, step=Step.UPDATE), other, _PROVENANCE, clock_synced=False, now=0.0
    )
    assert update.description == "金属部品が床に落ちた音"
    assert update.severity is Severity.MAJOR


def test_an_alert_is_as_severe_as_what_may_well_be_meant() -> None:
    """A candidate explained nearly as well counts; it never becomes less."""
    wordings = _WORDINGS | {
        "shout": Wording("人の叫び声", Severity.CRITICAL),
        "hum": Wording("a hum", Severity.INDETERMINATE),
    }

    def take(*candidates: Candidate, step: Step = Step.UPDATE) -> Alert:
        changed = replace(_NEW, step=step, score=6.0, threshold=4.0, candidates=candidates)
        return book.take(changed, wordings, _PROVENANCE, clock_synced=True, now=0.0)

    book = AlertBook()
    near, far = Candidate("shout", 4.0, 3.0), Candidate("shout", 3.9, 3.0)
    assert take(far, step=Step.NEW).severity is Severity.MAJOR
    assert take(Candidate("hum", 6.0, 4.0)).severity is Severity.MAJOR
    assert take(near).severity is Severity.CRITICAL
    assert take(far, step=Step.END).severity is Severity.CRITICAL


def test_candidates_keep_the_words_that_people_read_first() -> None:
    """Also where the description is gone by now."""
    book = AlertBook()
    heard = replace(_NEW, candidates=(Candidate("gong", 4.2, 4.0),))
    wordings = _WORDINGS | {"gong": Wording("a gong", Severity.MINOR)}
    book.take(heard, wordings, _PROVENANCE, clock_synced=True, now=0.0)
    end = _take(book, replace(heard, step=Step.END))
    assert [one.description for one in end.detection.candidates] == ["a gong"]


def test_payload_says_where_when_and_how_sure() -> None:
    """The numbers that a dashboard shows."""
    payload = json.loads(alert_payload(_take(AlertBook(), _NEW), "p1", "press3"))
    assert payload["event_type"] == "new"
    assert payload["ts_start"] == "2026-01-02T03:04:05.678Z"
    assert (payload["site"], payload["node"], payload["source"]) == ("p1", "press3", "mic1")
    assert payload["score"] == pytest.approx(5.123)
    assert payload["severity"] == "MAJOR"
    assert payload["bundle"] == _PROVENANCE.bundle


def test_times_are_rfc_3339_in_milliseconds() -> None:
    """Whole seconds have their zeros."""
    assert timestamp(0.0) == "1970-01-01T00:00:00.000Z"
