"""Blocks to windows: positions, times, gaps and ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bundle.manifest import FrontendConstants
from agent.core.records import Block, Window
from agent.frontend.log_mel import LogMel
from agent.frontend.windows import Windower
from tests.signals import frontend, noise

RATE_HZ = 32_000
FRAME = 320
T0 = 1_767_323_045.5


def windower(window_frames: int = 200, hop_frames: int = 50) -> Windower:
    """A windower on the real frontend."""
    log_mel = frontend()
    return Windower("mic", log_mel.constants, window_frames, hop_frames, log_mel)


def blocks(wave: np.ndarray, sizes: list[int], start: int = 0) -> list[Block]:
    """The wave cut into blocks, the sizes over and over, at even times."""
    cut, at, turn = [], 0, 0
    while at < len(wave):
        size = sizes[turn % len(sizes)]
        piece = wave[at : at + size]
        cut.append(Block("mic", start + at, T0 + (start + at) / RATE_HZ, piece))
        at += size
        turn += 1
    return cut


def pushed(to: Windower, stream: list[Block]) -> list[Window]:
    """All windows of a stream, without its end."""
    return [window for block in stream for window in to.push(block)]


@pytest.mark.parametrize("sizes", [[160_000], [1_600], [1, 31_999], [777], [16_000], [321, 5]])
def test_windows_are_cut_from_the_whole_signal(sizes: list[int]) -> None:
    """Whatever the blocks, windows hold the whole signal's frames, with its indices and times."""
    wave = noise(160_000)
    whole = frontend().whole(wave)
    windows = pushed(windower(), blocks(wave, sizes))
    assert [window.index for window in windows] == [0, 16_000, 32_000, 48_000, 64_000, 80_000]
    for window in windows:
        first = window.index // FRAME
        assert window.source == "mic"
        assert window.duration_s == 2.0
        assert window.captured_at == pytest.approx(T0 + window.index / RATE_HZ, abs=1e-6)
        assert window.ends_at == pytest.approx(window.captured_at + 2.0)
        assert window.log_mel.dtype == np.float32
        assert window.log_mel.flags.c_contiguous
        np.testing.assert_allclose(window.log_mel, whole[:, first : first + 200], atol=2e-6)


def test_a_window_comes_with_the_sample_that_completes_it() -> None:
    """The first window waits for the last frame's last sample and not for one more."""
    wave = noise(70_000)
    needed = frontend().samples_until(199)
    assert needed == 199 * FRAME + 400 + 1
    cut = windower()
    assert cut.push(Block("mic", 0, T0, wave[: needed - 1])) == []
    (window,) = cut.push(Block("mic", needed - 1, T0 + 2.0, wave[needed - 1 : needed]))
    assert window.index == 0
    assert window.captured_at == T0


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9_000), min_size=1, max_size=6),
    window_frames=st.integers(1, 60),
    hop_frames=st.integers(1, 80),
    samples=st.integers(1, 40_000),
)
def test_any_cut_gives_the_same_windows(
    sizes: list[int], window_frames: int, hop_frames: int, samples: int
) -> None:
    """Windows and their end depend on the sound alone, not on the sizes of the blocks."""
    wave = noise(samples)
    cut, at_once = windower(window_frames, hop_frames), windower(window_frames, hop_frames)
    windows = pushed(cut, blocks(wave, sizes)) + cut.flush()
    expected = at_once.push(Block("mic", 0, T0, wave)) + at_once.flush()
    assert [w.index for w in windows] == [w.index for w in expected]
    assert [w.duration_s for w in windows] == [w.duration_s for w in expected]
    for window, same in zip(windows, expected, strict=True):
        np.testing.assert_allclose(window.log_mel, same.log_mel, atol=2e-6)


def test_windows_begin_anew_after_a_gap() -> None:
    """Lost sound ends the run; the next window starts with the first sample after it."""
    wave = noise(400_000)
    cut = windower()
    before = pushed(cut, blocks(wave[:100_000], [5_000]))
    after = pushed(cut, blocks(wave[150_123:250_123], [5_000], start=150_123))
    assert [window.index for window in before] == [0, 16_000, 32_000]
    assert [window.index for window in after] == [150_123, 166_123, 182_123]
    whole = frontend().whole(wave[150_123:250_123])
    np.testing.assert_allclose(after[1].log_mel, whole[:, 50:250], atol=2e-6)
    assert after[0].captured_at == pytest.approx(T0 + 150_123 / RATE_HZ)


