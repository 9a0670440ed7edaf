"""Parts of an update, each by itself: gates, manifests, settings, the moment of a clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.core.errors import ConfigError
from tests import explained
from tests.training.small import small_manifest, small_model, small_sounds, small_texts
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.evaluation.evaluate import Key, Measured, Results
from training.update.config import GatesConfig, UpdateConfig, load_update
from training.update.gates import ALL_SETS, ANSWERS, agreement, answers_gate, gates_of
from training.update.material import AnsweredPair, answered, combined, focused

if TYPE_CHECKING:
    from training.data.arrays import Values

pytestmark = pytest.mark.torch

_ROOT = Path(__file__).resolve().parents[3]


def _results(values: Values, language: str = "en") -> Results:
    key = Key("set", language, "class names", "audio to text", "top-1", "all", "clean")
    names = tuple(f"r{n}" for n in range(len(values)))
    return Results("m", (Measured(key, names, values, 0.1),))


@pytest.mark.parametrize(
    ("lost", "opened"),
    [(0.0, True), (0.002, True), (0.02, False)],
)
def test_gate_opens_where_no_more_is_surely_lost(lost: float, opened: bool) -> None:
    """Of 1,000 queries of which some share is answered right no more; the tolerance is a point."""
    before = np.ones(1_000)
    after = before.copy()
    after[: round(1_000 * lost)] = 0.0
    (gate,) = gates_of(_results(before), _results(after), GatesConfig())
    assert gate.open == opened
    assert gate.change == pytest.approx(-100.0 * lost)
    assert gate.low is not None
    assert gate.low <= gate.change


def test_loss_that_is_only_not_proved_keeps_the_gate_shut() -> None:
    """Of 1,000 queries .8 points are lost on average: within the tolerance, but not surely."""
    before = np.ones(1_000)
    after = before.copy()
    after[:8] = 0.0
    (gate,) = gates_of(_results(before), _results(after), GatesConfig())
    assert gate.sure
    assert not gate.open
    assert gate.low is not None
    assert gate.change > -1.0 > gate.low


@pytest.mark.parametrize(
    ("moved", "opened"),
    [(0.0, True), (-0.03, True), (-0.06, False)],
)
def test_small_set_is_shut_by_what_is_large(moved: float, opened: bool) -> None:
    """Forty queries that go up and down by 40 points cannot tell one; six on average are much."""
    before = np.full(40, 0.5)
    after = before + moved + 0.4 * np.where(np.arange(40) % 2, 1.0, -1.0)
    (gate,) = gates_of(_results(before), _results(after), GatesConfig())
    assert not gate.sure
    assert gate.open == opened


def test_loss_that_is_proved_shuts_a_small_set() -> None:
    """Three points on average, which hardly any query has not lost."""
    before = np.full(40, 0.5)
    after = before - 0.03 + 0.06 * np.where(np.arange(40) % 2, 1.0, -1.0)
    (gate,) = gates_of(_results(before), _results(after), GatesConfig())
    assert not gate.sure
    assert gate.high is not None
    assert gate.high < 0.0
    assert not gate.open


def test_few_queries_are_judged_by_their_mean() -> None:
    """An interval of a handful says nothing."""
    before = np.ones(10)
    (less,) = gates_of(_results(before), _results(0.98 * before), GatesConfig())
    (much,) = gates_of(_results(before), _results(0.9 * before), GatesConfig())
    assert (less.low, less.sure, less.open) == (None, False, True)
    assert not much.open


def test_all_sets_together_are_a_gate() -> None:
    """Small sets that lose a little each, which none of them can tell, lose it together."""
    before, after = _results(np.full(300, 0.5)), _results(np.full(300, 0.5))
    rng = np.random.default_rng(0)
    for name in "abcdefgh":
        key = replace(before.measured[0].key, data_set=name)
        moved = 0.46 + 0.25 * (2.0 * rng.random(100) - 1.0)
        names = before.measured[0].queries[:100]
        before = Results("m", (*before.measured, Measured(key, names, np.full(100, 0.5), 0.1)))
        after = Results("m", (*after.measured, Measured(key, names, moved, 0.1)))
    gates = {one.data_set: one for one in gates_of(before, after, GatesConfig())}
    together = gates[ALL_SETS]
    assert (together.queries, together.sure, together.open) == (1_100, True, False)
    assert gates["set"].open


_SAID = [AnsweredPair("glass", f"r{n}", n % 2 == 0) for n in range(8)]
_CONFIRMED = np.array([one.fits for one in _SAID])


@pytest.mark.parametrize(
    ("fallen", "change", "opened"), [(0, 0.0, True), (1, -100.0 / 4, False), (4, -100.0, False)]
)
def test_answers_of_other_days_that_are_no_longer_told_apart_shut_a_gate(
    fallen: int, change: float, opened: bool
) -> None:
    """Confirmed clips that fall below all rejected ones: learned by heart, and lost elsewhere."""
    before = np.where(_CONFIRMED, 0.4, 0.1)
    after = before.copy()
    after[np.flatnonzero(_CONFIRMED)[:fallen]] = 0.0
    gate = answers_gate(_SAID, before, after, GatesConfig())
    assert gate is not None
    assert (gate.data_set, gate.queries, gate.before) == (ANSWERS, 8, 100.0)
    assert gate.change == pytest.approx(change)
    assert gate.open == opened
    said = agreement(_SAID, after)
    assert said.ordered == pytest.approx(1.0 - fallen / 4)


def test_answers_of_one_kind_are_no_gate() -> None:
    """Descriptions are looked at one by one: nothing is rejected of the one, all of the other."""
    said = [AnsweredPair("glass", "r0", fits=True), AnsweredPair("siren", "r1", fits=False)]
    cosines = np.array([0.1, 0.4])
    assert answers_gate(said, cosines, cosines, GatesConfig()) is None
    assert answers_gate([], np.zeros(0), np.zeros(0), GatesConfig()) is None


def test_a_recording_asked_in_two_languages_counts_once() -> None:
    """Its mean is its value."""
    en, ja = _results(np.ones(40)), _results(np.zeros(40), "ja")
    both = Results("m", (*en.measured, *ja.measured))
    (gate,) = gates_of(both, both, GatesConfig())
    assert (gate.queries, gate.before) == (40, 50.0)


def test_newer_answers_replace_those_of_an_earlier_update() -> None:
    """A clip that the replay knows as confirmed, and that people have rejected since."""
    clip = Recording("labels/p1/a/x", "/x.flac", "labels/p1", Split.TRAIN)
    caption = Caption("labels/en/1", "a part drops", "en")
    old = Manifest((clip,), (caption,), (Pair(caption.id, clip.id, True, "verdict of a"),))
    new = replace(old, pairs=(Pair(caption.id, clip.id, False, "verdict of a"),))
    both = combined(old + small_manifest(), new)
    assert len(both.recordings) == 1 + len(small_manifest().recordings)
    assert len(both.captions) == 1 + len(small_manifest().captions)
    pairs = answered(both, Split.TRAIN, {clip.id})
    assert pairs == (AnsweredPair(caption.id, clip.id, fits=False),)
    assert answered(both, Split.TRAIN, set()) == ()


def test_the_moment_that_an_answer_is_about_is_kept() -> None:
    """Where the start finds the description best, and as much around it as was asked for."""
    model, manifest = small_model(), small_manifest()
    sounds, texts = small_sounds(manifest), small_texts(manifest)
    clip = Recording("labels/p1/a/x", "/x.flac", "labels/p1", Split.TRAIN)
    asked = replace(
        manifest,
        recordings=(*manifest.recordings, clip),
        pairs=(Pair("c10", clip.id, True, "verdict of a"),),
    )
    parts = [sounds[name] for name in ("r01", "r02", "r11", "r03", "r21")]
    long = {**sounds, clip.id: np.concatenate(parts, axis=1)}
    cut = focused(model, asked, long, texts, window_frames=120, around_frames=10)
    assert list(cut) == [clip.id]
    kept = cut[clip.id]
    assert kept.shape == (128, 140)
    (first,) = [
        at
        for at in range(long[clip.id].shape[1] - 139)
        if np.array_equal(long[clip.id][:, at : at + 140], kept)
    ]
    short = focused(
        model, asked, sounds | {clip.id: kept}, texts, window_frames=120, around_frames=10
    )
    assert short == {}
    with_other = replace(asked, pairs=(Pair("c20", clip.id, True, "verdict of a"),))
    other = focused(model, with_other, long, texts, window_frames=120, around_frames=10)
    assert first % 30 == 20
    assert set(other) == {clip.id}


def test_shipped_settings_are_the_defaults() -> None:
    """``configs/update.yaml`` says what holds without it, of an update's own settings all."""
    path = _ROOT / "configs" / "update.yaml"
    assert load_update(path) == UpdateConfig()
    named = explained.in_file(path)
    assert {**explained.of(UpdateConfig()), "training": named["training"]} == named


def test_what_the_command_line_gives_is_refused(tmp_path: Path) -> None:
    """With the option to write instead."""
    path = tmp_path / "update.yaml"
    path.write_text("training: {start: runs/train/model.pt}\ngates: {most_los: 2}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_update(path)
    told = str(caught.value)
    assert "training.start: is given by the command line; delete it and write --from" in told
    assert "gates.most_los" in told
    assert "did you mean 'most_loss'?" in told
