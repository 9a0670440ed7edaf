"""Recordings that hold the same sound are found, and others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.capture.audiofile import read_audio
from training.data.alike import RATE_HZ, SAME, ComparedSound, among, spectrogram
from training.data.readers.splits import frozen, same_sounds
from training.data.split_command import compared, known

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray
    from training.data.records import Split


_SHORT_S = 2.0


def knock(seed: int, seconds: float = 0.6) -> FloatArray:
    """A struck body in a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    modes_hz = rng.uniform(200.0, 5_000.0, 12)
    phases = rng.uniform(0.0, 6.28, 12)
    ringing = np.sin(2 * np.pi * modes_hz * time_s[:, None] + phases).sum(axis=1)
    made = (ringing + rng.standard_normal(len(time_s))) * np.exp(-time_s / 0.1)
    return (0.02 * made).astype(np.float32)


def heard(*samples: FloatArray) -> list[ComparedSound]:
    """As they are compared."""
    return [ComparedSound(one, spectrogram(one)) for one in samples]


def pairs(*samples: FloatArray, series: str = "abcdefgh") -> set[tuple[int, int]]:
    """Those that hold one sound."""
    return {(one.first, one.second) for one in among(heard(*samples), list(series[: len(samples)]))}


def test_copy_is_found_at_any_level_and_place() -> None:
    """Softer, inverted, later, in a longer recording with something else in it."""
    own = knock(1)
    softer = (-0.05 * own).astype(np.float32)
    later = np.concatenate([np.zeros(777, np.float32), own])
    longer = np.concatenate([0.2 * knock(2, 1.7), own, 0.1 * knock(3, 2.3)])
    found = pairs(own, softer, later, longer, knock(4), knock(5))
    assert found == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}


def test_noise_and_fewer_bits_do_not_hide_a_copy() -> None:
    """A codec's loss and eight bits are less than the sound."""
    own = knock(1)
    noise = 0.1 * own.std() * np.random.default_rng(0).standard_normal(len(own))
    coarse = np.round(own / np.abs(own).max() * 127) / 127
    found = among(
        heard(own, (own + noise).astype(np.float32), coarse.astype(np.float32)), ["a", "b", "c"]
    )
    assert [(one.first, one.second) for one in found] == [(0, 1), (0, 2), (1, 2)]
    assert all(SAME <= one.correlation <= 1.0 + 1e-6 for one in found)


def test_another_take_is_another_sound() -> None:
    """The same body struck anew, and other seconds of the same noise, do not correlate."""
    rng = np.random.default_rng(0)
    noise = [0.1 * rng.standard_normal(2 * RATE_HZ).astype(np.float32) for _ in range(3)]
    assert pairs(*noise, *(knock(seed) for seed in range(5))) == set()


def test_two_of_one_series_are_not_compared() -> None:
    """Seconds of one machine."""
    assert pairs(knock(1), knock(1), knock(1), series="aab") == {(0, 2), (1, 2)}


def test_silence_and_short_sounds_are_no_trouble() -> None:
    """Of nothing, nothing is found; a click of 50 ms is."""
    click = knock(1, 0.05)
    quiet = np.zeros(RATE_HZ, np.float32)
    assert pairs(quiet, quiet, click, 0.5 * click) >= {(2, 3)}


def test_no_known_pair_lies_on_both_sides() -> None:
    """What was found to be the same sound is in one split, whoever's set it is in."""
    assert same_sounds()
    assert [pair for pair in same_sounds() if _apart(*pair)] == []


def _apart(one: str, other: str) -> bool:
    """Whether two recordings are in two splits; one without a split is used nowhere."""
    return len({frozen(one), frozen(other)} - {None}) > 1


def test_no_sound_lies_on_both_sides_by_its_first_moment(
    data_dir: Path, request: pytest.FixtureRequest
) -> None:
    """Exact copies of test clips of the two sets that are drawn anew, at any level.

    Four of five clips are short, and take a quarter of the time; at full size all are read.
    """
    longest_s = np.inf if request.config.getoption("--full") else _SHORT_S
    fixed, clips = known(data_dir)
    places: dict[bytes, set[Split | None]] = {}
    for clip in (one for one in clips if one.seconds <= longest_s):
        key = _onset(data_dir / clip.data_set / clip.inside)
        places.setdefault(key, set()).add(frozen(clip.id))
    assert fixed
    assert len(places) > 2_000
    assert [key for key, splits in places.items() if len(splits) > 1] == []


def _onset(path: Path) -> bytes:
    """The shape of the first 60 ms that sound, coarse: the sign of each sample's step."""
    samples = read_audio(path, RATE_HZ)
    strong = np.abs(samples) > 0.1 * np.abs(samples).max()
    first = int(strong.argmax())
    return np.packbits(np.diff(samples[first : first + 961]) > 0).tobytes()


@pytest.mark.full
def test_no_sound_lies_on_both_sides(data_dir: Path) -> None:
    """All recordings of all folders, by their waveforms, at any level and place."""
    found = compared(data_dir, *known(data_dir))
    assert [pair for pair in found if _apart(pair[0], pair[1])] == []
