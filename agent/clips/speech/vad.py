"""Probability of speech, frame by frame.

The model is Silero VAD 6.2 for 16 kHz (https://github.com/snakers4/silero-vad, MIT, see
``LICENSE.silero-vad``), in the form that takes many frames at once. Its own package needs torch;
the graph alone does not, and runs on what the box has already.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle.loading import sha256_of
from agent.bundle.onnx_graph import Graph, Tensor
from agent.capture.audiofile import resampled
from agent.clips.speech.steady import without_steady
from agent.core.errors import BundleError, failing_as

if TYPE_CHECKING:
    from agent.core.records import FloatArray

MODEL = Path(__file__).parent / "silero_vad_16k_sequence.onnx"
_SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"

RATE_HZ = 16_000
"""What the model hears."""
FRAME_S = 512 / RATE_HZ
"""Seconds of one frame."""
_FRAME, _CONTEXT = 512, 64
_STATE = (1, 1, 128)
# Frames computed at once: four seconds, of which the memory is small.
_TOGETHER = 128


class VoiceDetector:
    """The model, loaded. Not to be used from several threads."""

    def __init__(self, model: Path = MODEL) -> None:
        """Load it.

        Raises:
            BundleError: the model is missing, is not the one that was measured, or does not run.
        """
        with failing_as(BundleError, model, "install it again"):
            found = sha256_of(model)
        if found != _SHA256:
            # One that hears nothing would let everything through.
            raise BundleError(
                f"{model}: its SHA-256 starts with {found[:12]}, expected {_SHA256[:12]}; "
                "install kikimimi again"
            )
        self._graph = Graph(
            model,
            [
                Tensor("input", (None, _CONTEXT + _FRAME)),
                Tensor("h", _STATE),
                Tensor("c", _STATE),
            ],
            Tensor("speech_probs", (None,)),
            beside=[Tensor("hn", _STATE), Tensor("cn", _STATE)],
            arena=False,
        )

    def probabilities(self, samples: FloatArray, sample_rate_hz: int) -> FloatArray:
        """How likely each frame of :data:`FRAME_S` holds speech, as it is or over the machines.

        Args:
            samples: full scale at 1.0, shape ``(samples,)``.
            sample_rate_hz: of them.

        Returns:
            From 0 to 1, shape ``(frames,)``; the last frame may reach past the end.

        Raises:
            BundleError: ONNX Runtime fails.
        """
        heard = resampled(samples, sample_rate_hz, RATE_HZ)
        return np.maximum(self._run(heard), self._run(without_steady(heard)))

    def _run(self, heard: FloatArray) -> FloatArray:
        count = -(-len(heard) // _FRAME)
        frames = np.zeros((count, _CONTEXT + _FRAME), np.float32)
        padded = np.zeros(count * _FRAME, np.float32)
        padded[: len(heard)] = heard
        frames[:, _CONTEXT:] = padded.reshape(count, _FRAME)
        frames[1:, :_CONTEXT] = frames[:-1, -_CONTEXT:]
        hidden = cell = np.zeros(_STATE, np.float32)
        found = [np.zeros(0, np.float32)]
        for first in range(0, count, _TOGETHER):
            some, hidden, cell = self._graph.run_all(
                {"input": frames[first : first + _TOGETHER], "h": hidden, "c": cell}
            )
            found.append(some)
        return np.concatenate(found)
