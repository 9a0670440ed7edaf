"""A simulated hall: goes on without a break, and is the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.capture.scene import RATE_HZ
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.studies.calibration.halls import MOST_PER_KIND, halves
from training.studies.hall import (
    BLOCK_S,
    Hall,
    by_class,
    classes_of,
    days_of,
    in_time,
    minutes_of,
    read_kinds,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def hall() -> Hall:
    """Two machines of noise, and a click."""
    rng = np.random.default_rng(0)
    beds = tuple((rng.standard_normal(RATE_HZ).astype(np.float32),) for _ in range(2))
    return Hall(beds, ((np.hanning(RATE_HZ // 10).astype(np.float32),),))


def test_minutes_follow_on_each_other(hall: Hall) -> None:
    """So long as was asked for, never silent, and without a step where blocks meet."""
    blocks = list(minutes_of(hall, 3, 2 / 60))
    assert [len(block) for block in blocks] == [round(BLOCK_S * RATE_HZ)] * 2
    sound = np.concatenate(blocks)
    seconds = np.sqrt(np.square(sound).reshape(-1, RATE_HZ).mean(axis=1))
    assert seconds.min() > 1e-4
    assert np.abs(sound).max() <= 1.0
    # Machines cross-fade: neighbouring seconds differ by no more than a few decibel.
    around = seconds[len(blocks[0]) // RATE_HZ - 1 :][:2]
    assert 0.2 < around[0] / around[1] < 5.0


def test_the_seed_decides(hall: Hall) -> None:
    """The same gives the same, another something else, and so do days."""
    days, same, others = (list(days_of(hall, seed, 2, 8)) for seed in (5, 5, 6))
    assert [day.shape for day in days] == [(8 * RATE_HZ,)] * 2
    np.testing.assert_array_equal(days, same)
    assert not np.array_equal(days[0], days[1])
    assert not np.array_equal(days[0], others[0])


def test_recordings_are_found_by_their_class_and_sorted_in_time() -> None:
    """A number counts as a number; a caption that names no class is passed over."""
    names = ("motors/cut_10", "motors/cut_2")
    manifest = Manifest(
        tuple(Recording(name, name, "a", Split.TRAIN) for name in names),
        (Caption("motors/class/fan", "fan", "en"), Caption("c", "a fan turns", "en")),
        tuple(Pair(c, name, True, "p") for c in ("motors/class/fan", "c") for name in names),
    )
    found = by_class(manifest)
    assert list(found) == ["motors/fan"]
    assert [one.id for one in sorted(found["motors/fan"], key=in_time)] == [names[1], names[0]]
    assert classes_of("motors", "fan,\n  big fan") == ("motors/fan", "motors/big fan")


def test_two_halls_share_no_recording(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them has machines and sounds; of no kind more than so many."""
    given: list[list[Recording]] = []

    def keep(kinds: list[list[Recording]], data: Path, most: int) -> tuple[tuple[object, ...], ...]:
        assert (data, most) == (data_dir, MOST_PER_KIND)
        given.extend(kinds)
        return tuple(tuple(kind[:most]) for kind in kinds if kind)

    monkeypatch.setattr("training.studies.calibration.halls.read_kinds", keep)
    halls = halves(data_dir)
    names = [{clip.id for kind in (*hall.beds, *hall.sounds) for clip in kind} for hall in halls]
    assert all(names)
    assert not names[0] & names[1]
    assert all(len(hall.beds) >= 9 and len(hall.sounds) >= 17 for hall in halls)
    assert len(given) == 2 * (13 + 27)


def test_a_kind_is_thinned_out_evenly(data_dir: Path) -> None:
    """Of many recordings a few are read, over all of it; a kind without any is left out."""
    paths = sorted((data_dir / "esc50-40" / "audio").glob("*.flac"))[:6]
    clips = [
        Recording(path.name, str(path.relative_to(data_dir)), "a", Split.TRAIN) for path in paths
    ]
    assert [len(kind) for kind in read_kinds([clips, []], data_dir, 3)] == [3]
