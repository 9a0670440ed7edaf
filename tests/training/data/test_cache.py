"""Decoded once, and what cannot be decoded is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.core.errors import AudioFileError
from training.data.cache import LogMelCache, Unreadable
from training.data.frontend import LogMel
from training.data.records import Recording, Split

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def _recording(name: str) -> Recording:
    return Recording(name, f"{name}.wav", name, Split.TRAIN)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one second of noise."""
    folder = tmp_path / "data"
    folder.mkdir()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 32_000)
    soundfile.write(folder / "noise.wav", noise, 32_000)
    return folder


def test_second_time_nothing_is_decoded(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The array of the first time is given again, exactly."""
    cache = LogMelCache(tmp_path / "cache", data)
    first = cache.log_mel(data / "noise.wav")
    assert first.shape[0] == 128
    assert first.dtype == np.float32

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(LogMel, "forward", refuse)
    again = LogMelCache(tmp_path / "cache", data).log_mel(data / "noise.wav")
    np.testing.assert_array_equal(again, first)


def test_other_content_under_the_same_name_is_decoded(tmp_path: Path, data: Path) -> None:
    """A recording that was replaced is not taken for the old one."""
    cache = LogMelCache(tmp_path / "cache", data)
    first = cache.log_mel(data / "noise.wav")
    soundfile.write(data / "noise.wav", np.zeros(32_000), 32_000)
    assert not np.array_equal(cache.log_mel(data / "noise.wav"), first)


def test_unreadable_recordings_are_told_and_the_others_come(tmp_path: Path, data: Path) -> None:
    """Missing and damaged files end nothing."""
    (data / "broken.wav").write_bytes(b"no sound")
    cache = LogMelCache(tmp_path / "cache", data)
    found = dict(cache.load([_recording("gone"), _recording("broken"), _recording("noise")]))
    by_name = {recording.id: result for recording, result in found.items()}
    assert isinstance(by_name["gone"], Unreadable)
    assert "gone.wav" in by_name["gone"].reason
    assert isinstance(by_name["broken"], Unreadable)
    assert isinstance(by_name["noise"], np.ndarray)
    with pytest.raises(AudioFileError):
        cache.log_mel(data / "gone.wav")
