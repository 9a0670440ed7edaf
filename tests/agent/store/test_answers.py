"""Answers, clips and the trail in a real SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.core.answers import Entry, KeptClip, holding
from agent.core.errors import StoreError
from agent.core.records import Candidate, Severity, Step, Verdict
from agent.store import FILE_NAME, Store
from tests.agent.store.answers import NOW, alert, answer, clip, give
from tests.agent.store.records import ALERT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One with an alert that goes on."""
    with closing(Store.open(tmp_path)) as made:
        made.record(ALERT, [])
        yield made


def open_ids(store: Store, limit: int = 50) -> list[str]:
    """Alerts that await an answer."""
    return [one.alert.alert_id for one in store.open_alerts(limit).newest]


def test_an_answer_its_message_and_its_line_are_one(store: Store) -> None:
    """All are there, the alert awaits nothing any more, and its sound goes on as before."""
    assert open_ids(store) == [ALERT.alert_id]
    assert give(store, answer(), "reviewed")
    assert store.answers(ALERT.alert_id) == [answer()]
    assert store.answer_to("r1") == answer()
    assert [one.payload for one in store.waiting()] == ["reviewed"]
    assert [(one.sequence, one.what, one.who) for one in store.trail()] == [
        (1, "verdict", "shift-a")
    ]
    assert open_ids(store) == []
    assert store.alert(ALERT.alert_id) == ALERT
    assert store.unfinished() == [ALERT]
    store.record(replace(ALERT, detection=replace(ALERT.detection, step=Step.END)), [])
    assert open_ids(store) == [], "an end is no question"


def test_what_it_was_instead_and_what_it_could_be_come_back(store: Store) -> None:
    """Also by way of the memory in which they are kept while the disk refuses."""
    candidates = (Candidate("gong", 4.75, 4.25, "銅鑼の音"), Candidate("hiss", 4.5, 4.25, "air"))
    heard = replace(alert(7), detection=replace(alert(7).detection, candidates=candidates))
    said = answer(
        7,
        alert_id=heard.alert_id,
        verdict=Verdict.REJECT,
        error_id="gong",
        description="銅鑼の音",
    )
    with closing(Store.in_memory()) as memory:
        memory.record(replace(heard, severity=Severity.CRITICAL), [])
        assert give(memory, said)
        store.absorb(memory)
    kept = store.alert(heard.alert_id)
    assert kept is not None
    assert (kept.detection.candidates, kept.severity) == (candidates, Severity.CRITICAL)
    assert store.answers(heard.alert_id) == [said]
    store.record(heard, [])
    assert store.alert(heard.alert_id) == heard, "its severity and candidates are those of now"


def test_an_answer_that_cannot_be_written_leaves_nothing(store: Store) -> None:
    """Where its message is refused, neither it nor its line is there."""
    entry = Entry(NOW, "verdict", "shift-a", {})
    with pytest.raises(StoreError, match=FILE_NAME):
        store.answer(answer(), [("alert", None)], entry)  # type: ignore[list-item]
    assert (store.answers(ALERT.alert_id), store.trail(), store.depth()) == ([], [], 0)
    assert open_ids(store) == [ALERT.alert_id]


def test_a_request_is_kept_once_whatever_asks(store: Store, tmp_path: Path) -> None:
    """Another answer by the same request writes nothing, also from another process."""
    assert give(store, answer(), "first")
    with closing(Store.open(tmp_path)) as other:
        assert not give(other, answer(2, request_id="r1", verdict=Verdict.REJECT), "second")
    assert store.answers(ALERT.alert_id) == [answer()]
    assert [one.payload for one in store.waiting()] == ["first"]
    assert len(store.trail()) == 1


def test_the_last_of_an_operator_holds_until_it_is_taken_back(store: Store) -> None:
    """The history stays, other operators' answers hold beside it."""
    first, second = answer(1), answer(2, verdict=Verdict.REJECT)
    other = answer(3, operator="shift-b")
    for one in (first, second, other):
        give(store, one)
    assert store.answers(ALERT.alert_id) == [first, second, other]
    assert holding(store.answers(ALERT.alert_id)) == (second, other)
    undone = replace(second, undone_at=NOW + 10, undone_request_id="u1")
    assert give(store, undone)
    assert not give(store, replace(undone, undone_request_id="u2")), "it is taken back already"
    assert store.answer_to("u1") == undone
    assert holding(store.answers(ALERT.alert_id)) == (first, other)
    assert open_ids(store) == []
    give(store, replace(first, undone_at=NOW + 11, undone_request_id="u3"))
    give(store, replace(other, undone_at=NOW + 12, undone_request_id="u4"))
    assert open_ids(store) == [ALERT.alert_id]


def test_open_alerts_are_the_newest_and_counted(store: Store) -> None:
    """Newest first, cut at the limit, without those that are left out; with their clips."""
    for number in range(1, 61):
        store.record(alert(number), [])
    store.keep_clip(clip(alert(60).alert_id))
    found = store.open_alerts(50)
    assert (len(found.newest), found.count) == (50, 61)
    assert [one.alert.alert_id[-3:] for one in found.newest[:3]] == ["060", "059", "058"]
    assert [one.clip for one in found.newest[:2]] == [clip(alert(60).alert_id).file, None]
    without = store.open_alerts(50, without=[alert(60).alert_id])
    assert (without.newest[0].alert.alert_id, without.count) == (alert(59).alert_id, 60)


