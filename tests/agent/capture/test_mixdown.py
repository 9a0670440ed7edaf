"""Which channel is heard where the mean of all would lose sound."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.capture.mixdown import Mixdown

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ = 16_000
PIECE = RATE_HZ // 10
FADE = RATE_HZ // 100


def pink(seconds: float, seed: int = 1, level: float = 0.05) -> np.ndarray:
    """Noise that is as loud in each octave, RMS ``level``, shape ``(samples,)``."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0.0
    sound = np.fft.irfft(spectrum)
    return level * sound / sound.std()


def later(sound: np.ndarray, milliseconds: float) -> np.ndarray:
    """The same as a microphone hears it that is farther away."""
    frames = round(milliseconds * RATE_HZ / 1_000)
    return np.concatenate((np.zeros(frames), sound[: len(sound) - frames]))


def stack(*channels: np.ndarray) -> np.ndarray:
    """Frames, float32, shape ``(frames, channels)``."""
    return np.stack(channels, axis=1).astype(np.float32)


def pieces(frames: np.ndarray) -> list[np.ndarray]:
    """A tenth of a second each, as a device gives them."""
    return np.array_split(frames, max(1, len(frames) // PIECE))


def mixdown(channels: tuple[int, ...] | None = None) -> Mixdown:
    """One that is ready."""
    made = Mixdown(channels)
    made.begin(RATE_HZ)
    return made


def heard(mixing: Mixdown, frames: np.ndarray) -> np.ndarray:
    """What comes of frames that arrive one after the other."""
    return np.concatenate([mixing.add(piece) for piece in pieces(frames)])


def choices(mixing: Mixdown, frames: np.ndarray) -> list[int | None]:
    """The channel that is heard, whenever it changes."""
    found = [mixing.choice.channel if mixing.choice else None]
    for piece in pieces(frames):
        mixing.add(piece)
        number = mixing.choice.channel if mixing.choice else None
        if number != found[-1]:
            found.append(number)
    return found[1:]


def test_an_inverted_side_is_noticed_and_the_louder_channel_is_heard() -> None:
    """After a second of nothing; the reason names the fault and what to write."""
    mixing = mixdown()
    left = pink(5.0)
    sound = heard(mixing, stack(-0.9 * left, left))
    assert mixing.choice is not None
    assert mixing.choice.channel == 1  # a decibel is no difference
    assert mixing.remark == (
        "channels 1 and 2 cancel each other: one side is inverted (two wires swapped); channel 1 "
        "alone is heard; write channels: [1]"
    )
    np.testing.assert_array_equal(sound[2 * RATE_HZ :], np.float32(-0.9 * left)[2 * RATE_HZ :])
    mixing = mixdown()
    heard(mixing, stack(-0.5 * left, left))
    assert mixing.choice is not None
    assert mixing.choice.channel == 2


@pytest.mark.parametrize("milliseconds", [0.25, 1.0, 2.0, 3.0, 5.0, 8.0])
def test_a_delayed_channel_is_noticed_in_the_octave_of_its_notch(milliseconds: float) -> None:
    """The first notch of the comb lies at half the inverse of the delay."""
    mixing = mixdown()
    sound = pink(4.0)
    assert choices(mixing, stack(sound, later(sound, milliseconds))) == [1]
    assert mixing.choice is not None
    around_hz = float(mixing.choice.fault.split("around ")[1].split(" Hz")[0])
    assert around_hz == pytest.approx(500.0 / milliseconds, rel=0.45)
    assert "one hears the sound later" in mixing.choice.fault


def test_an_array_is_heard_by_one_of_its_microphones() -> None:
    """Eight channels, each a millisecond later than the one before."""
    sound = pink(4.0)
    array = stack(*(later(sound, milliseconds) for milliseconds in range(1, 9)))
    mixing = mixdown()
    assert choices(mixing, array) == [1]
    mixing = mixdown((3, 7, 8))
    assert choices(mixing, mixing.chosen(array)) == [3]  # by its own number


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_channels_that_have_nothing_in_common_stay_mixed(count: int) -> None:
    """They weaken each other as any average does: two by 3 dB, eight by 9 dB in every octave."""
    noises = stack(*(pink(30.0, seed) for seed in range(count)))
    mixing = mixdown()
    sound = heard(mixing, noises)
    assert mixing.choice is None
    np.testing.assert_allclose(sound, noises.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1, 0.01])
def test_another_level_is_no_fault(ratio: float) -> None:
    """A sound to one side, or another machine that is quiet now, stays in the mix."""
    sound = pink(10.0)
    assert choices(mixdown(), stack(sound, ratio * sound)) == []
    assert choices(mixdown(), stack(sound, ratio * pink(10.0, 2))) == []


def test_two_machines_stay_mixed_though_each_is_heard_by_one_channel() -> None:
    """One channel alone would lose all that the other hears."""
    low = np.convolve(pink(10.0), np.ones(64) / 64, "same")
    high = np.diff(pink(10.0, 2), prepend=0.0)
    assert choices(mixdown(), stack(low, high)) == []


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_a_dead_channel_is_left_out_and_named(level: float) -> None:
    """Digital silence, or the noise of an input with nothing plugged in (-80 dBFS)."""
    noise = level * np.random.default_rng(1).standard_normal(5 * RATE_HZ)
    mixing = mixdown()
    assert choices(mixing, stack(noise, pink(5.0))) == [2]
    assert mixing.remark == (
        "channel 1 has no sound; channel 2 alone is heard; write channels: [2]"
    )
    mixing = mixdown()
    assert choices(mixing, stack(noise, pink(5.0), noise)) == [2]
    assert mixing.remark.startswith("the other channels have no sound; channel 2")


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3])
def test_silence_and_the_noise_of_converters_are_no_fault(level: float) -> None:
    """Whatever the level: there is no channel that hears more."""
    noise = level * np.random.default_rng(1).standard_normal((20 * RATE_HZ, 2))
    assert choices(mixdown(), noise.astype(np.float32)) == []


