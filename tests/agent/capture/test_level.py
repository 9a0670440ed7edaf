"""Level and health of the signal."""

from __future__ import annotations

import numpy as np
import pytest

from agent.capture.level import LevelMeter, still
from agent.core.records import SourceState

RATE_HZ = 32_000
BLOCK_SAMPLES = 1_600


def sine(amplitude: float, seconds: float = 1.0) -> np.ndarray:
    """A tone of 1 kHz."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * 1_000 * time_s)).astype(np.float32)


def constant(value: float, seconds: float) -> np.ndarray:
    """A line that does not move."""
    return np.full(round(seconds * RATE_HZ), value, np.float32)


def feed(meter: LevelMeter, sound: np.ndarray) -> None:
    """Add a sound in blocks."""
    for start in range(0, len(sound), BLOCK_SAMPLES):
        meter.add(sound[start : start + BLOCK_SAMPLES])


@pytest.mark.parametrize("amplitude", [1.0, 0.5, 1e-3])
def test_sine_has_its_level(amplitude: float) -> None:
    """A full-scale sine has -3.01 dBFS, half of it 6.02 dB less."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, sine(amplitude))
    assert meter.level is not None
    assert meter.level.rms_dbfs == pytest.approx(20 * np.log10(amplitude) - 3.0103, abs=0.01)
    assert meter.level.peak == pytest.approx(amplitude, rel=1e-3)


def test_dc_is_measured_apart() -> None:
    """An offset shows as DC and leaves the level of the sound alone."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, sine(0.1) + np.float32(0.3))
    assert meter.level is not None
    assert meter.level.dc == pytest.approx(0.3, abs=1e-3)
    assert meter.level.rms_dbfs == pytest.approx(-23.01, abs=0.01)


def test_no_level_before_the_first_interval() -> None:
    """Half a second of sound is not yet a measurement."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, sine(0.1, 0.5))
    meter.add(np.zeros(0, np.float32))
    assert meter.level is None
    assert meter.state is SourceState.OK


def test_digital_silence_has_no_level() -> None:
    """Zeros give ``None``, never a number that looks like quiet sound."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, constant(0.0, 1.0))
    assert meter.level is not None
    assert meter.level.rms_dbfs is None
    assert not meter.level.stuck


def test_least_bit_is_sound() -> None:
    """The noise of the last bit of 16 is a live line."""
    random = np.random.default_rng(0)
    meter = LevelMeter(RATE_HZ)
    noise = random.integers(-1, 2, 10 * RATE_HZ).astype(np.float32) / 32_768
    feed(meter, noise)
    assert meter.state is SourceState.OK
    assert meter.level is not None
    assert meter.level.rms_dbfs == pytest.approx(-92.0, abs=1.0)


def test_silence_needs_five_seconds_and_sound_half_a_second() -> None:
    """The state follows with hysteresis, not with every pause."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, constant(0.0, 4.9))
    assert meter.state is SourceState.OK
    feed(meter, constant(0.0, 0.2))
    assert meter.state is SourceState.SILENT
    assert "digital silence for 5 s" in meter.reason
    feed(meter, sine(0.1, 0.2))
    assert meter.state is SourceState.SILENT
    feed(meter, sine(0.1, 0.4))
    assert meter.state is SourceState.OK
    assert meter.reason == ""


def test_clicks_in_silence_do_not_end_it() -> None:
    """A crackling plug is still a dead line."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, constant(0.0, 5.0))
    for _ in range(10):
        feed(meter, np.concatenate((sine(0.1, 0.05), constant(0.0, 0.5))))
    assert meter.state is SourceState.SILENT


def test_stuck_value_is_silence_with_its_own_reason() -> None:
    """A converter that stands at a value is told from a muted one."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, constant(0.25, 6.0))
    assert meter.state is SourceState.SILENT
    assert "stood still at 0.250" in meter.reason
    assert meter.level is not None
    assert meter.level.stuck
    assert meter.level.rms_dbfs is None


def test_clipping_with_hysteresis() -> None:
    """A sound driven over full scale is clipped, and stays so until seconds without it."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, np.clip(sine(1.3, 5.0), -1.0, 1.0))
    assert meter.state is SourceState.CLIPPED
    assert "lower the gain" in meter.reason
    feed(meter, sine(0.3, 3.0))
    assert meter.state is SourceState.CLIPPED
    feed(meter, sine(0.3, 3.0))
    assert meter.state is SourceState.OK


def test_single_impact_at_full_scale_is_not_clipping() -> None:
    """A hammer that touches full scale for a few milliseconds is what the box is for."""
    meter = LevelMeter(RATE_HZ)
    sound = sine(0.1, 5.0)
    sound[1_000:1_200] = 1.0
    feed(meter, sound)
    assert meter.state is SourceState.OK


def test_offset_is_remarked_with_hysteresis() -> None:
    """A signal off zero by a twentieth of full scale is sound, and told."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, sine(0.1, 5.0) + np.float32(0.04))
    assert meter.remark == ""
    feed(meter, sine(0.1, 5.0) - np.float32(0.1))
    assert "-10 % of full scale off zero" in meter.remark
    assert meter.state is SourceState.OK
    feed(meter, sine(0.1, 5.0) - np.float32(0.04))
    assert meter.remark
    feed(meter, sine(0.1, 5.0))
    assert meter.remark == ""


def test_short_thump_is_no_offset() -> None:
    """A gust of wind moves the mean for a moment only."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, sine(0.1, 4.0))
    feed(meter, sine(0.1, 1.0) + np.float32(0.2))
    assert meter.remark == ""


def test_reset_forgets() -> None:
    """After a loss nothing of before counts."""
    meter = LevelMeter(RATE_HZ)
    feed(meter, constant(0.0, 6.0))
    meter.reset()
    assert meter.state is SourceState.OK
    assert meter.level is None


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a_piece_of_a_dead_line_stands_still(value: float) -> None:
    """Also if a last bit of 16 flips now and then; its noise, or one click, is sound."""
    line = constant(value, 2.0)
    assert still(line)
    line[:: RATE_HZ // 4] += np.float32(1 / 32_768)
    assert still(line)
    click = line.copy()
    click[100] += np.float32(0.01)
    assert not still(click)
    noise = np.random.default_rng(0).integers(-1, 2, len(line)).astype(np.float32) / 32_768
    assert not still(line + noise)
    assert still(line + np.float32(0.02) * noise), "less than any converter makes"
