"""Frames to blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.capture.assembly import Assembly
from tests.fakes import FakeClock

RATE_HZ = 32_000


def assembled(
    sound: np.ndarray, rate_hz: int, cuts: list[int], channels: tuple[int, ...] | None = None
) -> np.ndarray:
    """A sound that comes in pieces."""
    assembly = Assembly("mic1", RATE_HZ, FakeClock(), channels)
    assembly.begin(rate_hz)
    assembly.observe(0, 0.0)
    blocks = [assembly.add(piece) for piece in np.split(sound, cuts)]
    blocks.append(assembly.finish())
    there = [block for block in blocks if block is not None]
    position = 0
    for block in there:
        assert block.index == position
        position += len(block.samples)
    return np.concatenate([block.samples for block in there])


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([8_000, 16_000, 32_000, 44_100, 48_000, 96_000, 192_000]),
    st.lists(st.integers(0, 20_000), max_size=8).map(sorted),
)
def test_pieces_do_not_matter(rate_hz: int, cuts: list[int]) -> None:
    """However the frames come, the same samples leave, without a gap, as long as the sound."""
    sound = np.random.default_rng(2).uniform(-1, 1, (20_000, 1)).astype(np.float32)
    whole = assembled(sound, rate_hz, [])
    assert len(whole) == pytest.approx(20_000 * RATE_HZ / rate_hz, abs=1)
    np.testing.assert_allclose(assembled(sound, rate_hz, cuts), whole, atol=1e-6)


@pytest.mark.parametrize(("channels", "expected"), [((1,), 0.1), ((2, 3), 0.4), (None, 0.3)])
def test_chosen_channels_are_averaged(channels: tuple[int, ...] | None, expected: float) -> None:
    """Channels count from 1; none chosen means all."""
    frames = np.tile(np.float32([0.1, 0.3, 0.5]), (100, 1))
    np.testing.assert_allclose(assembled(frames, RATE_HZ, [], channels), expected, rtol=1e-6)


def test_skipped_frames_are_missing_in_the_index_and_in_time() -> None:
    """A loss of half a second at 48 kHz is a jump of half a second."""
    clock = FakeClock()
    assembly = Assembly("mic1", RATE_HZ, clock, None)
    assembly.begin(48_000)
    assembly.observe(0, clock.monotonic())
    frames = np.full((48_000, 1), 0.1, np.float32)
    before = assembly.add(frames)
    assembly.skip(24_000)
    after = assembly.add(frames)
    assert before is not None
    assert after is not None
    assert after.index == 48_000
    assert after.captured_at - clock.now() == pytest.approx(1.5, abs=1e-3)


def test_another_rate_after_a_loss() -> None:
    """Another device in the same place: the index goes on as time does."""
    clock = FakeClock()
    assembly = Assembly("mic1", RATE_HZ, clock, None)
    assembly.begin(48_000)
    assembly.observe(0, clock.monotonic())
    before = assembly.add(np.full((48_000, 1), 0.1, np.float32))
    clock.advance(10.0)
    assembly.begin(16_000)
    assembly.observe(0, clock.monotonic())
    after = assembly.add(np.full((16_000, 1), 0.1, np.float32))
    assert before is not None
    assert after is not None
    assert before.index == 0
    assert after.index == 10 * RATE_HZ
    assert after.captured_at == pytest.approx(clock.now())


def test_index_never_goes_back() -> None:
    """A device that is opened again while its last sound is still ahead goes on behind it."""
    clock = FakeClock()
    assembly = Assembly("mic1", RATE_HZ, clock, None)
    assembly.begin(RATE_HZ)
    assembly.observe(0, clock.monotonic())
    before = assembly.add(np.full((RATE_HZ, 1), 0.1, np.float32))
    assembly.begin(RATE_HZ)
    assembly.observe(0, clock.monotonic())
    after = assembly.add(np.full((10, 1), 0.1, np.float32))
    assert before is not None
    assert after is not None
    assert after.index == RATE_HZ


def test_channels_that_cancel_are_told_and_outlive_a_loss() -> None:
    """The device comes back, and its wires are still swapped."""
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, 2 * RATE_HZ).astype(np.float32)
    sides = np.stack((0.0 * noise, noise, -noise), axis=1)
    clock = FakeClock()
    assembly = Assembly("mic1", RATE_HZ, clock, (2, 3))
    assert assembly.missing(3) == ""
    assert "has 2 channels, not 3" in assembly.missing(2)
    for _ in range(2):
        assembly.begin(RATE_HZ)
        assembly.observe(0, clock.monotonic())
        block = assembly.add(sides)
        assert block is not None
        np.testing.assert_array_equal(block.samples, noise)
        assert assembly.remark.endswith("channel 2 alone is heard; write channels: [2]")
        clock.advance(10.0)
