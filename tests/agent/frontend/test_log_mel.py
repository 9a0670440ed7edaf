"""The log-mel frontend against its definition, whatever pieces the samples come in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bundle.manifest import FrontendConstants
from tests.signals import frontend, mel_filters, noise

CONSTANTS = FrontendConstants()


def by_definition(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Log-mel written out frame by frame, ``(n_mels, n_frames)``: slow and plain."""
    wave = samples.astype(np.float64)
    wave = np.pad(wave, (0, max(0, 514 - len(wave))))
    emphasised = wave[1:] - 0.97 * wave[:-1]
    padded = np.pad(emphasised, 512, mode="reflect")
    window = np.pad(np.hanning(800), 112)
    columns = []
    for start in range(0, len(emphasised) + 1, 320):
        power = np.abs(np.fft.rfft(padded[start : start + 1024] * window)) ** 2
        columns.append((np.log(mel_filters(CONSTANTS) @ power + 1e-5) + 4.5) / 5.0)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("samples", [1, 2, 401, 513, 514, 515, 1_280, 1_281, 1_282, 50_000])
def test_whole_follows_the_definition(samples: int) -> None:
    """Signals of any length, even shorter than a window, give the defined frames."""
    log_mel = frontend().whole(noise(samples))
    assert log_mel.dtype == np.float32
    assert log_mel.flags.c_contiguous
    np.testing.assert_allclose(log_mel, by_definition(noise(samples)), atol=1e-6)


def test_quiet_bands_beside_loud_ones_are_exact() -> None:
    """A full-scale tone leaves the bands far from it as they are: float32 would not."""
    time_s = np.arange(32_000) / 32_000
    wave = np.sin(2 * np.pi * 1_000 * time_s).astype(np.float32)
    log_mel = frontend().whole(wave)
    np.testing.assert_allclose(log_mel, by_definition(wave), atol=1e-6)
    assert log_mel.min() < -1.0  # bands close to the offset: ln(1e-5) gives -1.4
    assert log_mel.max() > 2.3


def test_silence_is_the_offset_alone() -> None:
    """Digital silence gives the constant that the tower knows as silence."""
    log_mel = frontend().whole(np.zeros(32_000, np.float32))
    np.testing.assert_allclose(log_mel, (np.log(1e-5) + 4.5) / 5.0, atol=1e-6)
    assert log_mel.shape == (128, 100)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30_000), min_size=1, max_size=8), samples=st.integers(1, 60_000)
)
def test_any_pieces_give_the_same_frames(sizes: list[int], samples: int) -> None:
    """Pushes and the closing flush join to the whole signal's frames."""
    wave = noise(samples)
    stream = frontend()
    frames, at = [], 0
    for size in sizes:
        frames.append(stream.push(wave[at : at + size]))
        at += size
    frames += [stream.push(wave[at:]), stream.flush()]
    joined = np.concatenate(frames)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined.T, frontend().whole(wave), atol=2e-6)


def test_single_samples_give_each_frame_at_its_time() -> None:
    """A frame comes with the sample that ``samples_until`` names, neither sooner nor later."""
    wave = noise(2_000)
    stream = frontend()
    given_after = []
    for count in range(1, len(wave) + 1):
        given_after += [count] * len(stream.push(wave[count - 1 : count]))
    assert given_after == [stream.samples_until(frame) for frame in range(len(given_after))]
    assert len(given_after) == 5


def test_reset_and_flush_begin_another_stream() -> None:
    """Nothing of the stream before is left in the next one."""
    stream = frontend()
    stream.push(noise(10_000))
    stream.reset()
    again = np.concatenate([stream.push(noise(5_000, seed=1)), stream.flush()])
    twice = np.concatenate([stream.push(noise(5_000, seed=1)), stream.flush()])
    np.testing.assert_array_equal(again, twice)
    np.testing.assert_allclose(again.T, frontend().whole(noise(5_000, seed=1)), atol=2e-6)
    assert stream.flush().shape == (0, 128)


def test_whole_leaves_the_stream_alone() -> None:
    """Scoring a file while a stream runs does not disturb it."""
    stream = frontend()
    first = stream.push(noise(5_000))
    stream.whole(noise(3_000, seed=2))
    joined = np.concatenate([first, stream.push(noise(5_000, seed=3)), stream.flush()])
    wave = np.concatenate([noise(5_000), noise(5_000, seed=3)])
    np.testing.assert_allclose(joined.T, frontend().whole(wave), atol=2e-6)


def test_frames_own_their_memory() -> None:
    """What was given out does not change with the next push."""
    stream = frontend()
    first = stream.push(noise(64_000))
    kept = first.copy()
    stream.push(noise(64_000, seed=9))
    np.testing.assert_array_equal(first, kept)
