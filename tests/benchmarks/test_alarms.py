"""Alarms in hall noise: figures from known questions, noise and sounds as they are told."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ, machines, metal_part_dropped
from agent.core.records import Candidate, Detection, Step, Views, Window
from agent.store import Store
from tests.benchmarks.alarm_box import Box, Ears, Heard, asked_in
from tests.benchmarks.alarm_figures import Answered, Sounding, answered, false_alarms, found
from tests.benchmarks.alarm_scene import Part, Stretch, lay, noise, of_part, recorded
from tests.benchmarks.alarms import EVENTS, series_of
from training.data.lexicon import RESOURCE
from training.data.sounding import mean_power, sounding

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {"drop": "metal part dropped", "fall": "metal part dropped", "siren": "a siren"}


def question(
    error_id: str, starts_s: float, ends_s: float, *candidates: str
) -> tuple[Detection, Detection]:
    """As it begins, and as it ends."""
    others = tuple(Candidate(name, 4.0, 3.0) for name in candidates)
    new = Detection("", error_id, Step.NEW, starts_s, starts_s, starts_s + 2.0, 5.0, 3.0, 2, 3)
    end = Detection("", error_id, Step.END, starts_s, starts_s, ends_s, 5.0, 3.0, 2, 3, others)
    return new, end


def test_questions_that_overlap_a_sound_answer_for_it() -> None:
    """The first tells the name, whichever ends first; words that are equal are equally right."""
    sound = Sounding("drop", 10.0, 12.0)
    early = question("siren", 2.0, 9.9)
    late = question("drop", 12.1, 15.0)
    assert answered(sound, [*early, *late], WORDS) == Answered(0, first=False, among=False)
    assert answered(sound, question("fall", 9.0, 12.5), WORDS) == Answered(1, True, True)
    first, second = question("siren", 9.0, 30.0), question("drop", 10.0, 13.0)
    told = [first[0], second[0], second[1], first[1]]
    assert answered(sound, told, WORDS) == Answered(2, first=False, among=True)
    named = question("siren", 9.0, 30.0, "drop")
    assert answered(sound, named, WORDS) == Answered(1, first=False, among=True)


def test_figures_are_shares_of_all_sounds() -> None:
    """But questions are counted for those that were found."""
    some = [
        Answered(2, first=True, among=True),
        Answered(1, first=False, among=True),
        Answered(0, first=False, among=False),
        Answered(0, first=False, among=False),
    ]
    figures = found(some)
    assert (figures.share, figures.right_first, figures.right_among) == (0.5, 0.25, 0.5)
    assert figures.questions == 1.5
    assert np.isnan(found(some[2:]).questions)


def test_false_alarms_are_told_by_the_hour() -> None:
    """Of the box by its questions, of descriptions by their events."""
    told = question("drop", 5.0, 8.0)
    events = [question(name, 5.0, 8.0)[0] for name in ("drop", "drop", "fall")]
    rates = false_alarms(events, told, len(WORDS), 2.0)
    assert (rates.questions, rates.mean, rates.most) == (0.5, 0.5, 1.0)


def test_a_sound_is_as_strong_over_its_noise_as_it_is_said() -> None:
    """And lies where it is said to, the noise untouched elsewhere."""
    rng = np.random.default_rng(0)
    stretch = Stretch("", (0.01 * rng.standard_normal(60 * RATE_HZ)).astype(np.float32))
    sound = np.concatenate([np.zeros(RATE_HZ), np.sin(0.3 * np.arange(RATE_HZ))])
    mixed, spans = lay(stretch, [sound.astype(np.float32)], 10.0, np.random.default_rng(1))
    (span,) = spans
    first, last = round(span.starts_s * RATE_HZ), round(span.ends_s * RATE_HZ)
    alone = mixed.astype(np.float64) - stretch.samples
    assert not alone[:first].any()
    assert not alone[last:].any()
    part = alone[first:last]
    ratio = mean_power(part, sounding(part)) / np.mean(np.square(stretch.samples[first:last]))
    assert 10.0 * np.log10(ratio) == pytest.approx(10.0, abs=0.2)


def test_only_windows_that_hold_a_sound_are_heard_again() -> None:
    """As they would be in the whole stream."""
    rng = np.random.default_rng(0)
    base = (0.05 * machines(rng, 40 * RATE_HZ)).astype(np.float32)
    stretch, ears = Stretch("hall", base), Ears(bundles.load())
    heard = ears.hear(stretch)
    sound = metal_part_dropped(rng).astype(np.float32)
    mixed, spans = lay(stretch, [sound], 10.0, rng)
    again = ears.hear_again(heard, mixed, spans)
    whole = ears.hear(Stretch("hall", mixed))
    assert np.allclose(again.views.joint, whole.views.joint, atol=1e-3)
    assert np.allclose(again.views.acoustic, whole.views.acoustic, atol=1e-3)
    changed = np.flatnonzero((again.views.joint != heard.views.joint).any(axis=1))
    assert 0 < len(changed) < 12
    unchanged = ears.hear_again(heard, base, spans)
    assert np.allclose(unchanged.views.joint, heard.views.joint, atol=1e-3)


def test_a_box_is_silent_where_its_thresholds_come_from(tmp_path: Path) -> None:
    """Fewer than one event in what is less than an hour; what is promised is stricter still."""
    bundle = bundles.load()
    usual = bundle.background()
    views = Views.concatenate([usual] * (1 + 1_300 // len(usual)))
    frames = np.empty((0, 0), np.float32)
    windows = tuple(
        Window("hall", at * RATE_HZ // 2, at / 2.0, 2.0, frames) for at in range(len(views))
    )
    calm = Heard(windows, views)
    with closing(Store.in_memory()) as store:
        box = Box(bundle, [calm], tmp_path, store)
        promised = box.listen_for(WORDS, "en", {})
        expected = box.expecting(promised)
    assert asked_in(expected, calm) == ([], [])
    for error_id, policy in expected.policies.items():
        assert policy.threshold_on <= promised.policies[error_id].threshold_on


def test_synthetic_noise_alone_is_noise_too() -> None:
    """The same by its seed, another one for each part."""
    made = [next(noise({}, part, 1, seed=3)).samples for part in (*Part, Part.JUDGING)]
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[1], made[2])


def test_parts_share_nothing(data_dir: Path) -> None:
    """No recording is in both, and none of a source or of a name that is listened for."""
    series = series_of(data_dir, RESOURCE, seed=0, count=45)
    assert len(series) == 45
    assert all(len(one.events) == EVENTS for one in series)
    assert all(one.example not in one.events for one in series)
    assert all(one.words["ja"] for one in series)
    families = {one.example.family for one in series}
    kinds = recorded(data_dir, families, {one.example.label for one in series})
    parts = [of_part(kinds, part) for part in Part]
    files = [{path for some in own.values() for one in some for path in one} for own in parts]
    assert not files[0] & files[1]
    assert all(some for own in parts for some in own.values())
    taken = {
        data_dir / take.recording.path for one in series for take in (one.example, *one.events)
    }
    assert not taken & (files[0] | files[1])
