"""A file in place of a microphone."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent.capture.file import FileSource
from agent.core.clock import SystemClock
from agent.core.errors import AudioFileError, CaptureError
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Block

RATE_HZ = 32_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """One second and a bit of noise, not a whole number of blocks."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, sound(), RATE_HZ, subtype="FLOAT")
    return path


def sound() -> np.ndarray:
    """What the recording holds."""
    return np.random.default_rng(1).uniform(-0.5, 0.5, 33_333).astype(np.float32)


def source(path: Path, clock: FakeClock | SystemClock, **options: Any) -> FileSource:
    """A source that is open."""
    made = FileSource("file1", path=path, sample_rate_hz=RATE_HZ, clock=clock, **options)
    made.open()
    return made


def due(playing: FileSource) -> list[Block]:
    """Every block whose time has come."""
    blocks = []
    while (block := playing.read(0.0)) is not None:
        blocks.append(block)
    return blocks


def test_as_fast_as_possible_gives_the_whole_file_and_ends(recording: Path) -> None:
    """Every sample comes once, in order, and then the end."""
    clock = FakeClock()
    playing = source(recording, clock, realtime=False)
    blocks = due(playing)
    assert playing.ended
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), sound())
    assert [b.index for b in blocks] == [0, 16_000, 32_000]
    assert [b.captured_at - clock.now() for b in blocks] == pytest.approx([0.0, 0.5, 1.0])
    assert {b.source for b in blocks} == {"file1"}


def test_in_real_time_a_block_comes_when_its_last_sample_would(recording: Path) -> None:
    """Nothing comes early, and no error adds up."""
    clock = FakeClock()
    playing = source(recording, clock)
    assert due(playing) == []
    clock.advance(0.0999)
    assert due(playing) == []
    clock.advance(0.0002)
    assert [b.index for b in due(playing)] == [0]
    clock.advance(0.91)
    late = due(playing)
    assert late[-1].index + len(late[-1].samples) == RATE_HZ
    assert not playing.ended
    clock.advance(0.1)
    assert sum(len(b.samples) for b in due(playing)) == 1_333
    assert playing.ended


def test_speed_shortens_the_wait_and_not_the_sound(recording: Path) -> None:
    """At twenty times the speed, a second passes in 50 ms, stamped as a second of sound."""
    clock = FakeClock()
    start_at = clock.now()
    playing = source(recording, clock, speed=20.0)
    clock.advance(0.0501)
    blocks = due(playing)
    assert blocks[-1].index + len(blocks[-1].samples) == RATE_HZ
    assert len(blocks) == 5
    assert blocks[-1].captured_at - start_at == pytest.approx(0.8)


def test_loop_has_no_gap(recording: Path) -> None:
    """The file begins again at the next sample, and the index goes on."""
    clock = FakeClock()
    playing = source(recording, clock, loop=True)
    clock.advance(3.5)
    blocks = due(playing)
    for before, after in itertools.pairwise(blocks):
        assert after.index == before.index + len(before.samples)
        gap_s = after.captured_at - before.captured_at - len(before.samples) / RATE_HZ
        assert gap_s == pytest.approx(0.0, abs=1e-5)
    heard = np.concatenate([b.samples for b in blocks])
    np.testing.assert_array_equal(heard, np.tile(sound(), 4)[: len(heard)])
    assert not playing.ended


def test_step_of_utc_moves_the_stamps_and_not_the_pace(recording: Path) -> None:
    """An hour forwards changes the time of capture alone."""
    clock = FakeClock()
    playing = source(recording, clock)
    clock.jump(3_600.0)
    assert due(playing) == []
    clock.advance(0.1001)
    (block,) = due(playing)
    assert block.captured_at == pytest.approx(clock.now() - 0.1001, abs=1e-3)


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    """A file of 16 kHz lasts as long as before."""
    path = tmp_path / "slow.wav"
    soundfile.write(path, np.zeros(16_000, np.float32), 16_000)
    playing = source(path, FakeClock(), realtime=False)
    assert sum(len(b.samples) for b in due(playing)) == pytest.approx(RATE_HZ, abs=1)


def test_opened_again_the_index_jumps_by_the_time_between(recording: Path) -> None:
    """The file begins anew, and the index tells of the pause."""
    clock = FakeClock()
    playing = source(recording, clock)
    clock.advance(0.5001)
    before = due(playing)[-1]
    playing.close()
    playing.close()
    clock.advance(2.0)
    playing.open()
    clock.advance(0.1001)
    after = due(playing)[0]
    assert after.index - before.index - len(before.samples) == pytest.approx(2 * RATE_HZ, abs=64)
    np.testing.assert_array_equal(after.samples, sound()[: len(after.samples)])


def test_unreadable_file_is_told_at_the_opening(tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "none.wav"
    with pytest.raises(AudioFileError, match=r"none\.wav"):
        source(path, FakeClock())
    path.write_bytes(b"no sound")
    with pytest.raises(AudioFileError, match=r"none\.wav"):
        source(path, FakeClock())


def test_read_of_a_closed_file_is_refused(recording: Path) -> None:
    """Nothing is read from a file that is not open."""
    playing = source(recording, FakeClock())
    playing.close()
    with pytest.raises(CaptureError, match="not open"):
        playing.read(0.0)


def test_close_ends_a_wait(recording: Path) -> None:
    """A reader in another thread returns at once, long before the block is due."""
    playing = source(recording, SystemClock(), speed=1e-4)

    def read() -> None:
        # It may be closed before the reader comes to it.
        with suppress(CaptureError):
            playing.read(600.0)

    reader = threading.Thread(target=read)
    reader.start()
    playing.close()
    reader.join(30.0)
    assert not reader.is_alive()


def test_channels_are_chosen_and_a_mix_that_cancels_is_told(tmp_path: Path) -> None:
    """In the source's own words, and no longer once a channel is chosen."""
    path = tmp_path / "two.wav"
    soundfile.write(path, np.stack((sound(), -sound()), axis=1), RATE_HZ, subtype="FLOAT")
    playing = source(path, FakeClock(), realtime=False)
    np.testing.assert_array_equal(np.concatenate([b.samples for b in due(playing)]), sound())
    assert playing.remark.startswith("channels 1 and 2 cancel each other: one side is inverted")
    assert playing.remark.endswith("channel 1 alone is heard; write channels: [1]")
    playing = source(path, FakeClock(), realtime=False, channels=(2,))
    np.testing.assert_array_equal(np.concatenate([b.samples for b in due(playing)]), -sound())
    assert playing.remark == ""
    with pytest.raises(AudioFileError, match="has 2 channels, not 3; choose channels from 1 to 2"):
        source(path, FakeClock(), realtime=False, channels=(3,))
