"""From a checkpoint to a bundle: ONNX, quantization, parity, manifest."""

import agent  # noqa: F401 - first of all: it switches off the telemetry of libraries

HEAR_THROUGH_NOISE = "--hear-through-noise"
"""The option, by which a manifest's commands are known too."""
