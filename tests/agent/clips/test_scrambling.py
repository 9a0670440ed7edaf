"""What is left of speech in a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.capture.scene import RATE_HZ
from agent.clips.scrambling import Guard, scramble, speech_mask
from agent.clips.speech import FRAME_S, VoiceDetector
from agent.clips.speech.vad import MODEL
from agent.config.speech import SpeechPolicy
from agent.core.errors import BundleError
from agent.core.records import Speech
from tests.agent.clips.intelligibility import (
    BEFORE_S,
    ESPEAK,
    JAPANESE,
    Recogniser,
    factory,
    guard,
    intelligibility,
    length_with,
    over_noise,
    part,
    say,
    sentences,
)

if TYPE_CHECKING:
    from pathlib import Path

needs_speech = pytest.mark.skipif(
    ESPEAK is None, reason="espeak-ng is not installed: script/bootstrap test installs it"
)


@needs_speech
def test_a_recogniser_understands_the_clip_before_and_nothing_after() -> None:
    """Words of matrix sentences over machines: most of them, then none."""
    rng, box = np.random.default_rng(1), guard()
    spoken = sentences(6)
    clips = [
        over_noise(one.samples, 15.0, factory(length_with(one.samples), rng)) for one in spoken
    ]
    cleared = [box.clear(clip, RATE_HZ, rng) for clip in clips]
    recogniser = Recogniser()
    assert recogniser.share(spoken, clips) >= 0.6
    # One in ten is what guessing gives.
    assert recogniser.share(spoken, [one.samples for one in cleared]) <= 0.1
    assert {one.speech for one in cleared} == {Speech.SCRAMBLED}


@needs_speech
@pytest.mark.parametrize("snr_db", [20.0, 5.0, 0.0, -5.0])
def test_what_people_could_understand_is_gone(snr_db: float) -> None:
    """By STOI, down to speech that is weaker than the machines."""
    rng, box = np.random.default_rng(2), guard()
    for one in sentences(2, seed=3):
        noise = factory(length_with(one.samples), rng)
        clip = over_noise(one.samples, snr_db, noise)
        cleared = box.clear(clip, RATE_HZ, rng).samples
        assert intelligibility(one.samples, clip) > 0.55
        assert intelligibility(one.samples, cleared) < 0.5


@needs_speech
def test_japanese_is_found_too() -> None:
    """The whole of each sentence is replaced."""
    rng, box = np.random.default_rng(4), guard()
    for text in JAPANESE[:2]:
        speech = say(text, "ja")
        clip = over_noise(speech, 0.0, factory(length_with(speech), rng))
        cleared = box.clear(clip, RATE_HZ, rng).samples
        assert np.mean(part(clip, speech) != part(cleared, speech)) > 0.99


@needs_speech
def test_drop_writes_no_sound_and_its_picture_shows_none() -> None:
    """The samples for the picture are scrambled as well."""
    rng = np.random.default_rng(5)
    (one,) = sentences(1)
    clip = over_noise(one.samples, 10.0, factory(length_with(one.samples), rng))
    cleared = guard(SpeechPolicy.DROP).clear(clip, RATE_HZ, rng)
    assert not cleared.audible
    assert cleared.speech is Speech.DROPPED
    assert intelligibility(one.samples, cleared.samples) < 0.5


@needs_speech
def test_an_event_beside_the_speech_stays_as_it_was() -> None:
    """Bit for bit, from a second after the last word on."""
    rng = np.random.default_rng(6)
    (one,) = sentences(1)
    noise = factory(length_with(one.samples) + 5 * RATE_HZ, rng)
    blow = round((BEFORE_S + 5.0) * RATE_HZ) + len(one.samples)
    noise[blow : blow + 2_000] += 0.5 * np.hanning(2_000).astype(np.float32)
    clip = over_noise(one.samples, 10.0, noise)
    cleared = guard().clear(clip, RATE_HZ, rng).samples
    np.testing.assert_array_equal(cleared[blow:], clip[blow:])


def test_keep_leaves_everything_and_looks_for_nothing() -> None:
    """The detector is not even loaded."""
    samples = factory(RATE_HZ, np.random.default_rng(7))
    kept = Guard(SpeechPolicy.KEEP, _cannot_load, FRAME_S).clear(samples, RATE_HZ)
    assert kept.audible
    assert kept.speech is Speech.KEPT
    assert kept.samples is samples


@pytest.mark.parametrize("policy", [SpeechPolicy.SCRAMBLE, SpeechPolicy.DROP])
def test_without_a_detector_nothing_is_given(policy: SpeechPolicy) -> None:
    """An unsearched clip is no clip."""
    with pytest.raises(BundleError, match="is away"):
        Guard(policy, _cannot_load, FRAME_S).clear(np.zeros(RATE_HZ, np.float32), RATE_HZ)


def _cannot_load() -> VoiceDetector:
    raise BundleError("the detector is away")


def test_another_model_is_refused(tmp_path: Path) -> None:
    """One that hears nothing would let everything through."""
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match="SHA-256"):
        VoiceDetector(path)
    with pytest.raises(BundleError, match="install it again"):
        VoiceDetector(tmp_path / "none.onnx")


def test_the_machines_of_the_scene_are_no_speech() -> None:
    """The clip is written as it was heard."""
    calm = factory(10 * RATE_HZ, np.random.default_rng(11))
    cleared = guard().clear(calm, RATE_HZ)
    assert cleared.speech is Speech.NONE
    assert cleared.samples is calm


def test_scrambling_keeps_the_loudness_of_each_band() -> None:
    """A hum stays a hum: within 2 dB in its octave."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    hum = (0.1 * np.sin(2 * np.pi * 500.0 * time_s)).astype(np.float32)
    blurred = scramble(hum, np.ones(len(hum), np.bool_), RATE_HZ, np.random.default_rng(8))
    power = np.abs(np.fft.rfft(blurred.astype(np.float64))) ** 2
    hertz = np.fft.rfftfreq(len(blurred), 1 / RATE_HZ)
    near = power[(hertz > 350) & (hertz < 710)].sum() / power.sum()
    assert near > 0.95
    assert abs(20 * np.log10(np.std(blurred) / np.std(hum))) < 2.0