def test_the_trail_cannot_be_edited(store: Store, tmp_path: Path) -> None:
    """Not by this process, not by another program that opens the file."""
    give(store, answer())
    before = store.trail()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        for statement in (
            "UPDATE audit SET who = 'nobody'",
            "DELETE FROM audit",
            "INSERT OR REPLACE INTO audit VALUES (1, 0.0, 'x', 'y', '{}')",
            (
                "INSERT INTO audit VALUES (1, 0.0, 'x', 'y', '{}')"
                " ON CONFLICT (sequence) DO UPDATE SET who = 'z'"
            ),
        ):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                connection.execute(statement)
            connection.rollback()
    store.note(Entry(NOW, "export", "root", {"labels": 3}))
    assert store.trail()[:-1] == before
    assert store.trail(after=1) == [Entry(NOW, "export", "root", {"labels": 3}, 2)]


def test_a_clip_comes_back_as_it_was(store: Store) -> None:
    """With its views to the last bit, and with ``None`` where nothing may be kept."""
    kept = clip()
    store.keep_clip(kept)
    found = store.clip(ALERT.alert_id)
    assert found is not None
    assert found.views is not None
    assert kept.views is not None
    for name in ("joint", "acoustic"):
        came = getattr(found.views, name)
        assert came.dtype == np.float32
        np.testing.assert_array_equal(came, getattr(kept.views, name))
    assert replace(found, views=None) == replace(kept, views=None)
    bare = clip(file=None, picture=None, views=None)
    store.keep_clip(bare)
    assert store.clip(ALERT.alert_id) == bare
    assert store.clip("01KE0000000000000000000009") is None


def test_clips_are_listed_oldest_first_with_what_a_quota_needs(store: Store) -> None:
    """Description, size, and whether somebody answered."""
    store.record(alert(1), [])
    store.keep_clip(clip(alert(1).alert_id, starts_at=9.0, size_bytes=7))
    store.keep_clip(clip())
    give(store, answer())
    first, second = store.clips()
    assert first == KeptClip(
        ALERT.alert_id, "drop", 5.0, 1_000, clip().file, clip().picture, labelled=True
    )
    assert (second.alert_id, second.size_bytes, second.labelled) == (alert(1).alert_id, 7, False)
    assert store.forget_clip(ALERT.alert_id, Entry(NOW, "clip_deleted", "kikimimi", {}))
    assert not store.forget_clip(ALERT.alert_id, Entry(NOW, "clip_deleted", "kikimimi", {}))
    assert [one.alert_id for one in store.clips()] == [alert(1).alert_id]
    assert [one.what for one in store.trail()] == ["verdict", "clip_deleted"]


def test_nothing_of_a_forgotten_embedding_is_left_in_the_files(
    store: Store, tmp_path: Path
) -> None:
    """Neither in the database nor in its journal, once that is cleared; of both views."""
    heard = clip().views
    assert heard is not None
    raw = [view[0].astype("<f4").tobytes() for view in (heard.joint, heard.acoustic)]

    def holds() -> list[bool]:
        files = [path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*")]
        return [any(view in content for content in files) for view in raw]

    store.keep_clip(clip())
    assert all(holds())
    store.forget_clip(ALERT.alert_id, Entry(NOW, "clip_purged", "root", {}))
    assert store.clear_journal()
    assert not any(holds())


def test_names_of_operators_are_taken_off_old_answers(store: Store) -> None:
    """What holds goes on to hold; what was replaced or taken back is gone; new ones stay."""
    late = replace(alert(1), detection=replace(ALERT.detection, starts_at=1_000.0))
    store.record(late, [])
    give(store, answer(1))
    give(store, answer(2, verdict=Verdict.REJECT, label="forklift"))
    give(store, answer(3, operator="shift-b"))
    new = answer(4, alert_id=late.alert_id)
    give(store, new)
    assert store.forget_operators(500.0, Entry(NOW, "purge", "root", {"clips": 0})) == 3
    assert [(one.verdict, one.operator, one.label) for one in store.answers(ALERT.alert_id)] == [
        (Verdict.REJECT, None, None),
        (Verdict.CONFIRM, None, None),
    ]
    assert len(holding(store.answers(ALERT.alert_id))) == 2
    assert store.answers(late.alert_id) == [new]
    assert store.trail()[-1].detail == {"clips": 0, "verdicts": 3}
    assert open_ids(store) == []
    assert store.alert(ALERT.alert_id) == ALERT


def test_changes_of_other_processes_are_noticed(store: Store, tmp_path: Path) -> None:
    """The number changes by their writes alone."""
    before = store.others_changes
    give(store, answer())
    assert store.others_changes == before
    program = (
        "import pathlib, sys\n"
        "from agent.core.answers import Entry\n"
        "from agent.store import Store\n"
        "Store.open(pathlib.Path(sys.argv[1])).note(Entry(1.0, 'export', 'root', {}))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert store.others_changes != before
    assert [one.what for one in store.trail()] == ["verdict", "export"]
