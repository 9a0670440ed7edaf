"""The picture of a clip."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from agent.bundle import loading as bundle
from agent.clips.picture import Marks, draw
from agent.frontend.log_mel import LogMel
from tests.agent.clips.scene_clips import hum


def pixels(png: bytes) -> np.ndarray:
    """Of a picture, shape ``(height, width, 3)``."""
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), np.int64)


def test_a_click_is_bright_where_it_was_and_the_event_is_marked() -> None:
    """Time runs to the right: 64 pixels of labels, then 860 of sound."""
    log_mel = LogMel.of(bundle.load())
    samples = np.random.default_rng(1).normal(0.0, 1e-3, 4 * 32_000).astype(np.float32)
    samples[32_000:33_000] += 0.5
    found = pixels(draw(log_mel, samples, Marks(0.9, 2.0, 1.0, "horn")))
    light = found[40:340, 64:924].sum(axis=(0, 2))
    assert abs(int(np.argmax(np.convolve(light, np.ones(5), "same"))) / 860 * 4.0 - 1.0) < 0.1
    for at_s in (0.9, 2.0):
        column = found[34:354, 64 + round(at_s / 4.0 * 859)]
        assert (column.min(axis=1) > 230).sum() > 100


@pytest.mark.parametrize("seconds", [0.01, 0.5, 30.0])
def test_any_length_and_silence_can_be_drawn(seconds: float) -> None:
    """Also a title that the font cannot write."""
    log_mel = LogMel.of(bundle.load())
    for samples in (hum(seconds), np.zeros(round(seconds * 32_000), np.float32)):
        found = pixels(draw(log_mel, samples, Marks(0.0, seconds, 0.0, "警報")))
        assert found.shape == (398, 940, 3)


def test_labels_stand_at_the_bands_that_hear_them() -> None:
    """The bands' centres do not fall, and a tone is loudest in the band nearest to it."""
    log_mel = LogMel.of(bundle.load())
    centres = log_mel.centres_hz()
    assert np.all(np.diff(centres) >= 0)
    for hertz in (500.0, 2_000.0, 8_000.0):
        tone = np.sin(2 * np.pi * hertz * np.arange(32_000) / 32_000).astype(np.float32)
        loudest = int(np.argmax(log_mel.whole(tone).mean(axis=1)))
        assert abs(loudest - int(np.argmin(np.abs(centres - hertz)))) <= 1