def test_scrambling_twice_gives_other_noise() -> None:
    """Nobody who knows the program can take the noise away."""
    samples = factory(RATE_HZ, np.random.default_rng(9))
    mask = np.ones(len(samples), np.bool_)
    twice = [scramble(samples, mask, RATE_HZ, np.random.default_rng()) for _ in range(2)]
    assert abs(np.corrcoef(twice[0], twice[1])[0, 1]) < 0.1
    assert abs(np.corrcoef(twice[0], samples)[0, 1]) < 0.1


def test_speech_at_the_very_ends_is_scrambled_to_the_last_sample() -> None:
    """A clip that begins or ends in the middle of a word has no ramp there."""
    samples = np.full(RATE_HZ, 0.25, np.float32)
    blurred = scramble(samples, np.ones(RATE_HZ, np.bool_), RATE_HZ, np.random.default_rng(10))
    assert not np.any(blurred[[0, 1, -2, -1]] == 0.25)


def test_the_mask_reaches_a_second_around_what_is_likely() -> None:
    """And what cannot be judged counts as speech."""
    likely = np.zeros(200, np.float32)
    likely[100] = 1.0
    mask = speech_mask(likely, 0.032, 200 * 1_024, RATE_HZ)
    first, last = np.flatnonzero(mask)[[0, -1]] / RATE_HZ
    assert abs(first - (96 * 0.032 - 1.0)) < 0.001
    assert abs(last - (105 * 0.032 + 1.0)) < 0.001
    likely[:] = np.nan
    assert speech_mask(likely, 0.032, 200 * 1_024, RATE_HZ).all()
    assert not speech_mask(likely[:0], 0.032, 0, RATE_HZ).any()
