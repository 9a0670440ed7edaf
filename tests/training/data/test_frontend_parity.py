"""The frontend of the box equals the one that the audio tower was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle.manifest import FrontendConstants
from agent.capture.audiofile import read_audio
from agent.frontend.log_mel import LogMel
from tests.signals import mel_filters as drawn_again
from tests.signals import noise

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

torch = pytest.importorskip("torch", reason="needs the training extra")
training = pytest.importorskip("training.data.frontend")

pytestmark = pytest.mark.torch

CONSTANTS = FrontendConstants()

# Both frontends give (ln(power) + 4.5) / 5: this is 1e-4 in natural-log units.
TOLERANCE = 1e-4 / CONSTANTS.scale

# One of each kind: speech band and 8 bit, full band, machine, motor, very short.
RECORDINGS = ["esc50-40", "everyday-cc", "mimii-fan", "vroom-lathe", "cc0-impacts"]


def box_frontend() -> LogMel:
    """The agent's frontend with the arrays that training writes into a bundle."""
    return LogMel(CONSTANTS, training.mel_filters(CONSTANTS), training.hann_window(CONSTANTS))


def reference(wave: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Torch's log-mel, ``(n_mels, n_frames)``."""
    frames = training.LogMel(CONSTANTS)(torch.from_numpy(wave)[None])
    return np.asarray(frames[0])


def in_pieces(wave: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """The agent's log-mel of a wave that arrives in pieces of a size."""
    stream = box_frontend()
    frames = [stream.push(wave[at : at + size]) for at in range(0, len(wave), size)]
    return np.concatenate([*frames, stream.flush()]).T


@pytest.mark.parametrize("folder", RECORDINGS)
def test_real_recordings_give_the_same_log_mel(data_dir: Path, folder: str) -> None:
    """Whole, and in pieces from a few samples to seconds, on real sound."""
    paths = sorted(
        path
        for path in (data_dir / folder).rglob("*")
        if path.suffix in {".wav", ".ogg", ".flac", ".mp3"}
    )
    assert paths
    for path in paths[:: max(1, len(paths) // 5)]:
        wave = read_audio(path, CONSTANTS.sample_rate_hz)
        expected = reference(wave)
        assert box_frontend().whole(wave).shape == expected.shape
        np.testing.assert_allclose(box_frontend().whole(wave), expected, rtol=0, atol=TOLERANCE)
        for size in (37, 320, 1_600, 100_000):
            pieces = in_pieces(wave, size)
            np.testing.assert_allclose(pieces, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("samples", [1, 2, 513, 514, 515, 800, 1_281, 32_000])
def test_signals_of_any_length_give_the_same_frames(samples: int) -> None:
    """Even what is shorter than a window, sample by sample."""
    wave = noise(samples)
    expected = reference(wave)
    np.testing.assert_allclose(in_pieces(wave, 1), expected, rtol=0, atol=TOLERANCE)


def test_bands_are_drawn_alike() -> None:
    """Kaldi's bands from their definition, written twice by different means."""
    np.testing.assert_allclose(
        training.mel_filters(CONSTANTS), drawn_again(CONSTANTS), rtol=0, atol=1e-9
    )