def test_it_ends_when_the_cause_ends() -> None:
    """The wires are swapped back: half a minute later both are mixed again."""
    mixing = mixdown()
    sound = pink(20.0)
    assert choices(mixing, stack(sound, -sound)) == [1]
    back = pink(60.0, 2)
    assert choices(mixing, stack(back, back)) == [None]
    assert mixing.remark == ""
    assert mixing.last_choice is not None  # of a recording it is told all the same


def test_a_fault_that_begins_later_is_noticed_within_five_seconds() -> None:
    """Though less of the sound is measured once all has been well for a while."""
    mixing = mixdown()
    sound = pink(20.0)
    assert choices(mixing, stack(sound, sound)) == []
    inverted = stack(sound, -sound)
    assert choices(mixing, inverted[: 5 * RATE_HZ]) == [1]


def test_it_does_not_flap() -> None:
    """A fault that comes and goes every five seconds is one fault."""
    sound = pink(120.0)
    side = np.repeat([1.0, -1.0] * 12, 5 * RATE_HZ)
    assert choices(mixdown(), stack(sound, side * sound)) == [1]


def test_a_quiet_night_does_not_end_it() -> None:
    """The noise of two converters cancels nothing, and is no proof that the sound would not."""
    mixing = mixdown()
    day, event = pink(20.0), pink(2.0, 3)
    night = 1e-5 * np.random.default_rng(1).standard_normal((150 * RATE_HZ, 2))
    choices(mixing, stack(day, -day))
    assert choices(mixing, night.astype(np.float32)) == []
    np.testing.assert_array_equal(heard(mixing, stack(event, -event)), np.float32(event))


def test_a_sound_at_the_channel_that_is_not_heard_comes_within_a_third_of_a_second() -> None:
    """A second microphone that was silent until now."""
    mixing = mixdown()
    one, other = pink(20.0, level=0.001), pink(2.0, 2)
    choices(mixing, stack(one, np.zeros_like(one)))
    assert mixing.choice is not None
    sound = heard(mixing, stack(np.zeros_like(other), other))
    assert mixing.choice is None or mixing.choice.channel == 2
    rest = sound[round(0.3 * RATE_HZ) :]
    assert rest.std() > 0.4 * other.std()


def test_a_channel_that_breaks_is_replaced_by_the_other() -> None:
    """Of two that cancel, the one that was heard loses its cable."""
    mixing = mixdown()
    sound = pink(20.0)
    assert choices(mixing, stack(sound, -sound)) == [1]
    assert choices(mixing, stack(np.zeros_like(sound), -sound))[-1] == 2


