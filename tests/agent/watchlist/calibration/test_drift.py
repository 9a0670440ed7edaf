"""Drift, on real backgrounds: a fan and a lathe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.core.records import Match
from agent.encoder.audio import Encoder
from agent.hearing.windows import windows_of
from agent.watchlist.calibration.drift import Drift, Reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RATE_HZ = 32_000
HOUR_S = 30.0
HOP_S = 0.5


def heard(files: Sequence[Path]) -> np.ndarray:
    """Embeddings of recordings that follow on each other, as the box hears them."""
    bundle = bundles.load()
    samples = np.concatenate([read_audio(path, RATE_HZ) for path in files])
    return Encoder(bundle).embed(list(windows_of(bundle, "mic", [samples], HOP_S))).joint


@pytest.fixture(scope="module")
def fan(data_dir: Path) -> np.ndarray:
    """A minute and a half of a fan in factory noise."""
    return heard(sorted((data_dir / "mimii-fan" / "normal").glob("*.flac"))[:9])


@pytest.fixture(scope="module")
def lathe(data_dir: Path) -> np.ndarray:
    """Forty-five seconds of a lathe."""
    return heard(sorted((data_dir / "vroom-lathe" / "just_right").glob("*.flac"))[:45])


def feed(drift: Drift, embeddings: np.ndarray, score: float = 0.0) -> None:
    """Windows with a score of the one description."""
    for row, embedding in enumerate(embeddings):
        one = np.array([score], np.float32)
        match = Match("mic", row, row * HOP_S, 2.0, ("air_leak",), one, one)
        drift.feed([match], embedding[None])


def test_the_same_background_has_not_shifted(fan: np.ndarray) -> None:
    """Calibrated on every other window of the fan; those between are the same background."""
    drift = Drift(Reference.of(fan[::2]), ["air_leak"], HOP_S, hour_s=HOUR_S)
    feed(drift, fan[1:61:2])
    assert drift.distance is None
    feed(drift, fan[61:161:2])
    assert drift.distance is not None
    assert not drift.shifted
    assert drift.reason == ""


def test_another_machine_is_noticed_and_its_end_too(fan: np.ndarray, lathe: np.ndarray) -> None:
    """A lathe where the fan was: told with figures, and no longer once the fan is back."""
    drift = Drift(Reference.of(fan[::2]), ["air_leak"], HOP_S, hour_s=HOUR_S)
    feed(drift, fan[1:121:2])
    assert not drift.shifted
    feed(drift, lathe[:60])
    assert drift.shifted
    assert "spreads from the calibrated one" in drift.reason
    assert "kikimimi calibrate" in drift.reason
    feed(drift, fan[1:121:2])
    assert not drift.shifted


def test_a_description_that_has_come_nearer_is_named(fan: np.ndarray) -> None:
    """Its median was 0; hysteresis holds it until it is clearly lower."""
    drift = Drift(Reference.of(fan[::2]), ["air_leak"], HOP_S, hour_s=HOUR_S)
    feed(drift, fan[1:121:2], 2.2)
    assert drift.shifted
    assert "air_leak +2.2" in drift.reason
    feed(drift, fan[1:121:2], 1.7)
    assert drift.shifted
    feed(drift, fan[1:121:2], 1.2)
    assert not drift.shifted


def test_scores_of_other_descriptions_are_not_mixed(fan: np.ndarray) -> None:
    """After a reload the hour of scores begins anew; that of embeddings goes on."""
    drift = Drift(Reference.of(fan[::2]), ["air_leak"], HOP_S, hour_s=HOUR_S)
    feed(drift, fan[1:121:2], 2.5)
    ids = ("air_leak", "siren")
    scores = np.array([0.0, 0.0], np.float32)
    drift.feed([Match("mic", 0, 0.0, 2.0, ids, scores, scores)], fan[:1])
    assert not drift.shifted
    assert drift.distance is not None


def test_nothing_to_compare_with_is_refused() -> None:
    """No windows, or all the same."""
    with pytest.raises(ValueError, match="no background"):
        Reference.of(np.empty((0, 4), np.float32))
    with pytest.raises(ValueError, match="all windows are the same"):
        Reference.of(np.ones((5, 4), np.float32) / 2)