def test_an_index_that_goes_back_begins_anew() -> None:
    """A source that started over counts as a gap, even where its index repeats."""
    wave = noise(80_000)
    cut = windower()
    pushed(cut, blocks(wave[:50_000], [10_000]))
    windows = pushed(cut, blocks(wave, [10_000]))
    assert [window.index for window in windows] == [0]


def test_a_step_of_utc_moves_later_windows_only() -> None:
    """A window has the time of the block that holds its first sample."""
    wave = noise(160_000)
    stream = [
        Block(
            "mic", at, T0 + at / RATE_HZ + (3_600.0 if at >= 40_000 else 0.0), wave[at : at + 8_000]
        )
        for at in range(0, 160_000, 8_000)
    ]
    windows = pushed(windower(), stream)
    late = [window.captured_at - T0 - window.index / RATE_HZ for window in windows]
    assert late == pytest.approx([0.0, 0.0, 0.0, 3_600.0, 3_600.0, 3_600.0], abs=1e-5)


def test_the_end_of_a_file_is_heard() -> None:
    """Flushing gives the last window on the grid, and one more that reaches to the end."""
    wave = noise(169_600)  # 5.3 s: 530 frames
    cut = windower()
    windows = pushed(cut, blocks(wave, [1_600])) + cut.flush()
    assert [window.index for window in windows] == [
        *range(0, 96_001, 16_000),
        (530 - 200) * FRAME,
    ]
    whole = frontend().whole(wave)
    np.testing.assert_allclose(windows[-1].log_mel, whole[:, -200:], atol=2e-6)
    assert windows[-1].duration_s == 2.0


def test_a_file_on_the_grid_has_no_extra_window() -> None:
    """Five seconds hold seven windows of two seconds, the last ending with the file."""
    cut = windower()
    windows = pushed(cut, blocks(noise(160_000), [1_600])) + cut.flush()
    assert [window.index for window in windows] == list(range(0, 96_001, 16_000))


def test_a_short_file_is_one_short_window() -> None:
    """What is shorter than a window is heard as it is, with its own duration."""
    wave = noise(16_000)
    cut = windower()
    windows = pushed(cut, blocks(wave, [1_600])) + cut.flush()
    (window,) = windows
    assert window.duration_s == 0.5
    np.testing.assert_allclose(window.log_mel, frontend().whole(wave), atol=2e-6)


def test_after_the_end_another_stream_begins() -> None:
    """A flushed windower is as good as new, and has nothing more to give."""
    wave = noise(80_000)
    cut = windower()
    first = pushed(cut, blocks(wave, [8_000])) + cut.flush()
    assert cut.flush() == []
    again = pushed(cut, blocks(wave, [8_000])) + cut.flush()
    for window, same in zip(first, again, strict=True):
        assert window.index == same.index
        np.testing.assert_array_equal(window.log_mel, same.log_mel)


def test_memory_stays_bounded() -> None:
    """An hour of small blocks leaves no more than a window and a hop behind."""
    cut = windower()
    silence = np.zeros(8_000, np.float32)
    for at in range(0, 60 * 8_000 * 4, 8_000):
        cut.push(Block("mic", at, T0 + at / RATE_HZ, silence))
        assert len(cut._frames) <= 250
        assert sum(len(samples) for samples in cut._waiting) <= 72_000
        assert len(cut._times) <= 16


def test_frames_are_computed_once() -> None:
    """Overlapping windows share their frames: the frontend sees each sample once."""

    class Counting(LogMel):
        samples = 0

        def push(self, samples: np.ndarray) -> np.ndarray:
            self.samples += len(samples)
            return super().push(samples)

    real = frontend()
    log_mel = Counting(FrontendConstants(), real._filters, real._window)
    cut = Windower("mic", log_mel.constants, 200, 50, log_mel)
    windows = pushed(cut, blocks(noise(320_000), [1_600])) + cut.flush()
    assert len(windows) == 17
    assert log_mel.samples == 320_000