def test_the_change_is_no_click() -> None:
    """From the mean to one channel within ten milliseconds, without a step."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = 0.5 * np.sin(2 * np.pi * 200.0 * time_s)
    mixing = mixdown()
    sound = heard(mixing, stack(tone, -tone))
    assert mixing.choice is not None
    assert np.abs(sound[RATE_HZ:]).max() == pytest.approx(0.5, abs=0.01)
    steepest = np.abs(np.diff(tone)).max()
    assert np.abs(np.diff(sound)).max() < steepest + 1.2 * 0.5 / FADE


def test_a_recording_is_judged_before_it_is_mixed() -> None:
    """No sample is lost to the judgement, and no more than ten seconds are held back."""
    taken = 0

    def arriving(frames: np.ndarray) -> Iterator[np.ndarray]:
        nonlocal taken
        for piece in pieces(frames):
            taken += len(piece)
            yield piece

    sound = pink(30.0)
    mixing = mixdown()
    mixed = mixing.recording(arriving(stack(sound, -sound)))
    first = next(mixed)
    assert taken == pytest.approx(10 * RATE_HZ, abs=PIECE)
    np.testing.assert_array_equal(np.concatenate((first, *mixed)), np.float32(sound))


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 2.5, 10.0])
def test_short_recordings_are_judged_by_what_there_is(seconds: float) -> None:
    """Of an event of a twentieth of a second, too."""
    sound = pink(seconds)
    mixing = mixdown()
    mixed = np.concatenate(list(mixing.recording(pieces(stack(sound, -sound)))))
    np.testing.assert_array_equal(mixed, np.float32(sound))
    mixing = mixdown()
    frames = stack(sound, pink(seconds, 2))
    mixed = np.concatenate(list(mixing.recording(pieces(frames))))
    np.testing.assert_allclose(mixed, frames.mean(axis=1), atol=1e-6)


def test_what_is_known_outlives_a_gap_and_not_another_device() -> None:
    """The same device opened again is the same; another rate or number of channels is not."""
    sound = pink(3.0)
    mixing = mixdown()
    heard(mixing, stack(sound, -sound))
    mixing.begin(RATE_HZ)
    np.testing.assert_array_equal(heard(mixing, stack(sound, -sound)), np.float32(sound))
    heard(mixing, stack(sound[:PIECE], sound[:PIECE], sound[:PIECE]))
    assert mixing.choice is None
    heard(mixing, stack(sound, -sound))
    mixing.begin(2 * RATE_HZ)
    assert mixing.choice is None


def test_one_channel_costs_nothing() -> None:
    """It is handed on as it came."""
    frames = stack(pink(1.0))
    assert np.shares_memory(mixdown().add(frames), frames)
    mixing = mixdown((2,))
    both = stack(pink(1.0), pink(1.0, 2))
    np.testing.assert_array_equal(mixing.add(mixing.chosen(both)), both[:, 1])


@pytest.mark.parametrize("rate_hz", [1_000, 8_000, 44_100, 96_000, 768_000])
def test_any_rate_of_a_file_is_judged(rate_hz: int) -> None:
    """From the lowest to the highest that a header may tell."""
    noise = np.random.default_rng(1).standard_normal(2 * rate_hz) * 0.1
    for other, expected in ((noise, None), (-noise, 1)):
        mixing = Mixdown()
        mixing.begin(rate_hz)
        for piece in np.array_split(stack(noise, other), 20):
            mixing.add(piece)
        assert (mixing.choice and mixing.choice.channel) == expected


def test_missing_channels_are_named() -> None:
    """What there is, what was asked for, and what may be."""
    assert Mixdown().missing(1) == ""
    assert Mixdown((1, 3)).missing(3) == ""
    assert Mixdown((1, 3)).missing(2) == "has 2 channels, not 3; choose channels from 1 to 2"
    assert Mixdown((2,)).missing(1) == "has 1 channel, not 2; choose channel 1"


def test_pieces_of_any_size_are_the_same_sound() -> None:
    """After the first decision nothing depends on how the frames come."""
    sound = pink(6.0)
    whole = [
        np.concatenate([mixing.add(piece) for piece in np.array_split(stack(sound, -sound), count)])
        for mixing, count in ((mixdown(), 7), (mixdown(), 600))
    ]
    for one, other in pairwise(whole):
        np.testing.assert_array_equal(one[2 * RATE_HZ :], other[2 * RATE_HZ :])
