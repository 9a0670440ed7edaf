"""A short week of the simulated site, heard by the shipped bundle."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ
from agent.cli.labels.box import labelled
from agent.clips import folder_of
from agent.core.records import Verdict
from agent.store import Store
from agent.watchlist import watchlist
from training.data.records import Split
from training.studies.hearing import heard
from training.studies.human_loop.box import BEGINS_AT, Answering, Box, TurnedClock, settings_of
from training.studies.human_loop.command import SITE
from training.studies.human_loop.recordings import ERRORS, ORDINARY, PARTS, deal, known
from training.studies.human_loop.stages import BY_WEEK
from training.studies.human_loop.tune import replay_of
from training.studies.human_loop.week import DAYS, Size, Week

if TYPE_CHECKING:
    from pathlib import Path

    from training.data.records import Manifest

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def manifest(data_dir: Path) -> Manifest:
    """All recordings but those of the test split."""
    return known(data_dir)


def test_no_recording_is_heard_in_two_weeks(manifest: Manifest) -> None:
    """Nor is one of the test split heard, nor a source of ESC-50 in two weeks, nor replayed."""
    parts = deal(manifest, 1)
    assert len(parts) == PARTS == len(BY_WEEK) + 1
    audibility_in: dict[str, int] = {}
    for number, part in enumerate(parts):
        for _, one in part.of([*part.recordings]):
            assert one.split is not Split.TEST
            key = one.source if one.id.startswith("esc50") else one.id
            assert audibility_in.setdefault(key, number) == number
        assert bool(part.of(ERRORS)) == bool(number)
    replayed = replay_of(manifest, parts, 1)
    assert len(replayed.recordings) > 100
    assert not {one.source for one in replayed.recordings} & set(audibility_in)
    assert not {one.id for one in replayed.recordings} & set(audibility_in)
    assert deal(manifest, 2)[1] != parts[1]


def test_week_is_the_same_each_time_and_lies_where_it_says(
    manifest: Manifest, data_dir: Path
) -> None:
    """Errors and ordinary sounds do not overlap, and are louder than the hall without them."""
    week = Week(1, 1, deal(manifest, 1)[1], data_dir, Size(minutes=2, times=1))
    placed = week.placed()
    assert placed == week.placed()
    names = {one.sound for one in placed}
    assert names <= {*ERRORS, *ORDINARY}
    assert any(one.error_id is None for one in placed)
    for day in range(DAYS):
        today = [one for one in placed if one.day == day]
        for before, after in itertools.pairwise(today):
            assert before.ends_s <= after.starts_s
    first = next(iter(week.days()))
    assert first.shape == (2 * 60 * RATE_HZ,)
    assert np.abs(first).max() <= 1.0


@pytest.mark.full
def test_box_keeps_alerts_clips_and_answers(
    manifest: Manifest, data_dir: Path, tmp_path: Path
) -> None:
    """In a real store; one who answers all and never errs says what is true."""
    bundle = bundles.load(None)
    week = Week(1, 1, deal(manifest, 1)[1], data_dir, Size(minutes=1, times=1))
    kept = tmp_path / "cache" / "week.npz"
    days = heard(([day] for day in week.days()), bundle, kept)
    again = heard([], bundle, kept)
    assert all((a.embeddings == b.embeddings).all() for a, b in zip(days, again, strict=True))
    settings = settings_of(tmp_path, SITE)
    watch = watchlist.build(bundle, descriptions.load(SITE), tmp_path / "texts")
    box = Box(settings, bundle, watch, TurnedClock())
    rng = np.random.default_rng(0)
    answering = Answering(wrong=0.0, unanswered=0.0, unsure=0.0)
    said: dict[str, bool] = {}
    for day, (windows, sound) in enumerate(zip(days, week.days(), strict=True)):
        alerts = box.hear(day, windows, sound)
        told = [(alert, bool(number % 2)) for number, alert in enumerate(alerts)]
        assert box.answer(told, answering, rng) == len(told)
        said |= {alert.alert_id: true for alert, true in told}
    box.close()
    assert len(said) > 2
    with closing(Store.open(settings.state_dir)) as store:
        rows = labelled(store, BEGINS_AT)
        assert {one.alert.alert_id: one.answer.verdict is Verdict.CONFIRM for one in rows} == said
        for one in rows:
            assert one.clip is not None
            assert one.clip.file is not None
            assert one.clip.views is not None
            clip = read_audio(folder_of(settings) / one.clip.file, RATE_HZ)
            assert len(clip) / RATE_HZ == pytest.approx(one.clip.duration_s, abs=0.01)
            assert one.alert.detection.starts_at >= BEGINS_AT
